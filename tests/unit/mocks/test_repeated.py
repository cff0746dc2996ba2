"""Requests whose heads a mock knows already: what it knows of them, and what it asks anew each time."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from harness.contract.model import Contract
from harness.serving.keys import KeyStore
from mocks.mock import build_mock
from tests.unit.mocks.controlled import Controlled, controlled
from tests.unit.serving.live import DEADLINE

OFTEN = 5
"""More than it takes for a head to be known."""


@pytest.fixture
def live(library: Contract, keys: KeyStore) -> Iterator[Controlled]:
    with controlled(build_mock(library, keys=keys)) as found:
        yield found


def test_the_journal_has_each_of_them_and_no_credentials(live: Controlled) -> None:
    asked = {"Authorization": "Bearer s3cret", "X-Kept": "this"}
    answers = [live.client.get("/v1/books/book-1", headers=asked) for _ in range(OFTEN)]
    entries = live.journal(operation="getBook")
    assert len(entries) == OFTEN
    for entry, answer in zip(entries, answers, strict=True):
        sent = entry["request"]["headers"]
        assert (sent["authorization"], sent["x-kept"]) == ("***", "this")
        assert entry["correlation"] == answer.headers["X-Correlation-Id"]
    assert len({each.headers["X-Correlation-Id"] for each in answers}) == OFTEN
    assert len({each.headers["traceparent"] for each in answers}) == OFTEN


def test_a_fault_that_is_switched_on_meets_them(live: Controlled) -> None:
    for _ in range(OFTEN):
        assert live.client.get("/v1/books/book-1").status_code == 200
    live.tell("/faults", {"operation": ["getBook"], "fault": "status=503", "first": 1})
    assert [live.client.get("/v1/books/book-1").status_code for _ in range(2)] == [503, 200]


def test_a_scenario_that_is_set_meets_them(live: Controlled) -> None:
    asked = [live.client.get("/v1/books/book-1").json() for _ in range(OFTEN)]
    assert asked == [asked[0]] * OFTEN
    live.tell("/scenarios", {"operation": "getBook", "status": 404})
    assert live.client.get("/v1/books/book-1").status_code == 404


def test_a_token_that_has_expired_meanwhile_is_refused(live: Controlled, keys: KeyStore) -> None:
    token = keys.mint({"sub": "ann", "scope": "loans.write"}, 2)
    asked = {"Authorization": f"Bearer {token}"}
    statuses = [live.client.post("/v1/loans/loan-1/return", headers=asked).status_code]
    ends = time.monotonic() + DEADLINE
    while statuses[-1] != 401 and time.monotonic() < ends:
        statuses.append(live.client.post("/v1/loans/loan-1/return", headers=asked).status_code)
    assert statuses[-1] == 401 and len(statuses) > OFTEN
    assert 401 not in statuses[:-1]
