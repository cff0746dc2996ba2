"""The second judge can disagree: without this its agreement would say nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.contract import load
from tests.e2e.openapi_judge import Judge, read


@pytest.fixture(scope="module")
def judge(contracts: Path) -> Judge:
    return Judge(contracts / "scheduling" / "openapi.yaml")


@pytest.fixture(scope="module")
def read_appointment(contracts: Path) -> dict[str, Any]:
    """A right exchange, made from the contract's own example."""
    operation = load(contracts / "scheduling").operations["getAppointment"]
    body = operation.responses["200"].content["application/json"].examples[0].value
    path = f"/v1/appointments/{body['id']}"
    return {
        "method": "GET",
        "url": f"http://127.0.0.1:1{path}",
        "path": path,
        "query": "",
        "headers": {},
        "body": "",
        "status": 200,
        "response_headers": {"content-type": "application/json", "x-correlation-id": "c-1", "etag": '"1"'},
        "response_body": json.dumps(body),
    }


def test_it_agrees_with_a_right_exchange(judge: Judge, read_appointment: dict[str, Any]) -> None:
    assert judge.disagreements([read_appointment]) == []


def without(document: str, name: str) -> str:
    return json.dumps({key: value for key, value in json.loads(document).items() if key != name})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"path": "/v1/nothing", "url": "http://127.0.0.1:1/v1/nothing"}, "no such operation"),
        ({"status": 299}, "refuses the answer"),
        ({"response_headers": {"content-type": "text/plain"}}, "refuses the answer"),
        ({"response_headers": {"content-type": "application/json"}}, "refuses the answer"),
        ({"status": 400, "response_body": "{}"}, "refuses the answer"),
    ],
)
def test_it_sees_what_is_wrong(
    judge: Judge, read_appointment: dict[str, Any], change: dict[str, Any], says: str
) -> None:
    found = judge.disagreements([{**read_appointment, **change}])
    assert found
    assert says in found[0]


def test_it_sees_a_missing_field(judge: Judge, read_appointment: dict[str, Any]) -> None:
    body = without(read_appointment["response_body"], "status")
    (found,) = judge.disagreements([{**read_appointment, "response_body": body}])
    assert "'status' is a required property" in found


def test_it_sees_a_wrong_request_accepted_and_a_right_one_refused(
    judge: Judge, read_appointment: dict[str, Any]
) -> None:
    long = {"x-correlation-id": "x" * 200}
    (accepted,) = judge.disagreements([{**read_appointment, "headers": long}])
    assert "accepted, but" in accepted
    problem = {"type": "about:blank", "title": "Bad Request", "status": 400}
    refused = {
        **read_appointment,
        "status": 400,
        "response_headers": {"content-type": "application/problem+json", "x-correlation-id": "c-1"},
        "response_body": json.dumps(problem),
    }
    assert any("finds nothing wrong" in line for line in judge.disagreements([refused]))


def test_an_exchange_may_hold_what_unicode_calls_the_end_of_a_line(tmp_path: Path) -> None:
    said = [{"body": "a\u2028b\x85c"}, {"body": "d"}]
    lines = [json.dumps(each, ensure_ascii=False) + "\n" for each in said]
    (tmp_path / "exchanges.jsonl").write_text("".join(lines), encoding="utf-8")
    assert read(tmp_path / "exchanges.jsonl") == said
