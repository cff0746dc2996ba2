"""The library's mock as a consumer: what it does with the messages that its contract receives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson
import pytest

from harness.contract.model import JSON, Contract
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.listening import Listener
from harness.kafka.wire import Record, publish
from harness.serving.keys import KeyStore
from mocks.mock import Mock, build_mock
from tests.unit.mocks.running import FORGETFUL, TOPICS

WITHIN = 10.0
SETTLE = 0.8


@dataclass(frozen=True)
class Sent:
    topic: str
    value: bytes
    key: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Consuming:
    mock: Mock
    listener: Listener
    embedded: EmbeddedBroker

    def send(self, topic: str, payload: JSON, **headers: str) -> int:
        """Publish one message; returns the mark from before it."""
        mark = self.listener.mark()
        value = payload if isinstance(payload, bytes) else orjson.dumps(payload)
        publish(self.embedded.broker, [Sent(topic, value, "k", headers)])
        return mark

    def told(self, topic: str, mark: int, count: int = 1) -> list[Record]:
        found = self.listener.wait_for(lambda record: record.topic == topic, WITHIN, mark, count)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def consuming(library: Contract, keys: KeyStore, embedded: EmbeddedBroker) -> Iterator[Consuming]:
    mock = build_mock(library, embedded.broker, keys, conduct=FORGETFUL)
    mock.start()
    try:
        with Listener(embedded.broker, TOPICS) as listener:
            yield Consuming(mock, listener, embedded)
    finally:
        mock.stop()


def test_a_message_begins_an_aggregate_and_time_ends_it(consuming: Consuming) -> None:
    headers = {"ce_id": "e-1", "ce_correlationid": "c-1"}
    mark = consuming.send("library.reader", {"id": "reader-7", "bookId": "book-9"}, **headers)
    asked, closed = consuming.told("library.loan", mark, 2)
    assert re.fullmatch("loan-[0-9a-z]+", asked.key or "")
    assert asked.key == asked.json()["id"] == closed.key
    assert (asked.json()["to"], asked.json().get("from")) == ("asked", None)
    assert (closed.json()["from"], closed.json()["to"]) == ("asked", "closed")
    for record in (asked, closed):
        assert (record.json()["bookId"], record.json()["readerId"]) == ("book-9", "reader-7")
        assert record.header("ce_correlationid") == "c-1"
    assert (asked.header("ce_causationid"), closed.header("ce_causationid")) == ("e-1", asked.key)
    assert asked.json()["version"] < closed.json()["version"]


def test_different_messages_begin_different_aggregates(consuming: Consuming) -> None:
    mark = consuming.send("library.reader", {"id": "reader-1", "bookId": "book-1"}, ce_id="e-2")
    consuming.send("library.reader", {"id": "reader-1", "bookId": "book-1"}, ce_id="e-3")
    keys = {record.key for record in consuming.told("library.loan", mark, 4)}
    assert len(keys) == 2


def test_a_redelivery_has_no_second_effect(consuming: Consuming) -> None:
    mark = consuming.send("library.reader", {"id": "reader-1", "bookId": "book-1"}, ce_id="e-4")
    consuming.send("library.reader", {"id": "reader-1", "bookId": "book-1"}, ce_id="e-4")
    consuming.told("library.loan", mark, 2)
    consuming.listener.settle(SETTLE)
    states = [r.json()["to"] for r in consuming.listener.since(mark) if r.topic == "library.loan"]
    assert states == ["asked", "closed"]


def test_only_a_message_that_fulfils_the_condition_moves_something(consuming: Consuming) -> None:
    mark = consuming.send("library.partner", {"book": "book-2", "kept": False})
    consuming.send("library.partner", {"book": "book-3", "kept": True})
    (moved,) = consuming.told("library.book", mark)
    assert moved.key == "book-3"
    assert moved.json() == {"id": "book-3", "from": "in", "to": "out", "shelf": "b", "title": "Ulysses"}


def test_where_an_id_finds_nothing_nothing_moves(consuming: Consuming) -> None:
    mark = consuming.send("library.partner", {"book": None, "kept": True})
    consuming.send("library.partner", {"book": "book-3", "kept": True})
    assert [record.key for record in consuming.told("library.book", mark)] == ["book-3"]


@pytest.mark.parametrize(
    ("value", "reason"), [(b'{"id": "reader-1"}', "invalid"), (b"\xff not JSON", "malformed")]
)
def test_a_bad_message_goes_to_the_dead_letter_topic(consuming: Consuming, value: bytes, reason: str) -> None:
    mark = consuming.send("library.reader", value, ce_id="e-bad", extra="kept")
    (dead,) = consuming.told("library.dead", mark)
    assert (dead.key, dead.value, dead.header("extra")) == ("k", value, "kept")
    assert dead.header("deadletter_reason") == reason
    assert dead.header("deadletter_topic") == "library.reader"
    assert dead.header("deadletter_operation") == "readerAsked"
    assert ("rejected", "readerAsked", reason) in {
        (entry.kind, entry.operation, entry.detail) for entry in consuming.mock.journal
    }


@pytest.mark.parametrize(
    "value", [b"[" * 900 + b"]" * 900, b"[" + b"0," * 60_000 + b"0]", b"{" + b" " * 999_850 + b"}"]
)
def test_what_is_too_much_to_judge_holds_nobody_up(consuming: Consuming, value: bytes) -> None:
    mark = consuming.send("library.reader", value, ce_id=f"e-{len(value)}", ce_sequence="9" * 19)
    (dead,) = consuming.told("library.dead", mark)
    assert dead.value == (value if len(value) < 999_000 else None)
    consuming.send("library.partner", {"book": "book-2", "kept": True})
    assert consuming.told("library.book", mark)[0].key == "book-2"


def test_a_number_that_cannot_be_is_no_message(consuming: Consuming) -> None:
    asked = {"id": "reader-1", "bookId": "book-1"}
    mark = consuming.send("library.reader", asked, ce_id="e-forged", ce_sequence="9" * 19)
    (dead,) = consuming.told("library.dead", mark)
    assert dead.header("deadletter_reason") == "invalid"


def test_a_bad_message_without_dead_letter_topic_holds_nobody_up(consuming: Consuming) -> None:
    mark = consuming.send("library.partner", b"nonsense")
    consuming.send("library.partner", {"book": "book-2", "kept": True})
    assert consuming.told("library.book", mark)[0].key == "book-2"
