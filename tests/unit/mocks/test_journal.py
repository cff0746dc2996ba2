"""The journal: what it keeps of exchanges and messages, what never, and how it is asked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from harness.contract import load
from harness.contract.model import JSON, Contract
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.wire import publish
from harness.serving.keys import KeyStore
from mocks.conduct import Conduct
from mocks.fault_rules import rule_of
from mocks.journal import KEPT_BODY, Journal
from mocks.mock import build_mock
from tests.unit.mocks.controlled import Controlled, controlled
from tests.unit.mocks.running import write
from tests.unit.mocks.test_messages import Sent

LOAN = "/v1/books/book-1/loans"
WITHIN = 10.0

CLINIC = """
openapi: 3.1.0
info: {title: Clinic, version: 1.0.0}
paths:
  /notes/{patient}:
    post:
      operationId: writeNote
      security: [{key: []}, {param: []}]
      parameters:
        - {name: patient, in: path, required: true, schema: {type: string, x-phi: true}}
        - {name: api_key, in: query, schema: {type: string}}
      requestBody:
        content:
          application/json: {schema: {$ref: '#/components/schemas/Note'}}
          text/plain: {schema: {type: string, x-phi: true}}
      responses:
        '200':
          description: Written
          content: {application/json: {schema: {$ref: '#/components/schemas/Note'}}}
components:
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Clinic-Key}
    param: {type: apiKey, in: query, name: api_key}
  schemas:
    Note:
      type: object
      required: [text]
      properties:
        id: {type: integer}
        text: {type: string, x-phi: true}
        about: {type: array, items: {$ref: '#/components/schemas/Person'}}
    Person: {type: object, properties: {name: {type: string, x-phi: true}, n: {type: integer}}}
"""


@pytest.fixture(scope="module")
def serving(library: Contract, keys: KeyStore) -> Iterator[Controlled]:
    with controlled(build_mock(library, keys=keys)) as told:
        yield told


@pytest.fixture
def live(serving: Controlled) -> Iterator[Controlled]:
    yield serving
    serving.tell("/reset", {}, 204)


def test_an_exchange_is_kept_as_it_travelled(live: Controlled) -> None:
    headers = {"X-Correlation-Id": "c-1", "X-Portal-Session": "s-1"}
    answer = live.client.post(f"{LOAN}?", json={"reader": "ann", "days": 3}, headers=headers)
    (entry,) = live.journal()
    assert (entry["kind"], entry["operation"], entry["session"]) == ("exchange", "lendBook", "s-1")
    assert (entry["correlation"], entry["fault"], entry["violations"]) == ("c-1", None, [])
    assert 0 < entry["milliseconds"] < 10_000
    asked, answered = entry["request"], entry["response"]
    assert (asked["method"], asked["path"], asked["body"]) == ("POST", LOAN, {"reader": "ann", "days": 3})
    assert asked["headers"]["x-portal-session"] == "s-1"
    assert answered["status"] == answer.status_code
    assert answered["bytes"] == len(answer.content)
    assert answered["headers"]["location"] == answer.headers["location"]
    assert not answered["cut"]


def test_what_is_guarded_is_masked_everywhere(live: Controlled) -> None:
    answer = live.client.post(LOAN, json={"reader": "bob", "days": 30})
    assert answer.status_code == 201
    (entry,) = live.journal()
    assert live.client.post("/v1/books/book-1/loans", json={"reader": "ann"}).json()["note"] == "quiet"
    assert live.journal()[1]["response"]["body"]["note"] == "***"
    assert "quiet" not in live.control.get("/journal").text
    assert "note" not in entry["response"]["body"]


def test_a_bad_request_is_kept_with_all_that_is_wrong(live: Controlled) -> None:
    live.client.post(LOAN, json={"days": "many", "more": 1})
    (entry,) = live.journal(status="400")
    assert entry["operation"] == "lendBook"
    assert sorted(each["pointer"] for each in entry["violations"]) == ["", "", "/days"]
    assert all(each["detail"] for each in entry["violations"])


def test_a_request_without_credentials_is_kept_with_why(live: Controlled) -> None:
    live.client.post("/v1/loans/loan-1/return")
    (entry,) = live.journal(status="4XX")
    assert (entry["operation"], entry["response"]["status"]) == ("returnLoan", 401)
    assert entry["violations"]


def test_what_the_contract_does_not_have_is_kept_as_unmatched(live: Controlled) -> None:
    live.client.get("/v1/book")
    live.client.get("/v1/books")
    (entry,) = live.journal(matched="false")
    assert (entry["operation"], entry["request"]["path"]) == (None, "/v1/book")
    assert [each["operation"] for each in live.journal(matched="true")] == ["listBooks"]


def test_a_fault_is_kept_with_what_it_did(live: Controlled) -> None:
    book = "/v1/books/book-1"
    live.client.get(book, headers={"X-Portal-Fault": "invalid"})
    with pytest.raises(httpx.ReadError):
        live.client.get(book, headers={"X-Portal-Fault": "reset"})
    live.client.get("/v1/books/book-1", headers={"X-Portal-Fault": "status=503"})
    invalid, reset, refused = live.journal(operation="getBook")
    assert invalid["fault"] == "invalid (/id is missing)"
    assert "id" not in invalid["response"]["body"]
    assert (reset["fault"], reset["response"]["status"]) == ("reset", None)
    assert (refused["fault"], refused["response"]["status"]) == ("status=503", 503)


def test_credentials_are_never_kept(live: Controlled) -> None:
    secret = "s3cr3t-of-mine"
    headers = {"Authorization": f"Bearer {secret}", "Cookie": f"sid={secret}", "X-Api-Key": secret}
    live.client.get("/v1/books", headers=headers)
    text = live.control.get("/journal").text
    assert secret not in text
    assert all(secret not in repr(each) for each in live.mock.journal)
    (entry,) = live.journal()
    assert entry["request"]["headers"]["authorization"] == "***"


def test_entries_are_filtered(live: Controlled) -> None:
    for session in ("a", "b", "a"):
        live.client.get("/v1/books", headers={"X-Portal-Session": session})
    live.client.get("/v1/books/book-1")
    first = live.journal()[0]
    assert len(live.journal(session="a")) == 2
    assert len(live.journal(operation="getBook")) == 1
    assert len(live.journal(after=first["number"])) == 3
    assert len(live.journal(since=live.journal()[2]["at"])) == 2
    assert len(live.journal(kind="received")) == 0
    newest = live.control.get("/journal", params={"limit": 1}).json()
    assert (newest["total"], newest["entries"][0]["operation"]) == (4, "getBook")
    assert live.control.get(f"/journal/{first['number']}").json() == first


def test_the_journal_is_cleared(live: Controlled) -> None:
    live.client.get("/v1/books")
    assert live.control.delete("/journal").status_code == 204
    assert live.journal() == []


def test_a_large_body_is_cut_with_a_mark(live: Controlled) -> None:
    live.client.post(LOAN, json={"reader": "x" * (KEPT_BODY + 1000)})
    (entry,) = live.journal()
    assert entry["request"]["cut"]
    assert entry["request"]["bytes"] > KEPT_BODY
    assert len(entry["request"]["body"]) <= KEPT_BODY


def test_a_body_that_nobody_read_is_marked_as_such(live: Controlled) -> None:
    live.client.post("/v1/nothing", json={"reader": "ann"})
    (entry,) = live.journal()
    assert (entry["request"]["body"], entry["request"]["bytes"], entry["request"]["cut"]) == (None, 16, True)


def test_the_ring_is_bounded_by_entries_and_by_bytes() -> None:
    def fill(journal: Journal, body: bytes) -> None:
        for _ in range(50):
            journal.exchange(0.0, 0.0, "", "GET", b"/", b"", [], body, len(body), 200, [], b"", 0, (), "")

    few, light = Journal(kept=10), Journal(kept_bytes=20_000)
    fill(few, b"")
    fill(light, b"x" * 4000)
    assert (len(few), few.entries()[1]) == (10, 40)
    assert len(light) == 4
    assert [each.number for each in light] == [47, 48, 49, 50]


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Contract:
    return load(write(tmp_path_factory.mktemp("clinic"), CLINIC))


NOTE: JSON = {"id": 1, "text": "tired and pale", "about": [{"name": "Ann Example", "n": 7}]}


def test_guarded_values_are_masked_wherever_they_are_repeated(clinic: Contract, keys: KeyStore) -> None:
    with controlled(build_mock(clinic, keys=keys)) as live:
        address = "/notes/Ann%20Example?api_key=key-of-mine"
        headers = {"X-Clinic-Key": "key-of-mine", "X-Remark": "about Ann Example"}
        assert live.client.post(address, json=NOTE, headers=headers).status_code == 200
        (entry,) = live.journal()
        text = live.control.get("/journal").text
    for secret in ("key-of-mine", "tired", "Ann"):
        assert secret not in text
    assert entry["request"]["body"] == {"id": 1, "text": "***", "about": [{"name": "***", "n": 7}]}
    assert entry["request"]["path"] == "/notes/***"
    assert entry["request"]["headers"]["x-clinic-key"] == "***"


@pytest.mark.parametrize(
    ("content_type", "body", "path"),
    [
        ("application/json", b'{"id": 1, "text": "tired and p', "/notes/p1"),
        ("application/json", b'{"text": "tired", "x": "' + b"y" * KEPT_BODY + b'"}', "/notes/p1"),
        ("text/plain", b"tired and pale", "/notes/p1"),
        ("application/json", b'{"text": "tired"}', "/nots/p1"),
    ],
    ids=["malformed", "cut", "text", "unmatched"],
)
def test_where_nobody_can_say_what_is_guarded_all_is(
    clinic: Contract, keys: KeyStore, content_type: str, body: bytes, path: str
) -> None:
    reading = rule_of({"fault": "status=503", "match": {"body": {"/never": 1}}}, "here", "reading")
    with controlled(build_mock(clinic, keys=keys, conduct=Conduct((reading,)))) as live:
        headers = {"Content-Type": content_type, "X-Clinic-Key": "k"}
        live.client.post(path, content=body, headers=headers)
        (entry,) = live.journal()
        assert entry["request"]["body"] == "***"
        assert "tired" not in live.control.get("/journal").text


def test_who_asks_for_it_sees_what_is_guarded(clinic: Contract, keys: KeyStore) -> None:
    with controlled(build_mock(clinic, keys=keys, conduct=Conduct(journal_phi=True))) as live:
        live.client.post("/notes/p1?api_key=key-of-mine", json=NOTE, headers={"X-Clinic-Key": "key-of-mine"})
        (entry,) = live.journal()
        assert entry["request"]["body"] == NOTE
        assert "key-of-mine" not in live.control.get("/journal").text


def test_messages_are_kept_with_what_is_wrong(
    library: Contract, keys: KeyStore, embedded: EmbeddedBroker
) -> None:
    with controlled(build_mock(library, embedded.broker, keys)) as live:
        headers = {"ce_id": "j-1", "ce_correlationid": "c-9", "authorization": "secret-of-mine"}
        lent = b'{"book": "book-1", "kept": false}'  # which causes nothing that another test could hear
        wrong = headers | {"ce_id": "j-2"}
        publish(
            embedded.broker,
            [
                Sent("library.partner", lent, "k", headers),
                Sent("library.partner", b'{"book": "book-1", "kept": 5}', "k", wrong),
            ],
        )
        deadline = time.monotonic() + WITHIN
        told = list[Any]()  # the broker still has what other tests sent
        while [each["kind"] for each in told] != ["received", "rejected"]:
            assert time.monotonic() < deadline
            told = [each for each in live.journal(operation="lentElsewhere") if each["correlation"] == "c-9"]
        good, bad = told
        assert good["message"]["body"] == {"book": "book-1", "kept": False}
        assert (good["operation"], good["message"]["key"]) == ("lentElsewhere", "k")
        assert (bad["detail"], bad["violations"][0]["pointer"]) == ("invalid", "/kept")
        assert good["message"]["headers"].get("authorization") is None
        match = {"body": {"/book": "book-1", "/kept": False}, "header": {"ce_correlationid": "c-9"}}
        assert live.verify(operation="lentElsewhere", exactly=1, match=match) == {
            "outcome": "kept",
            "count": 1,
            "detail": "Expected lentElsewhere with 3 conditions exactly once; the journal has it once.",
            "matching": [good["number"]],
            "nearest": [],
        }


def test_a_journal_costs_microseconds() -> None:
    """A bound that only a mistake in kind would break: rendering at each request, say."""
    journal, headers = Journal(), [(b"host", b"h")] * 8
    began = time.perf_counter()
    for _ in range(2000):
        journal.exchange(0.0, 0.0, "a", "GET", b"/", b"", headers, b"x", 1, 200, headers, b"y", 1, (), "")
    assert (time.perf_counter() - began) / 2000 < 100e-6
