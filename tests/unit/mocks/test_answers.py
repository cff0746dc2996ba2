"""What the library's mock answers over a real socket."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from harness.contract.model import Contract
from harness.contract.schema import compile_schema
from harness.serving.keys import KeyStore

PROBLEM = "application/problem+json"
LENDING = {"reader": "ann"}


def lend(client: httpx.Client, book: str, body: Any, **headers: str) -> httpx.Response:
    return client.post(f"/v1/books/{book}/loans", json=body, headers=headers)


def test_the_documented_example_answers(mocked: httpx.Client) -> None:
    answer = mocked.get("/v1/books/book-1")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"id": "book-1", "title": "Emma", "shelf": "a", "status": "in", "version": 3}


def test_the_example_of_what_is_addressed_answers(mocked: httpx.Client) -> None:
    assert mocked.get("/v1/books/book-2").json()["title"] == "Dune"


def test_a_document_that_only_the_schema_shows_answers_too(mocked: httpx.Client) -> None:
    assert mocked.get("/v1/books/book-3").json() == {
        "id": "book-3",
        "title": "Ulysses",
        "shelf": "b",
        "status": "in",
    }


def test_an_unknown_id_is_echoed(mocked: httpx.Client) -> None:
    assert mocked.get("/v1/books/book-77").json() == {
        "id": "book-77",
        "title": "Emma",
        "shelf": "a",
        "status": "in",
        "version": 3,
    }


def test_headers_come_from_examples_schemas_and_the_answer(mocked: httpx.Client) -> None:
    known, unversioned = mocked.get("/v1/books/book-1"), mocked.get("/v1/books/book-2")
    assert known.headers["etag"] == '"3"'
    assert unversioned.headers["etag"] == '"7"'
    assert known.headers["x-shelf-mark"] == "blue"


def test_what_was_sent_is_echoed_in_what_is_created(mocked: httpx.Client) -> None:
    answer = lend(mocked, "book-4", {"reader": "eve", "days": 3})
    assert answer.status_code == 201
    assert answer.json() == {
        "id": "loan-1",
        "bookId": "book-4",
        "reader": "eve",
        "days": 3,
        "state": "open",
        "note": "quiet",
    }
    assert answer.headers["location"] == "/v1/loans/loan-1"


def test_an_echo_that_would_break_the_schema_is_left_out(mocked: httpx.Client) -> None:
    answer = lend(mocked, "book-4", {"reader": "eve", "days": 99})
    assert answer.json()["days"] == 14
    assert answer.json()["bookId"] == "book-4"


def test_the_most_specific_pair_answers(mocked: httpx.Client) -> None:
    late = lend(mocked, "book-3", {"reader": "bob"})
    assert (late.status_code, late.json()["title"]) == (409, "Late")
    long = lend(mocked, "book-3", {"reader": "bob", "days": 30})
    assert (long.status_code, long.json()["id"]) == (201, "loan-9")
    assert lend(mocked, "book-4", {"reader": "bob"}).status_code == 201


def test_no_content_has_no_body(mocked: httpx.Client) -> None:
    answer = mocked.delete("/v1/books/book-1")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers


def test_without_an_example_a_valid_value_answers(mocked: httpx.Client, library: Contract) -> None:
    answer = mocked.get("/v1/loans/loan-42")
    assert answer.json()["id"] == "loan-42"
    assert compile_schema(library.schemas["Loan"]).is_valid(answer.json())
    assert answer.json() == mocked.get("/v1/loans/loan-42").json()


@pytest.mark.parametrize(
    "prefer", ["code=404", 'Code="404"', "code=404, example=gone", "respond-async, code=404"]
)
def test_prefer_chooses_a_code(mocked: httpx.Client, prefer: str) -> None:
    answer = mocked.get("/v1/books/book-1", headers={"Prefer": prefer})
    assert (answer.status_code, answer.json()["title"]) == (404, "Gone")
    assert answer.headers["content-type"] == PROBLEM
    assert "code=404" in answer.headers["preference-applied"]


def test_prefer_chooses_an_example(mocked: httpx.Client) -> None:
    answer = mocked.get("/v1/books/book-1", headers={"Prefer": "example=lent"})
    assert (answer.status_code, answer.json()["status"]) == (200, "out")
    assert answer.headers["preference-applied"] == "example=lent"
    refused = mocked.get("/v1/books/book-1", headers={"Prefer": "example=gone"})
    assert refused.status_code == 404


def test_an_error_without_example_says_what_it_is(mocked: httpx.Client) -> None:
    answer = mocked.get("/v1/books/book-1", headers={"Prefer": "code=429"})
    assert answer.json() == {
        "type": "about:blank",
        "title": "Too Many Requests",
        "status": 429,
        "detail": "Too fast",
    }
    assert mocked.get("/v1/books/book-1", headers={"Prefer": "code=503"}).status_code == 503


@pytest.mark.parametrize(
    ("prefer", "named"),
    [
        ("code=418", ("418", "200", "404", "429", "5XX")),
        ("code=banana", ("banana", "200")),
        ("example=nobody", ("nobody", "novel", "lent", "gone")),
        ("code=200, example=gone", ("gone", "novel", "lent")),
        ("code=429, example=gone", ("gone", "None")),
    ],
)
def test_a_preference_for_nothing_documented_is_refused(
    mocked: httpx.Client, prefer: str, named: tuple[str, ...]
) -> None:
    answer = mocked.get("/v1/books/book-1", headers={"Prefer": prefer})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == PROBLEM
    assert all(each in answer.json()["detail"] for each in named)


def test_the_answer_is_written_as_the_caller_likes_it(mocked: httpx.Client) -> None:
    text = mocked.get("/v1/books/book-1", headers={"Accept": "text/plain"})
    assert (text.headers["content-type"], text.text) == ("text/plain", "a book")
    refused = mocked.get("/v1/books/book-1", headers={"Accept": "image/png"})
    assert refused.status_code == 406
    assert "text/plain" in refused.json()["detail"]
    error = mocked.get("/v1/books/book-1", headers={"Accept": "text/plain", "Prefer": "code=404"})
    assert (error.status_code, error.headers["content-type"]) == (404, PROBLEM)


def test_a_list_keeps_to_what_was_asked(mocked: httpx.Client) -> None:
    everything = mocked.get("/v1/books").json()
    assert (everything["total"], everything["items"][0]["id"]) == (1, "book-1")
    shelf = mocked.get("/v1/books", params={"shelf": "b"}).json()
    assert ([book["id"] for book in shelf["items"]], shelf["total"]) == (["book-2", "book-3"], 2)
    one = mocked.get("/v1/books", params={"shelf": "b", "limit": 1}).json()
    assert ([book["id"] for book in one["items"]], one["total"]) == (["book-2"], 2)
    assert mocked.get("/v1/books", params={"shelf": "z"}).json() == {"items": [], "total": 0}


def test_a_bad_request_gets_problem_details(mocked: httpx.Client) -> None:
    answer = lend(mocked, "book-1", {"days": "many", "colour": "red"})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == PROBLEM
    pointers = {each["pointer"] for each in answer.json()["errors"]}
    assert any(pointer.endswith("/days") for pointer in pointers)
    assert len(answer.json()["errors"]) >= 3
    # getBook documents no 400: an id that cannot be is one that is not there.
    assert mocked.get("/v1/books/no-book-at-all").status_code == 404
    assert mocked.get("/v1/shelves").status_code == 404
    assert mocked.put("/v1/books/book-1").status_code == 405


def test_tokens_and_scopes_are_asked_for(mocked: httpx.Client, keys: KeyStore) -> None:
    path = "/v1/loans/loan-1/return"
    assert mocked.post(path).status_code == 401
    weak = keys.mint({"sub": "ann", "scope": "loans.read"})
    assert mocked.post(path, headers={"Authorization": f"Bearer {weak}"}).status_code == 403
    strong = keys.mint({"sub": "ann", "scope": "loans.write"})
    assert mocked.post(path, headers={"Authorization": f"Bearer {strong}"}).status_code == 200
    assert mocked.get("/.well-known/jwks.json").json() == keys.jwks()
