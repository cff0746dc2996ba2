"""Transactions of others: what is not committed is not seen, where the broker can hold it back."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from harness.kafka.broker import Broker
from harness.kafka.clients import LOG, settings
from harness.kafka.listening import Listener
from harness.kafka.wire import Record, publish
from tests.kafka.conftest import NewTopic
from tests.kafka.members import consuming
from tests.kafka.until import until

if TYPE_CHECKING:
    from confluent_kafka import Producer


@pytest.fixture
def producer(broker: Broker) -> Iterator[Producer]:
    """One that has begun a transaction."""
    from confluent_kafka import Producer

    found = Producer(settings(broker, transactional_id=uuid.uuid4().hex), logger=LOG)
    found.init_transactions(30)
    found.begin_transaction()
    yield found
    found.purge()


def test_what_was_aborted_is_never_seen(broker: Broker, producer: Producer, new_topic: NewTopic) -> None:
    topic = new_topic()
    with Listener(broker, [topic]) as listener:
        _send(producer, topic, "aborted")
        producer.abort_transaction(30)
        producer.begin_transaction()
        _send(producer, topic, "committed")
        producer.commit_transaction(30)
        publish(broker, [Record(topic, 0, 0, "k", (), b"plain")])
        listener.catch_up()
        heard = [record.value for record in listener.records]
    assert _by_a_group(broker, topic) == heard, "a service and the verification see the same"
    if broker.capabilities.transactions:
        assert heard == [b"committed", b"plain"]
    else:
        assert heard == [b"aborted", b"committed", b"plain"], "the broker says that it cannot, but it can"


def test_an_open_transaction_is_not_seen_and_nobody_waits_for_it(
    broker: Broker, producer: Producer, new_topic: NewTopic
) -> None:
    topic = new_topic()
    with Listener(broker, [topic]) as listener:
        _send(producer, topic, "open")
        started = time.monotonic()
        listener.catch_up()
        assert time.monotonic() - started < 5, "it waits for what may never be committed"
        assert bool(listener.records) is not broker.capabilities.transactions
        producer.commit_transaction(30)
        assert listener.wait_for(lambda record: record.value == b"open", within=10)


def _send(producer: Producer, topic: str, value: str) -> None:
    producer.produce(topic, key="k", value=value.encode())
    assert producer.flush(30) == 0


def _by_a_group(broker: Broker, topic: str) -> list[bytes | None]:
    seen: list[bytes | None] = []
    with consuming(broker, topic, lambda record: seen.append(record.value)):
        assert until(lambda: b"plain" in seen)
    return seen
