"""What is put on a topic arrives as it was sent, and nothing else does."""

from __future__ import annotations

import time

import pytest

from harness.contract.model import Channel
from harness.errors import BrokerError
from harness.kafka.broker import Broker, create_topics
from harness.kafka.listening import Listener
from harness.kafka.wire import Publisher, Record, publish
from tests.kafka.conftest import NewTopic


def test_a_record_arrives_with_key_headers_and_value(broker: Broker, new_topic: NewTopic) -> None:
    topic = new_topic()
    headers = {"ce_id": "e-1", "ce_type": "AppointmentChanged", "content-type": "application/json"}
    with Listener(broker, [topic]) as listener, Publisher(broker) as publisher:
        before = int(time.time() * 1000)
        publisher.send(topic, "ap-1", headers, b'{"to":"booked"}')
        publisher.flush()
        arrived = listener.wait_for(lambda record: record.key == "ap-1", within=10)
    assert arrived is not None
    (record,) = arrived
    assert (record.topic, record.key, record.value) == (topic, "ap-1", b'{"to":"booked"}')
    assert dict(record.headers) == {name: value.encode() for name, value in headers.items()}
    assert record.header("ce_id") == "e-1"
    assert record.header("CE_ID") is None, "names of Kafka headers are exact"
    assert record.json() == record.decoded() == {"to": "booked"}
    assert abs(record.timestamp_ms - before) < 60_000


def test_what_was_there_before_is_not_heard(broker: Broker, new_topic: NewTopic) -> None:
    topic = new_topic()
    publish(broker, [_record(topic, f"old-{n}") for n in range(20)])
    with Listener(broker, [topic]) as listener:
        publish(broker, [_record(topic, f"new-{n}") for n in range(20)])
        listener.catch_up()
        assert sorted(str(r.key) for r in listener.records) == sorted(f"new-{n}" for n in range(20))


def test_a_repeated_header_a_missing_key_and_a_tombstone(broker: Broker, new_topic: NewTopic) -> None:
    topic = new_topic()
    with Listener(broker, [topic]) as listener:
        publish(broker, [Record(topic, 0, 0, None, (("h", b"1"), ("h", b"2")), None)])
        listener.catch_up()
        (record,) = listener.records
    assert record.key is None
    assert record.value is None
    assert record.json() is None
    assert record.headers == (("h", b"1"), ("h", b"2"))
    assert record.header("h") == "2"


def test_marks_divide_what_was_received(broker: Broker, new_topic: NewTopic) -> None:
    topic = new_topic()
    with Listener(broker, [topic]) as listener:
        publish(broker, [_record(topic, "first")])
        listener.catch_up()
        mark = listener.mark()
        publish(broker, [_record(topic, "second")])
        assert listener.wait_for(lambda record: record.key == "first", within=0.2, mark=mark) is None
        assert [record.key for record in listener.since(mark)] == ["second"]


def test_waiting_ends_when_enough_match(broker: Broker, new_topic: NewTopic) -> None:
    topic = new_topic()
    with Listener(broker, [topic]) as listener:
        publish(broker, [_record(topic, key) for key in ("a", "b", "a")])
        started = time.monotonic()
        found = listener.wait_for(lambda record: record.key == "a", within=30, count=2)
        assert found is not None
        assert [record.key for record in found] == ["a", "a"]
        assert time.monotonic() - started < 15
        assert listener.wait_for(lambda record: record.key == "a", within=0.2, count=3) is None


def test_order_holds_within_a_key(broker: Broker, new_topic: NewTopic) -> None:
    topic = new_topic()
    keys = [f"k{n}" for n in range(8)]
    with Listener(broker, [topic]) as listener:
        publish(broker, [_record(topic, key, str(n)) for n in range(50) for key in keys])
        listener.catch_up()
        arrived = listener.records
    assert len({record.partition for record in arrived}) >= 2, "the keys are spread over partitions"
    for key in keys:
        mine = [record for record in arrived if record.key == key]
        assert len({record.partition for record in mine}) == 1
        assert [record.value for record in mine] == [str(n).encode() for n in range(50)]


def test_a_topic_that_is_not_there_is_named(broker: Broker) -> None:
    with pytest.raises(BrokerError, match=r"there is no topic portal\.absent\.v1"):
        Listener(broker, ["portal.absent.v1"]).__enter__()


def test_topics_are_made_once(broker: Broker, new_topic: NewTopic) -> None:
    topic = new_topic()
    publish(broker, [_record(topic, "kept")])
    create_topics(broker, [Channel("other", topic, partitions=2), Channel("same", topic)])
    with Listener(broker, [topic]) as listener:
        publish(broker, [_record(topic, "after")])
        listener.catch_up()
        (after,) = listener.records
    assert after.offset in (0, 1), "the topic was not made anew in another place"


def test_a_record_too_large_is_refused_by_name(broker: Broker, new_topic: NewTopic) -> None:
    topic = new_topic()
    with Publisher(broker) as publisher, pytest.raises(BrokerError, match=topic):
        publisher.send(topic, "k", {}, b"x" * 2_000_000)
        publisher.flush()


def _record(topic: str, key: str, value: str = "{}") -> Record:
    return Record(topic, 0, 0, key, (), value.encode())
