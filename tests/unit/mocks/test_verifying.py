"""Whether something was called as often as it should have been, and what came closest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from harness.contract.model import Contract
from harness.serving.keys import KeyStore
from mocks.conduct import Conduct
from mocks.mock import build_mock
from tests.unit.mocks.controlled import Controlled, controlled

LOANS = "/v1/books/{}/loans"


@pytest.fixture(scope="module")
def serving(library: Contract, keys: KeyStore) -> Iterator[Controlled]:
    with controlled(build_mock(library, keys=keys)) as told:
        yield told


@pytest.fixture
def live(serving: Controlled) -> Iterator[Controlled]:
    for book, reader, days in (("book-1", "ann", 3), ("book-1", "bob", 3), ("book-2", "ann", 5)):
        serving.client.post(
            LOANS.format(book), json={"reader": reader, "days": days}, headers={"X-Portal-Session": reader}
        )
    serving.client.get("/v1/books", params={"shelf": "a", "limit": 2})
    yield serving
    serving.tell("/reset", {}, 204)


@pytest.mark.parametrize(
    ("expected", "outcome", "count"),
    [
        ({"exactly": 3}, "kept", 3),
        ({"exactly": 2}, "broken", 3),
        ({"atLeast": 4}, "broken", 3),
        ({"atMost": 3}, "kept", 3),
        ({"atLeast": 1, "atMost": 2}, "broken", 3),
        ({"exactly": 2, "match": {"path": {"bookId": "book-1"}}}, "kept", 2),
        ({"exactly": 1, "match": {"path": {"bookId": "book-1"}, "body": {"/reader": "bob"}}}, "kept", 1),
        ({"exactly": 1, "match": {"body": {"": {"reader": "ann", "days": 5}}}}, "kept", 1),
        ({"exactly": 0, "match": {"body": {"/days": "3"}}}, "kept", 0),
        ({"exactly": 2, "session": "ann"}, "kept", 2),
        ({"exactly": 0, "status": "4XX"}, "kept", 0),
    ],
)
def test_calls_are_counted(live: Controlled, expected: dict[str, Any], outcome: str, count: int) -> None:
    verdict = live.verify(operation="lendBook", **expected)
    assert (verdict["outcome"], verdict["count"]) == (outcome, count)
    assert len(verdict["matching"]) == count


def test_query_values_are_compared_as_they_are_spelled(live: Controlled) -> None:
    assert live.verify(operation="listBooks", exactly=1, match={"query": {"limit": 2}})["outcome"] == "kept"
    assert live.verify(operation="listBooks", exactly=1, match={"query": {"limit": "2"}})["outcome"] == "kept"


def test_a_near_miss_says_what_differed(live: Controlled) -> None:
    match = {"path": {"bookId": "book-2"}, "body": {"/reader": "bob", "/note": "x"}}
    verdict = live.verify(operation="lendBook", exactly=1, match=match)
    assert verdict["outcome"] == "broken"
    assert verdict["detail"] == (
        "Expected lendBook with 3 conditions exactly once; the journal has it 0 times."
    )
    assert [len(each["differences"]) for each in verdict["nearest"]] == [2, 2, 3]
    assert verdict["nearest"][0]["differences"] == [
        'body /reader: wanted "bob", was "ann"',
        'body /note: wanted "x", there is none',
    ]


def test_anything_can_be_expected(live: Controlled) -> None:
    assert live.verify(exactly=4)["outcome"] == "kept"
    assert live.verify(exactly=4, kind="exchange")["outcome"] == "kept"


@pytest.mark.parametrize(
    "expected",
    [
        {"operation": "lendBok", "exactly": 1},
        {"exactly": 1, "atMost": 2},
        {"atLeast": 3, "atMost": 2},
        {"exactly": 1, "match": {"path": {}, "key": "k"}, "operation": "nothing"},
    ],
)
def test_an_expectation_that_cannot_be_is_refused(live: Controlled, expected: dict[str, Any]) -> None:
    assert live.control.post("/verify", json=expected).status_code == 422


def test_an_expectation_without_a_number_is_refused(live: Controlled) -> None:
    assert live.control.post("/verify", json={"operation": "lendBook"}).status_code == 400


def test_what_was_forgotten_is_no_success(library: Contract, keys: KeyStore) -> None:
    with controlled(build_mock(library, keys=keys, conduct=Conduct(journal_kept=2))) as told:
        for _ in range(3):
            told.client.get("/v1/books")
        outcomes = {
            name: told.verify(operation="listBooks", **{name: count})["outcome"]
            for name, count in (("exactly", 2), ("atLeast", 2), ("atMost", 2))
        }
        assert outcomes == {"exactly": "unknown", "atLeast": "kept", "atMost": "unknown"}
        assert told.verify(operation="listBooks", atLeast=3)["outcome"] == "unknown"
        assert told.verify(operation="listBooks", exactly=1)["outcome"] == "broken"
        assert "2 times" not in told.verify(operation="getBook", exactly=0)["detail"]
        told.control.delete("/journal")
        assert told.verify(operation="listBooks", exactly=0)["outcome"] == "kept"


def test_a_near_miss_shows_nothing_that_is_guarded(
    tmp_path_factory: pytest.TempPathFactory, keys: KeyStore
) -> None:
    from harness.contract import load
    from tests.unit.mocks.running import write
    from tests.unit.mocks.test_journal import CLINIC, NOTE

    clinic = load(write(tmp_path_factory.mktemp("clinic"), CLINIC))
    with controlled(build_mock(clinic, keys=keys)) as told:
        told.client.post("/notes/p1", json=NOTE, headers={"X-Clinic-Key": "k"})
        verdict = told.verify(
            operation="writeNote", exactly=1, match={"body": {"/text": "pale", "/about": [], "/id": 2}}
        )
        assert verdict["nearest"][0]["differences"] == [
            'body /text: wanted "pale", was "***"',
            'body /about: wanted [], was [{"name": "***", "n": 7}]',
            "body /id: wanted 2, was 1",
        ]
