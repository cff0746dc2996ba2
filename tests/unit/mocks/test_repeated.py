"""Requests whose heads a mock knows already: what it knows of them, and what it asks anew each time."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from harness.contract import load
from harness.contract.model import Contract
from harness.serving.keys import KeyStore
from mocks.mock import build_mock
from tests.benchmarks.peers.asked import BODY, LIST, SERVICE
from tests.conftest import ROOT
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


def test_what_varies_in_them_is_judged_and_noted_each_time(keys: KeyStore) -> None:
    """Heads that differ in an Idempotency-Key alone are one head, but not one request."""
    token = keys.mint({"actor": "staff", "scope": "patient/Coverage.write"}, 600)
    asked = {"Authorization": f"Bearer {token}", "X-Correlation-Id": "all-of-these"}
    made: dict[str, str] = {}
    with controlled(build_mock(load(ROOT / "contracts" / SERVICE), keys=keys)) as live:
        for number in range(2 * OFTEN):
            key = f"key-{number % OFTEN:08d}"
            body = {**BODY, "memberId": f"HD-{number % OFTEN:012d}"}
            answer = live.client.post(f"/v1{LIST}", json=body, headers={**asked, "Idempotency-Key": key})
            assert answer.status_code == 201, answer.text
            assert made.setdefault(key, answer.json()["id"]) == answer.json()["id"]
        assert len(set(made.values())) == OFTEN
        refused = live.client.post(f"/v1{LIST}", json=body, headers={**asked, "Idempotency-Key": "short"})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (
            400,
            "/header/Idempotency-Key",
        )
        other = live.client.post(
            f"/v1{LIST}",
            json={**body, "memberId": "HD-000000000099"},
            headers={**asked, "Idempotency-Key": key},
        )
        assert other.status_code == 422
        noted = [each["request"]["headers"]["idempotency-key"] for each in live.journal()]
        assert noted == [*made, *made, "short", key]
        assert {each["request"]["headers"]["authorization"] for each in live.journal()} == {"***"}
