"""The brokers that this suite runs against: the embedded one, and Apache Kafka (``-m apache``)."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator

import pytest

from harness.contract.model import Channel
from harness.kafka.broker import Broker, create_topics, reach
from harness.kafka.embedded import EmbeddedBroker
from tests.kafka.apache import ApacheKafka
from tests.kafka.secured import SecuredKafka

PARTITIONS = 4
"""Every topic that ``new_topic`` makes has at least two; the embedded broker makes them with four."""

NewTopic = Callable[[], str]


@pytest.fixture(scope="session")
def apache(request: pytest.FixtureRequest) -> Broker:
    """The Apache Kafka at ``PORTAL_KAFKA``, else one of our own."""
    if named := os.environ.get("PORTAL_KAFKA"):
        return reach(named, 10.0)
    own: ApacheKafka = request.getfixturevalue("apache_kafka")
    return own.broker


@pytest.fixture(scope="session", params=["embedded", pytest.param("apache", marks=pytest.mark.apache)])
def broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """One behaviour, two brokers."""
    if request.param == "embedded":
        with EmbeddedBroker({}) as embedded:
            yield embedded.broker
    else:
        yield request.getfixturevalue("apache")


@pytest.fixture(scope="session")
def secured_kafka(apache_kafka: ApacheKafka) -> Iterator[SecuredKafka]:
    """One that asks who you are; it stands beside the other, which decides whether there can be one."""
    with SecuredKafka() as running:
        yield running


@pytest.fixture
def new_topic(broker: Broker) -> NewTopic:
    """Makes a topic of its own for a test."""

    def make() -> str:
        name = f"portal.test.{uuid.uuid4().hex}.v1"
        create_topics(broker, [Channel(name, name, partitions=PARTITIONS)])
        return name

    return make
