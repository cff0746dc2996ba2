"""Who follows a topic knows until when all that stood there was handled, and only what it can know."""

from __future__ import annotations

import threading
import time
import uuid

import pytest

from harness.kafka.broker import Broker
from harness.kafka.clients import LOG, settings
from harness.kafka.consuming import Consumption
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.wire import Record, publish
from tests.kafka.conftest import NewTopic
from tests.kafka.members import consuming
from tests.kafka.until import until

LOOKS = 10.0
"""Seconds in which a member has certainly looked again."""


def _advances(member: Consumption, within: float = LOOKS) -> bool:
    """Whether it comes to know more than now."""
    now = time.monotonic()
    return until(lambda: member.following.current_at > now, within)


def test_a_member_is_current_once_it_has_handled_all(broker: Broker, new_topic: NewTopic) -> None:
    topic, seen = new_topic(), list[str | None]()
    publish(broker, [_record(topic, f"k{number}") for number in range(20)])
    with consuming(broker, topic, lambda record: seen.append(record.key), follows=[topic]) as member:
        assert member.following.caught_up.wait(LOOKS)
        assert len(seen) == 20
        assert _advances(member)


def test_what_waits_for_another_attempt_is_not_handled(broker: Broker, new_topic: NewTopic) -> None:
    topic, works = new_topic(), threading.Event()

    def handle(record: Record) -> None:
        if not works.is_set():
            raise ValueError("not yet")

    publish(broker, [_record(topic, "k")])
    with consuming(broker, topic, handle, lambda *_: 0.05, follows=[topic]) as member:
        assert not _advances(member, 2.5)
        works.set()
        assert _advances(member)


def test_the_end_of_a_transaction_is_nothing_to_wait_for(broker: Broker, new_topic: NewTopic) -> None:
    """It takes an offset, and is never delivered."""
    from confluent_kafka import Producer

    topic, seen = new_topic(), list[bytes | None]()
    producer = Producer(settings(broker, transactional_id=uuid.uuid4().hex), logger=LOG)
    producer.init_transactions(30)
    with consuming(broker, topic, lambda record: seen.append(record.value), follows=[topic]) as member:
        producer.begin_transaction()
        producer.produce(topic, key="k", value=b"committed")
        producer.commit_transaction(30)
        assert until(lambda: seen == [b"committed"])
        assert _advances(member)


@pytest.mark.timeout(60)
def test_without_a_broker_nothing_more_is_known() -> None:
    topic = "portal.test.followed.v1"
    with (
        EmbeddedBroker({topic: 2}) as embedded,
        consuming(embedded.broker, topic, lambda record: None, follows=[topic]) as member,
    ):
        assert member.following.caught_up.wait(LOOKS)
        embedded.stop()
        time.sleep(0.2)  # an answer that was under way
        assert not _advances(member, 4.0)


def test_who_follows_nothing_asks_nothing(broker: Broker, new_topic: NewTopic) -> None:
    with consuming(broker, new_topic(), lambda record: None) as member:
        assert not member.following.caught_up.wait(1.5)


def _record(topic: str, key: str) -> Record:
    return Record(topic, 0, 0, key, (), b"v")
