"""The consumer-group loop: nothing is lost, nothing overtakes, nothing ends it but its stop."""

from __future__ import annotations

import logging
import time
import uuid

import pytest

from harness.kafka.broker import Broker
from harness.kafka.consuming import Verdict
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.wire import Publisher, Record, publish
from tests.kafka.conftest import NewTopic
from tests.kafka.members import consuming
from tests.kafka.until import until


def test_a_new_group_reads_from_the_beginning(broker: Broker, new_topic: NewTopic) -> None:
    topic, seen = new_topic(), list[str | None]()
    publish(broker, [_record(topic, "early")])
    with consuming(broker, topic, lambda record: seen.append(record.key)):
        publish(broker, [_record(topic, "late")])
        assert until(lambda: sorted(map(str, seen)) == ["early", "late"]), seen


@pytest.mark.parametrize("at_once", [1, 100])
def test_what_was_handled_is_committed(broker: Broker, new_topic: NewTopic, at_once: int) -> None:
    topic, group, seen = new_topic(), uuid.uuid4().hex, list[str | None]()
    publish(broker, [_record(topic, f"k{n}") for n in range(10)])
    with consuming(broker, topic, lambda record: seen.append(record.key), group=group, at_once=at_once):
        assert until(lambda: len(seen) == 10)
    again: list[str | None] = []
    with consuming(broker, topic, lambda record: again.append(record.key), group=group):
        publish(broker, [_record(topic, "next")])
        assert until(lambda: "next" in again)
    assert again == ["next"]


@pytest.mark.parametrize("at_once", [1, 100])
def test_a_failing_record_is_tried_again_and_nothing_overtakes_it(
    broker: Broker, new_topic: NewTopic, at_once: int
) -> None:
    topic, tried, done = new_topic(), list[str](), list[tuple[str | None, bytes | None]]()

    def handle(record: Record) -> None:
        tried.append(str(record.key))
        if record.key == "bad" and record.value == b"0" and tried.count("bad") < 4:
            raise ValueError("not yet")
        done.append((record.key, record.value))

    publish(broker, [_record(topic, key, str(n)) for n in range(3) for key in ("bad", "good", "fine")])
    with consuming(broker, topic, handle, at_once=at_once):
        assert until(lambda: len(done) == 9), done
    assert [value for key, value in done if key == "bad"] == [b"0", b"1", b"2"]
    assert tried.count("bad") == 3 + 3


@pytest.mark.parametrize("at_once", [1, 100])
def test_giving_up_goes_on_with_the_next(broker: Broker, new_topic: NewTopic, at_once: int) -> None:
    topic, dead, done = new_topic(), list[tuple[int, str]](), list[bytes | None]()

    def handle(record: Record) -> None:
        if record.value == b"1":
            raise RuntimeError("never")
        done.append(record.value)

    def dead_letter(record: Record, error: Exception, attempt: int) -> Verdict | float:
        dead.append((attempt, str(error)))
        return Verdict.GIVE_UP if attempt == 3 else 0.01

    publish(broker, [_record(topic, "k", str(n)) for n in range(3)])
    with consuming(broker, topic, handle, dead_letter, at_once=at_once):
        assert until(lambda: done == [b"0", b"2"]), done
    assert dead == [(1, "never"), (2, "never"), (3, "never")]


def test_another_partition_goes_on_meanwhile(broker: Broker, new_topic: NewTopic) -> None:
    topic, done = new_topic(), set[str | None]()
    keys = [f"k{n}" for n in range(20)]

    def handle(record: Record) -> None:
        if record.key == "k0":
            raise ValueError("always")
        done.add(record.key)

    with consuming(broker, topic, handle, lambda *_: 0.05):
        publish(broker, [_record(topic, key) for key in keys])
        assert until(lambda: len(done) >= 5), done


def test_no_log_line_shows_what_a_record_says(
    broker: Broker, new_topic: NewTopic, caplog: pytest.LogCaptureFixture
) -> None:
    topic, tried = new_topic(), list[int]()

    def handle(record: Record) -> None:
        tried.append(1)
        raise ValueError(f"cannot read {record.value!r} of {record.key}")

    with (
        caplog.at_level(logging.DEBUG, "harness.kafka"),
        consuming(broker, topic, handle, lambda *_: Verdict.GIVE_UP),
    ):
        publish(broker, [Record(topic, 0, 0, "mrn-77", (("h", b"Jane"),), b'{"diagnosis":"flu"}')])
        assert until(lambda: "ValueError" in caplog.text)
    assert topic in caplog.text
    for secret in ("mrn-77", "Jane", "diagnosis", "flu"):
        assert secret not in caplog.text


def test_stopping_is_prompt_while_a_record_waits(broker: Broker, new_topic: NewTopic) -> None:
    topic, tried = new_topic(), list[int]()

    def handle(record: Record) -> None:
        tried.append(1)
        raise ValueError("always")

    with consuming(broker, topic, handle, lambda *_: 60.0):
        publish(broker, [_record(topic, "k")])
        assert until(lambda: tried)
        started = time.monotonic()
    assert time.monotonic() - started < 5


def test_an_outage_is_waited_out() -> None:
    topic, seen = "portal.test.outage.v1", list[str | None]()
    with EmbeddedBroker({topic: 2}) as first:
        port = int(first.bootstrap.rpartition(":")[2])
        with consuming(first.broker, topic, lambda record: seen.append(record.key)):
            publish(first.broker, [_record(topic, "before")])
            assert until(lambda: seen == ["before"])
            first.stop()
            with EmbeddedBroker({topic: 2}, port=port) as second, Publisher(second.broker) as publisher:
                publisher.send(topic, "after", {}, b"{}")
                publisher.flush()
                assert until(lambda: seen == ["before", "after"]), seen


def test_stopping_is_prompt_during_an_outage() -> None:
    topic, seen = "portal.test.outage.v1", list[str | None]()
    with EmbeddedBroker({topic: 1}) as embedded:
        with consuming(embedded.broker, topic, lambda record: seen.append(record.key)):
            publish(embedded.broker, [_record(topic, "k")])
            assert until(lambda: seen)
            embedded.stop()
            started = time.monotonic()
        assert time.monotonic() - started < 10


def _record(topic: str, key: str, value: str = "{}") -> Record:
    return Record(topic, 0, 0, key, (), value.encode())
