"""The broker itself ends and comes back: nothing that it acknowledged is lost, nothing is there twice."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable

import pytest

from harness.contract.model import Channel
from harness.kafka.broker import create_topics, reach
from harness.kafka.clients import admin_client
from harness.kafka.listening import Listener
from harness.kafka.wire import Publisher, Record, publish
from tests.kafka.apache import ApacheKafka
from tests.kafka.members import consuming
from tests.kafka.until import until

pytestmark = pytest.mark.apache

PARTITIONS = 3
KEYS = [f"k{n}" for n in range(6)]
ENDINGS = {"stopped": ApacheKafka.stop, "killed": ApacheKafka.kill}


@pytest.fixture(params=ENDINGS)
def end(request: pytest.FixtureRequest, apache_kafka: ApacheKafka) -> Callable[[], None]:
    """Ends the broker in one way or the other; the test starts it again."""
    return lambda: ENDINGS[request.param](apache_kafka)


@pytest.fixture
def topic(apache_kafka: ApacheKafka) -> str:
    name = f"portal.test.{uuid.uuid4().hex}.v1"
    create_topics(apache_kafka.broker, [Channel(name, name, partitions=PARTITIONS)])
    return name


def test_what_was_acknowledged_is_there_afterwards(
    apache_kafka: ApacheKafka, end: Callable[[], None], topic: str
) -> None:
    group, before, after = uuid.uuid4().hex, list[bytes | None](), list[bytes | None]()
    publish(apache_kafka.broker, _numbered(topic, 0, 100))
    with consuming(apache_kafka.broker, topic, lambda each: before.append(each.value), group=group):
        assert until(lambda: len(before) >= 100, 60), len(before)
    publish(apache_kafka.broker, _numbered(topic, 100, 200))
    end()
    assert not apache_kafka.alive
    apache_kafka.start()

    assert reach(apache_kafka.bootstrap) == apache_kafka.broker
    told = admin_client(apache_kafka.broker).list_topics(timeout=10).topics
    assert len(told[topic].partitions) == PARTITIONS
    with consuming(apache_kafka.broker, topic, lambda each: after.append(each.value), group=group):
        assert until(lambda: len(after) >= 100, 60), len(after)
    assert sorted(map(_number, before)) == list(range(100))
    assert sorted(map(_number, after)) == list(range(100, 200)), "the group goes on where it was"


def test_clients_go_on_through_it(apache_kafka: ApacheKafka, end: Callable[[], None], topic: str) -> None:
    """A publisher, a group's member and a listener, all at work while the broker ends and comes back."""
    consumed: list[Record] = []
    sending, sent = threading.Event(), list[int]()

    def send() -> None:
        with Publisher(apache_kafka.broker) as publisher:
            while not sending.is_set():
                (record,) = _numbered(topic, len(sent), len(sent) + 1)
                publisher.send(record.topic, record.key, record.headers, record.value)
                publisher.flush(60)
                sent.append(len(sent))

    with (
        Listener(apache_kafka.broker, [topic], timeout=30) as listener,
        consuming(apache_kafka.broker, topic, consumed.append),
    ):
        sender = threading.Thread(target=send)
        sender.start()
        assert until(lambda: len(sent) > 50)
        end()
        down = len(sent)
        apache_kafka.start()
        assert until(lambda: len(sent) > down + 50, 60), "the publisher goes on"
        sending.set()
        sender.join(30)
        listener.catch_up()
        assert until(lambda: len({each.value for each in consumed}) == len(sent), 30), "the member goes on"

    for key in KEYS:
        mine = [n for n in sent if KEYS[n % len(KEYS)] == key]
        assert [_number(each.value) for each in listener.records if each.key == key] == mine, "once, in order"
        handled = [_number(each.value) for each in consumed if each.key == key]
        assert list(dict.fromkeys(handled)) == mine, "a record may be handled again, but never out of order"


def _numbered(topic: str, first: int, end: int) -> list[Record]:
    return [Record(topic, 0, 0, KEYS[n % len(KEYS)], (), str(n).encode()) for n in range(first, end)]


def _number(value: bytes | None) -> int:
    return int(value or b"-1")
