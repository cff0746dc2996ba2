"""Requests whose heads a mock knows already: what it knows of them, and what it asks anew each time."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from harness.contract import load
from harness.contract.model import Contract
from harness.serving.keys import KeyStore
from mocks.mock import build_mock
from tests.benchmarks.peers.asked import BODY, LIST, SERVICE
from tests.conftest import ROOT
from tests.unit.mocks.controlled import Controlled, controlled
from tests.unit.mocks.running import write
from tests.unit.serving.live import DEADLINE
from tests.unit.serving.talk import exchange

SECRET = """
openapi: 3.1.0
info: {title: Secret, version: '1'}
security: [{key: []}]
paths: {/a: {get: {responses: {'200': {description: ok}}}}}
components: {securitySchemes: {key: {type: apiKey, in: header, name: X-Request-Id}}}
"""

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
    with controlled(build_mock(load(ROOT / "contracts" / SERVICE), keys=keys)) as live:
        url = live.client.base_url
        with socket.create_connection((url.host, url.port or 0), timeout=DEADLINE) as connection:

            def ask(key: str, member: int) -> tuple[int, Any]:
                body = orjson.dumps({**BODY, "memberId": f"HD-{member:012d}"})
                head = (
                    f"POST /v1{LIST} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n"
                    f"Idempotency-Key: {key}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n"
                )
                said, answer = exchange(connection, head.encode() + body)
                return int(said.split()[1]), orjson.loads(answer)

            made: dict[str, str] = {}
            for number in range(2 * OFTEN):
                key = f"key-{number % OFTEN:08d}"
                status, answer = ask(key, number % OFTEN)
                assert (status, made.setdefault(key, answer["id"])) == (201, answer["id"])
            assert len(set(made.values())) == OFTEN
            status, answer = ask("short", 0)
            assert (status, answer["errors"][0]["pointer"]) == (400, "/header/Idempotency-Key")
            assert ask(key, 99)[0] == 422
        sent = [each["request"]["headers"] for each in live.journal()]
        assert [each["idempotency-key"] for each in sent] == [*made, *made, "short", key]
        assert {each["authorization"] for each in sent} == {"***"}


def test_a_key_that_varies_from_request_to_request_is_told_to_nobody(tmp_path: Path) -> None:
    contract = load(write(tmp_path, SECRET))
    with controlled(build_mock(contract)) as live:
        for number in range(OFTEN):
            assert live.client.get("/a", headers={"X-Request-Id": f"s3cret-{number}"}).status_code == 200
        assert [each["request"]["headers"]["x-request-id"] for each in live.journal()] == ["***"] * OFTEN
