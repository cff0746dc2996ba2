"""Refusals in the words of the contract: whatever its errors look like, they say what is wrong and where."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from harness.contract import load
from harness.contract.model import Schema
from harness.contract.schema import compile_schema, schema_of
from harness.serving.problems import Reason
from mocks.mock import build_mock
from mocks.wording import Facts, Wording
from tests.unit.mocks.running import LIBRARY, running

SHOP = LIBRARY.parent / "shop"
REASONS = (Reason("/price", "must be at least 0"), Reason("/query/limit", "must be an integer"))
FACTS = Facts(
    400, "Bad Request", "Something is wrong.", REASONS, "/v1/things", "c-1", datetime(2031, 3, 3, tzinfo=UTC)
)

TEXT = {"type": "string"}
FASTAPI = {
    "type": "object",
    "properties": {
        "detail": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["loc", "msg", "type"],
                "properties": {
                    "loc": {"type": "array", "items": {"anyOf": [TEXT, {"type": "integer"}]}},
                    "msg": TEXT,
                    "type": TEXT,
                },
            },
        }
    },
}
OUTCOME = {
    "type": "object",
    "required": ["resourceType", "issue"],
    "properties": {
        "resourceType": {"const": "OperationOutcome"},
        "issue": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["severity", "code"],
                "properties": {
                    "severity": {"type": "string", "enum": ["fatal", "error", "warning"]},
                    "code": {"type": "string", "enum": ["invalid", "not-found", "conflict"]},
                    "diagnostics": TEXT,
                    "expression": {"type": "array", "items": TEXT},
                },
            },
        },
    },
}
NESTED = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": TEXT, "message": TEXT, "details": {"type": "array", "items": TEXT}},
        }
    },
}
SPRING = {
    "type": "object",
    "required": ["timestamp", "status", "error", "path"],
    "properties": {
        "timestamp": {"type": "string", "format": "date-time"},
        "status": {"type": "integer"},
        "error": TEXT,
        "message": TEXT,
        "path": TEXT,
    },
}
BY_FIELD = {
    "type": "object",
    "required": ["message"],
    "properties": {
        "message": TEXT,
        "errors": {"type": "object", "additionalProperties": {"type": "array", "items": TEXT}},
    },
}


def says(schema: dict[str, Any], example: Any = None) -> Any:
    read: Schema = schema_of(schema)
    body = Wording(read, example).says(FACTS)
    assert compile_schema(read, "response").violations(body) == ()
    return body


def test_places_are_told_as_a_path_of_names() -> None:
    first, second = says(FASTAPI)["detail"]
    assert (first["loc"], first["msg"]) == (["body", "price"], "must be at least 0")
    assert second["loc"] == ["query", "limit"]


def test_an_operation_outcome_has_an_issue_for_each() -> None:
    body = says(OUTCOME)
    assert [each["severity"] for each in body["issue"]] == ["error", "error"]
    assert {each["code"] for each in body["issue"]} == {"invalid"}
    assert body["issue"][0]["diagnostics"] == "must be at least 0"
    assert body["issue"][0]["expression"] == ["price"]


def test_an_error_inside_an_error_is_filled() -> None:
    error = says(NESTED)["error"]
    assert error["message"] == "Something is wrong."
    assert error["details"] == ["/price must be at least 0", "/query/limit must be an integer"]


def test_times_paths_and_statuses_are_those_of_the_request() -> None:
    assert says(SPRING) == {
        "timestamp": "2031-03-03T00:00:00Z",
        "status": 400,
        "error": "Bad Request",
        "message": "Something is wrong.",
        "path": "/v1/things",
    }


def test_what_is_wrong_is_told_by_field() -> None:
    assert says(BY_FIELD)["errors"] == {
        "price": ["must be at least 0"],
        "query.limit": ["must be an integer"],
    }


def test_an_example_gives_what_nobody_recognises_and_nothing_else() -> None:
    schema = {
        "type": "object",
        "required": ["message", "team"],
        "properties": {"message": TEXT, "team": TEXT, "field": TEXT},
    }
    body = says(schema, {"message": "Name is too long", "team": "orders", "field": "name"})
    assert body == {"message": "Something is wrong.", "team": "orders"}


@pytest.fixture(scope="module")
def shop() -> Iterator[httpx.Client]:
    with running([build_mock(load(SHOP))]) as urls, httpx.Client(base_url=urls["shop"]) as client:
        yield client


def test_a_bad_body_is_refused_under_the_documented_status(shop: httpx.Client) -> None:
    answer = shop.post("/products", json={"name": "", "price": -1})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/json")
    assert answer.headers["x-portal-matched"] == "refusal"
    told = answer.json()
    assert told["errorCode"] == "VALIDATION_ERROR"
    assert {each["field"] for each in told["fieldErrors"]} == {"name", "price"}
    assert all("-1" not in each["message"] for each in told["fieldErrors"])


def test_what_is_not_there_is_told_in_the_contracts_words(shop: httpx.Client) -> None:
    answer = shop.get("/products/99")
    assert answer.json()["errorCode"] == "NOT_FOUND"
    assert "There is: 1, 2, 3" in answer.json()["message"]


def test_what_the_contract_does_not_word_is_problem_details(shop: httpx.Client) -> None:
    answer = shop.post("/products", content=b"<jug/>", headers={"Content-Type": "application/xml"})
    assert (answer.status_code, answer.headers["content-type"]) == (415, "application/problem+json")
    assert shop.get("/products", headers={"Accept": "image/png"}).status_code == 406


def test_what_no_path_can_name_is_not_found_where_nothing_else_is_documented(shop: httpx.Client) -> None:
    answer = shop.get("/products/many")
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "NOT_FOUND")
    assert answer.json()["fieldErrors"] == [{"field": "productId", "message": "must be an integer"}]


def test_an_unknown_path_is_told_the_nearest(shop: httpx.Client) -> None:
    answer = shop.get("/product/1")
    assert (answer.status_code, answer.json()["nearestOperation"]) == (404, "readProduct")
    assert "segment 1 would be 'products'" in answer.json()["detail"]
    assert answer.headers["x-portal-matched"] == "none"
    missing = shop.post("/products/1/review", json={})
    assert missing.json()["nearestOperation"] == "addReview"
    assert "secret" not in shop.get("/secret/of/mine").text


def test_a_wrong_method_is_told_the_right_ones(shop: httpx.Client) -> None:
    answer = shop.post("/products/1")
    assert answer.status_code == 405
    assert {"GET", "PUT", "PATCH", "DELETE"} <= set(answer.headers["allow"].split(", "))
    assert "readProduct is GET /products/{productId}" in answer.json()["detail"]
