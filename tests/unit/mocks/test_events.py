"""Events that a mock which remembers nothing publishes after a success, seen by a consumer of the broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from harness.contract.model import Contract
from harness.contract.schema import compile_schema
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.listening import Listener
from harness.kafka.wire import Record
from harness.serving.keys import KeyStore
from mocks.mock import Mock, build_mock
from tests.unit.mocks.running import FORGETFUL, TOPICS, running

WITHIN = 10.0
SETTLE = 0.8


@dataclass(frozen=True)
class Live:
    """A mock with Kafka, a client of it, and a consumer of its topics."""

    mock: Mock
    client: httpx.Client
    listener: Listener

    def after(self, act: Callable[[httpx.Client], Any], topic: str, count: int = 1) -> list[Record]:
        """The records on a topic after doing something, and after what another test caused elsewhere."""
        self.listener.settle(SETTLE)
        mark = self.listener.mark()
        act(self.client)
        found = self.listener.wait_for(lambda record: record.topic == topic, WITHIN, mark, count)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def live(library: Contract, keys: KeyStore, embedded: EmbeddedBroker) -> Iterator[Live]:
    mock = build_mock(library, embedded.broker, keys, conduct=FORGETFUL)
    with (
        running([mock]) as urls,
        httpx.Client(base_url=urls["library"]) as client,
        Listener(embedded.broker, TOPICS) as listener,
    ):
        yield Live(mock, client, listener)


def lending(book: str, **headers: str) -> Callable[[httpx.Client], httpx.Response]:
    def act(client: httpx.Client) -> httpx.Response:
        return client.post(f"/v1/books/{book}/loans", json={"reader": "eve"}, headers=headers)

    return act


def test_a_creation_is_told_with_what_the_exchange_knows(live: Live, library: Contract) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    headers = {"X-Correlation-Id": "c-1", "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    (record,) = live.after(lending("book-2", **headers), "library.loan")
    payload = record.json()
    assert record.key == payload["id"] == "loan-1"
    assert (payload["to"], payload.get("from")) == ("open", None)
    assert (payload["bookId"], payload["reader"]) == ("book-2", "eve")
    assert record.header("ce_type") == "library.LoanChanged"
    assert (record.header("ce_correlationid"), record.header("ce_causationid")) == ("c-1", "c-1")
    assert (record.header("traceparent") or "").split("-")[1] == trace
    assert record.header("ce_sequence") == str(payload["version"])
    schema = library.sends["loanChanged"].messages[0].payload
    assert schema is not None
    assert compile_schema(schema).is_valid(payload)


def test_what_is_phi_stays_out_of_events(live: Live) -> None:
    (record,) = live.after(lending("book-2"), "library.loan")
    assert "note" not in record.json()


def test_another_aggregate_that_moves_is_told_under_its_own_key(live: Live) -> None:
    (record,) = live.after(lending("book-2"), "library.book")
    assert record.key == "book-2"
    assert record.json() == {"id": "book-2", "from": "in", "to": "out", "shelf": "b", "title": "Dune"}


def test_versions_only_go_up(live: Live) -> None:
    versions = [live.after(lending("book-2"), "library.loan")[0].json()["version"] for _ in range(3)]
    assert versions == sorted(set(versions))


def test_the_transition_outweighs_an_example_that_contradicts_it(live: Live, keys: KeyStore) -> None:
    token = keys.mint({"sub": "ann", "scope": "loans.write"})

    def give_back(client: httpx.Client) -> None:
        path, headers = "/v1/loans/loan-5/return", {"Authorization": f"Bearer {token}"}
        assert client.post(path, headers=headers).json()["state"] == "open"

    (record,) = live.after(give_back, "library.loan")
    assert (record.key, record.json()["to"], record.json().get("from")) == ("loan-5", "closed", None)


def test_time_moves_what_a_request_has_moved(live: Live) -> None:
    lent, back = live.after(lending("book-1", **{"X-Correlation-Id": "c-2"}), "library.book", 2)
    assert (lent.json()["to"], back.json()["from"], back.json()["to"]) == ("out", "out", "in")
    assert lent.key == back.key == "book-1"
    assert (back.header("ce_correlationid"), back.header("ce_causationid")) == ("c-2", "book-1")


def test_time_moves_nothing_whose_condition_does_not_hold(live: Live) -> None:
    mark = live.listener.mark()
    lending("book-2")(live.client)
    live.listener.settle(SETTLE)
    moved = [record.json()["to"] for record in live.listener.since(mark) if record.topic == "library.book"]
    assert moved == ["out"]


def test_what_is_refused_causes_nothing(live: Live) -> None:
    mark = live.listener.mark()
    assert live.client.post("/v1/books/book-2/loans", json={}).status_code == 400
    assert lending("book-2", Prefer="code=409")(live.client).status_code == 409
    assert live.client.post("/v1/loans/loan-1/return").status_code == 401
    live.listener.settle(SETTLE)
    assert live.listener.since(mark) == []


def test_what_was_published_is_journalled(live: Live) -> None:
    live.after(lending("book-2", **{"X-Correlation-Id": "c-3"}), "library.loan")
    told = [(entry.kind, entry.operation) for entry in live.mock.journal if entry.correlation == "c-3"]
    assert sorted(told) == [
        ("exchange", "lendBook"),
        ("published", "bookMoved"),
        ("published", "loanChanged"),
    ]


def test_nothing_is_lost_when_a_mock_stops(
    library: Contract, keys: KeyStore, embedded: EmbeddedBroker
) -> None:
    with Listener(embedded.broker, TOPICS) as listener:
        with (
            running([build_mock(library, embedded.broker, keys, conduct=FORGETFUL)]) as urls,
            httpx.Client(base_url=urls["library"]) as client,
        ):
            for _ in range(50):
                assert lending("book-2")(client).status_code == 201
        listener.catch_up()
        assert sum(record.topic == "library.loan" for record in listener.records) == 50
