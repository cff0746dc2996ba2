"""Outbox and inbox over real Kafka protocol."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from threading import Event
from typing import Any

import pytest

from harness.kafka.broker import Broker, Capabilities
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.listening import Listener
from harness.kafka.wire import Record, publish
from reference_services.platform import service as service_module
from reference_services.platform.database import Database, Ours
from reference_services.platform.events import put
from reference_services.platform.outbox import Relay
from tests.ports import free_port
from tests.unit.platform.desk import TICKET, Desk, Told, note, running

TOPICS = {
    "portal.desk.ticket.v1": 2,
    "portal.desk.seat.v1": 1,
    "portal.notes.note.v1": 2,
    "portal.desk.dead-letter.v1": 1,
}
WITHIN = 15.0


@pytest.fixture
def broker() -> Iterator[Broker]:
    with EmbeddedBroker(TOPICS) as embedded:
        yield embedded.broker


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    with Listener(broker, TOPICS) as listening:
        yield listening


def until(holds: Callable[[], bool], within: float = WITHIN) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def ids(records: Sequence[Record]) -> list[str | None]:
    return [each.header("ce_id") for each in records]


def of(topic: str) -> Callable[[Record], bool]:
    return lambda record: record.topic == topic


def test_what_is_committed_is_published_at_once_and_in_order(broker: Broker, listener: Listener) -> None:
    with running(Desk(broker=broker)) as desk:
        desk.open("warm up")
        assert listener.wait_for(of("portal.desk.ticket.v1"), WITHIN)
        mark = listener.mark()
        begun = time.monotonic()
        desk.open("a")
        assert listener.wait_for(of("portal.desk.ticket.v1"), WITHIN, mark)
        assert time.monotonic() - begun < 1.0, "woken by the commit, not by polling"
        for version in range(1, 30):
            desk.call(
                "retitleTicket",
                path={"ticketId": TICKET},
                body={"title": f"t{version}"},
                headers={"if-match": f'"{version}"'},
            )
        mine = listener.wait_for(lambda record: record.key == "pat-1", WITHIN, count=29)
        assert mine is not None
        assert [each.json()["version"] for each in mine] == list(range(2, 31))
        until(lambda: desk.events() == [])


def test_what_is_larger_than_kafka_takes_holds_up_nothing(broker: Broker, listener: Listener) -> None:
    huge = b"x" * 1_020_000  # a record may be as large as this; with a dead letter's headers it may not
    with running(Desk(broker=broker)) as desk:
        desk.service.taker.take(note(value=huge))
        with desk.service.store.transaction(write=True) as transaction:
            put(transaction, "portal.desk.ticket.v1", "lost", [("ce_id", b"e-0")], huge)
        desk.open("after it")
        found = listener.wait_for(of("portal.desk.ticket.v1"), WITHIN)
        assert found is not None
        assert found[0].key != "lost"
        letters = listener.wait_for(of("portal.desk.dead-letter.v1"), WITHIN)
        assert letters is not None
        until(lambda: desk.events() == [])
    [letter] = letters
    assert letter.value is None
    assert letter.header("deadletter_value") == "withheld"
    assert letter.header("deadletter_reason") == "malformed"
    assert letter.header("ce_id") == "e-1"


def test_a_crash_between_publishing_and_marking_sends_the_same_ce_id_again(
    broker: Broker, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed = Relay._confirmed
    crashes = itertools.chain([True], itertools.repeat(False))

    def crashing(relay: Relay, rows: Sequence[Any]) -> None:
        if next(crashes):
            raise RuntimeError("crash")
        confirmed(relay, rows)

    monkeypatch.setattr(Relay, "_confirmed", crashing)
    monkeypatch.setattr("reference_services.platform.outbox._BACKOFF_LONGEST", 0.1)
    with running(Desk(broker=broker)) as desk:
        desk.open("a")
        records = listener.wait_for(of("portal.desk.ticket.v1"), WITHIN, count=2)
        until(lambda: desk.events() == [])
    listener.settle(0.2)
    assert records is not None
    assert ids(records) == ids(listener.records)
    assert len(set(ids(records))) == 1


def test_events_that_were_committed_before_a_crash_are_published_after_it(
    broker: Broker, listener: Listener, url: str
) -> None:
    with running(Desk(url=url)) as desk:  # no broker: as if it had died before the relay came to it
        desk.open("a")
        [(_, _, headers, _)] = desk.events()
    with running(Desk(url=url, broker=broker)) as desk:
        records = listener.wait_for(of("portal.desk.ticket.v1"), WITHIN)
        until(lambda: desk.events() == [])
    assert records is not None
    assert ids(records) == [headers["ce_id"]]


def test_a_relay_that_failed_begins_anew(
    broker: Broker, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    relaying, failed = Database.relaying, Event()

    def flaky(database: Database) -> AbstractContextManager[Ours]:
        if failed.is_set():
            return relaying(database)
        failed.set()
        raise OSError("too many open files")

    monkeypatch.setattr(Database, "relaying", flaky)
    with running(Desk(broker=broker)) as desk:
        assert failed.wait(WITHIN)
        desk.open("a")
        assert listener.wait_for(of("portal.desk.ticket.v1"), WITHIN)


def test_two_processes_on_one_database_publish_each_event_once(
    broker: Broker, listener: Listener, url: str
) -> None:
    with running(Desk(url=url, broker=broker)) as one, running(Desk(url=url, broker=broker)) as other:
        for number in range(10):
            (one if number % 2 else other).open(f"t{number}", key=f"k{number}")
        until(lambda: one.events() == [])
        listener.settle(0.3)
    assert len(listener.records) == 10
    assert len(set(ids(listener.records))) == 10


def test_a_message_has_its_effect_once_and_its_event_carries_the_correlation(
    broker: Broker, listener: Listener
) -> None:
    with running(Desk(broker=broker)):
        message = note("final", id="e-1")
        publish(broker, [message, message])
        publish(broker, [message])
        records = listener.wait_for(of("portal.desk.ticket.v1"), WITHIN)
        listener.settle(0.3)
    assert records is not None
    [event] = [each for each in listener.records if each.topic == "portal.desk.ticket.v1"]
    assert event.key == TICKET
    assert event.header("ce_correlationid") == "corr-note"
    assert event.header("ce_causationid") == "e-1"


def test_bad_messages_go_to_the_dead_letter_and_the_next_is_processed(
    broker: Broker, listener: Listener
) -> None:
    told = Told(failures=2)
    with running(Desk(told, broker=broker)):
        publish(
            broker,
            [
                note(value=b"\x00\xff", id="bad-1"),
                note(headers={}),
                note("nonsense", id="bad-2"),
                note(ticket="none", id="bad-3"),
                note("draft", id="good", key="not-9"),
            ],
        )
        dead = listener.wait_for(of("portal.desk.dead-letter.v1"), WITHIN, count=4)
        good = listener.wait_for(of("portal.desk.ticket.v1"), WITHIN)
    assert dead is not None
    assert good is not None
    assert [each.header("deadletter_reason") for each in dead] == [
        "malformed",
        "malformed",
        "invalid",
        "failed",
    ]
    assert dead[0].value == b"\x00\xff", "unchanged"
    assert told.seen.count("good") == 3, "two failures, then its effect"


def test_without_kafka_the_service_works_and_its_events_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "JOIN", 0.05)
    monkeypatch.setattr("reference_services.platform.outbox.PATIENCE", 0.2)
    port = free_port()
    away = Broker(f"127.0.0.1:{port}", "away", Capabilities(False, False, False, False, True, False))
    with running(Desk(broker=away)) as desk:
        ticket = desk.open("a")
        assert desk.call("getTicket", path={"ticketId": ticket["id"]}).status == 200
        assert len(desk.events()) == 1
        with EmbeddedBroker(TOPICS, port=port):
            until(lambda: desk.events() == [], 30)
