"""Faults of events, and messages on demand, as a consumer on the broker meets them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from harness.contract.model import JSON, Contract
from harness.contract.schema import compile_schema
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.listening import Listener
from harness.kafka.wire import Record, UndecodableValue
from harness.serving.keys import KeyStore
from mocks.mock import build_mock
from tests.unit.mocks.controlled import Controlled, controlled
from tests.unit.mocks.running import FORGETFUL, TOPICS

WITHIN = 10.0
SETTLE = 0.6
LOANS = "library.loan"
MOVES = "library.book"


@dataclass(frozen=True)
class Eventful:
    """A mock on a broker, and somebody who reads there."""

    told: Controlled
    listener: Listener

    def lend(self, book: str, fault: str | None = None) -> int:
        """Lend a book, which moves it (``library.book``) and opens a loan (``library.loan``)."""
        mark = self.listener.mark()
        headers = {"X-Portal-Fault": fault} if fault is not None else {}
        answer = self.told.client.post(f"/v1/books/{book}/loans", json={"reader": "ann"}, headers=headers)
        assert answer.status_code == 201, answer.text
        return mark

    def come(self, topic: str, mark: int, count: int = 1) -> list[Record]:
        found = self.listener.wait_for(lambda record: record.topic == topic, WITHIN, mark, count)
        assert found is not None
        return found

    def here(self, topic: str, mark: int) -> list[Record]:
        return [each for each in self.listener.since(mark) if each.topic == topic]


@pytest.fixture(scope="module")
def running(library: Contract, keys: KeyStore, embedded: EmbeddedBroker) -> Iterator[Eventful]:
    with (
        controlled(build_mock(library, embedded.broker, keys, conduct=FORGETFUL)) as told,
        Listener(embedded.broker, TOPICS) as listener,
    ):
        yield Eventful(told, listener)


@pytest.fixture
def live(running: Eventful) -> Iterator[Eventful]:
    yield running
    running.told.tell("/reset", {}, 204)


def test_a_lost_event_does_not_come(live: Eventful) -> None:
    mark = live.lend("book-2", "event=lost")
    live.lend("book-3")
    assert [each.key for each in live.come(MOVES, mark)] == ["book-3"]
    assert [each["fault"] for each in live.told.journal(kind="published", operation="bookMoved")] == [
        "event=lost",
        None,
    ]


def test_a_late_event_comes_late(live: Eventful) -> None:
    live.told.tell("/faults", {"operation": ["bookMoved"], "fault": "event=late; latency=500"})
    mark = live.lend("book-2")
    began = time.monotonic()
    live.come(LOANS, mark)
    assert not live.here(MOVES, mark)
    live.come(MOVES, mark)
    assert time.monotonic() - began >= 0.4


def test_a_doubled_event_is_two_and_a_redelivered_one_the_same(live: Eventful) -> None:
    ids = {}
    for fault in ("doubled", "redelivered"):
        mark = live.lend("book-2", f"event={fault}")
        first, second = live.come(MOVES, mark, 2)
        assert first.value == second.value
        ids[fault] = {first.header("ce_id"), second.header("ce_id")}
    assert (len(ids["doubled"]), len(ids["redelivered"])) == (2, 1)


def test_a_reordered_event_comes_after_the_next_of_its_key(live: Eventful) -> None:
    live.told.tell("/faults", {"operation": ["bookMoved"], "fault": "event=reordered", "first": 1})
    mark = live.lend("book-2")
    live.lend("book-3")
    live.lend("book-2")
    came = live.come(MOVES, mark, 3)
    assert [each.key for each in came] == ["book-3", "book-2", "book-2"]
    numbers = [int(each.header("ce_sequence") or 0) for each in came[1:]]
    assert numbers[0] > numbers[1]


def test_a_reordered_event_without_a_next_one_comes_all_the_same(live: Eventful) -> None:
    live.told.tell("/faults", {"operation": ["bookMoved"], "fault": "event=reordered; latency=300"})
    mark = live.lend("book-2")
    assert [each.key for each in live.come(MOVES, mark)] == ["book-2"]


def test_an_invalid_event_breaks_its_schema(live: Eventful, library: Contract) -> None:
    schema = library.message_operations["bookMoved"].messages[0].payload
    assert schema is not None
    mark = live.lend("book-2", "event=invalid")
    (came,) = live.come(MOVES, mark)
    assert not compile_schema(schema).is_valid(came.json())


def test_a_malformed_event_cannot_be_decoded(live: Eventful) -> None:
    mark = live.lend("book-2", "event=malformed")
    (came,) = live.come(MOVES, mark)
    with pytest.raises(UndecodableValue):
        came.json()


def test_an_event_is_matched_by_key_and_payload(live: Eventful) -> None:
    match: JSON = {"key": "book-2", "body": {"/to": "out"}}
    live.told.tell("/faults", {"operation": ["bookMoved"], "fault": "event=lost", "match": match})
    mark = live.lend("book-2")
    live.lend("book-3")
    assert [each.key for each in live.come(MOVES, mark)] == ["book-3"]


def test_a_lost_answer_is_of_a_request_that_was_processed(live: Eventful) -> None:
    mark = live.listener.mark()
    with pytest.raises(httpx.ReadError):
        live.told.client.post(
            "/v1/books/book-3/loans", json={"reader": "ann"}, headers={"X-Portal-Fault": "reset"}
        )
    assert [each.key for each in live.come(MOVES, mark)] == ["book-3"]


def test_a_refused_request_was_not(live: Eventful) -> None:
    mark = live.listener.mark()
    live.told.client.post(
        "/v1/books/book-3/loans", json={"reader": "ann"}, headers={"X-Portal-Fault": "status=503"}
    )
    live.lend("book-2")
    assert [each.key for each in live.come(MOVES, mark)] == ["book-2"]


def test_an_example_is_published_on_demand(live: Eventful) -> None:
    mark = live.listener.mark()
    said = live.told.tell("/events", {"operation": "loanChanged", "example": "opened"}, 202)
    id = said["headers"]["ce_id"]  # what another test has caused may still come
    found = live.listener.wait_for(lambda record: record.header("ce_id") == id, WITHIN, mark)
    assert found is not None
    (came,) = found
    assert (came.key, said["key"]) == ("loan-0000000001", "loan-0000000001")
    assert (came.topic, said["topic"]) == (LOANS, LOANS)
    assert came.json()["to"] == "open"
    assert came.header("ce_type") == "library.LoanChanged"


def test_what_is_published_again_is_newer(live: Eventful) -> None:
    mark = live.listener.mark()
    for _ in range(2):
        live.told.tell("/events", {"operation": "loanChanged", "example": "opened"}, 202)
    first, second = live.come(LOANS, mark, 2)
    assert first.json()["version"] < second.json()["version"] == int(second.header("ce_sequence") or 0)


def test_a_generated_message_is_valid(live: Eventful, library: Contract) -> None:
    schema = library.message_operations["bookMoved"].messages[0].payload
    assert schema is not None
    mark = live.listener.mark()
    for _ in range(3):
        live.told.tell("/events", {"operation": "bookMoved", "generated": True}, 202)
    came = live.come(MOVES, mark, 3)
    assert all(compile_schema(schema).is_valid(each.json()) for each in came)


def test_a_written_message_must_be_valid(live: Eventful) -> None:
    payload = {"id": "book-7", "to": "in", "from": "out", "shelf": "a"}
    mark = live.listener.mark()
    refused = live.told.control.post(
        "/events", json={"operation": "bookMoved", "payload": {**payload, "to": "secret"}}
    )
    assert refused.status_code == 422
    assert "/to" in refused.json()["detail"] and "secret" not in refused.text
    live.told.tell("/events", {"operation": "bookMoved", "payload": payload, "headers": {"x": "y"}}, 202)
    (came,) = live.come(MOVES, mark)
    assert (came.json(), came.key, came.header("x")) == (payload, "book-7", "y")


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"operation": "loanChange"}, "loanChanged"),
        ({"operation": "readerAsked"}, "no such send operation"),
        ({"operation": "loanChanged", "example": "open"}, "opened"),
        ({"operation": "loanChanged", "example": "opened", "generated": True}, "several payloads"),
    ],
)
def test_what_cannot_be_published_is_refused(live: Eventful, wish: JSON, said: str) -> None:
    answer = live.told.control.post("/events", json=wish)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


def test_a_schedule_runs_until_its_end(live: Eventful) -> None:
    mark = live.listener.mark()
    begun = live.told.tell("/schedules", {"operation": "loanChanged", "rate": 50, "jitter": 0.5, "count": 5})
    came = live.come(LOANS, mark, 5)
    versions = [each.json()["version"] for each in came]
    assert versions == sorted(set(versions))
    live.listener.settle(SETTLE)
    assert len(live.here(LOANS, mark)) == 5
    (held,) = live.told.control.get("/schedules").json()["schedules"]
    assert (held["id"], held["said"], held["ended"]) == (begun["id"], 5, True)


def test_a_schedule_is_stopped(live: Eventful) -> None:
    mark = live.listener.mark()
    begun = live.told.tell("/schedules", {"operation": "loanChanged", "rate": 100})
    live.come(LOANS, mark, 3)
    assert live.told.control.delete(f"/schedules/{begun['id']}").status_code == 204
    assert live.told.control.delete(f"/schedules/{begun['id']}").status_code == 404
    live.listener.settle(SETTLE)
    quiet = live.listener.mark()
    live.listener.settle(SETTLE)
    assert not live.here(LOANS, quiet)
