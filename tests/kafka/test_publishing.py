"""The publisher keeps its word while connections are cut between a write and its acknowledgement."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.kafka.broker import Broker
from harness.kafka.clients import LOG, settings
from harness.kafka.listening import Listener
from harness.kafka.wire import Publisher
from tests.kafka.conftest import NewTopic
from tests.kafka.proxy import Proxy

KEYS = [f"k{n}" for n in range(5)]
ROUNDS = 4
CUTS = 2


@pytest.fixture
def proxy(broker: Broker) -> Iterator[Proxy]:
    with Proxy(broker) as standing:
        yield standing


def test_what_a_publisher_repeats_is_written_once(broker: Broker, proxy: Proxy, new_topic: NewTopic) -> None:
    topic = new_topic()
    with Listener(broker, [topic]) as listener:
        with Publisher(proxy.broker) as publisher:
            for round in range(ROUNDS):
                proxy.cut(CUTS)
                for key in KEYS:
                    publisher.send(topic, key, {}, str(round).encode())
                publisher.flush(30)
        listener.catch_up()
        arrived = [(record.key, record.value) for record in listener.records]

    assert proxy.cuts == ROUNDS * CUTS
    sent = [(key, str(round).encode()) for round in range(ROUNDS) for key in KEYS]
    assert set(arrived) == set(sent), "nothing is lost on any broker"
    if broker.capabilities.idempotence:
        for key in KEYS:
            assert [each for each in arrived if each[0] == key] == [each for each in sent if each[0] == key]
    else:
        assert len(arrived) > len(sent), "the broker says that it cannot, but it can"


def test_without_idempotence_it_would_be_written_again(
    broker: Broker, proxy: Proxy, new_topic: NewTopic
) -> None:
    """That the test above can fail: the cut really comes after the write."""
    from confluent_kafka import Producer

    topic = new_topic()
    with Listener(broker, [topic]) as listener:
        producer = Producer(settings(proxy.broker, enable_idempotence=False, acks="all"), logger=LOG)
        proxy.cut(CUTS)
        producer.produce(topic, key="k", value=b"x")
        assert producer.flush(30) == 0
        listener.catch_up()
        assert [record.key for record in listener.records] == ["k"] * (CUTS + 1)
