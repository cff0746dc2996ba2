"""Pact files for the lending desk, written as a consumer's test would write them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.contract.model import JSON

LOAN = "6f9619ff-8b86-4011-b42d-00c04fc964ff"


def write(path: Path, interactions: Sequence[Mapping[str, Any]], consumer: str = "desk-web") -> Path:
    """A pact of specification 4 between a consumer and lending."""
    document = {
        "consumer": {"name": consumer},
        "provider": {"name": "lending"},
        "interactions": list(interactions),
        "metadata": {"pactSpecification": {"version": "4.0"}},
    }
    path.write_text(json.dumps(document, indent=2), encoding="utf-8")
    return path


def exists(parameters: Mapping[str, JSON], schema: str = "Loan") -> dict[str, JSON]:
    return {"name": f"{schema} exists", "params": dict(parameters)}


def reading(description: str = "a loan", states: Sequence[JSON] | None = None) -> dict[str, Any]:
    """GET of one loan, its properties by type."""
    given = [exists({"id": LOAN, "memberId": "m-0042"})] if states is None else states
    return {
        "type": "Synchronous/HTTP",
        "description": description,
        "providerStates": given,
        "request": {"method": "GET", "path": f"/v1/loans/{LOAN}"},
        "response": {
            "status": 200,
            "headers": {"ETag": ['"1"']},
            "body": body({"id": LOAN, "memberId": "m-0042", "status": "open", "dueOn": "2030-01-31"}),
            "matchingRules": {"body": types("$.status", "$.dueOn"), "header": types("ETag")},
        },
    }


def lending(description: str = "lends a book") -> dict[str, Any]:
    """POST of a loan, nothing taken for granted."""
    wanted = {"bookId": "b-0001", "memberId": "m-0001", "dueOn": "2030-01-31"}
    return {
        "type": "Synchronous/HTTP",
        "description": description,
        "request": {
            "method": "POST",
            "path": "/v1/loans",
            "headers": {"Content-Type": ["application/json"], "Idempotency-Key": ["pact-0001-lend"]},
            "body": body(wanted),
        },
        "response": {
            "status": 201,
            "body": body({"id": LOAN, "status": "open", **wanted}),
            "matchingRules": {"body": types("$.id", "$.dueOn")},
        },
    }


def refusing(description: str = "refuses a stranger") -> dict[str, Any]:
    """The same without a token."""
    return {
        "type": "Synchronous/HTTP",
        "description": description,
        "request": {"method": "GET", "path": f"/v1/loans/{LOAN}"},
        "response": {"status": 401},
    }


def message(
    description: str, payload: Mapping[str, JSON], states: Sequence[JSON] = (), **metadata: str
) -> dict[str, Any]:
    """A loan's change; ``id`` and key by type."""
    told = {"kafka_topic": "test.lending.loan.v1", "contentType": "application/json", **metadata}
    return {
        "type": "Asynchronous/Messages",
        "description": description,
        "providerStates": list(states),
        "contents": body(payload),
        "metadata": told,
        "matchingRules": {"body": types("$.id"), "metadata": types(*({"kafka_key", "ce_id"} & set(told)))},
    }


def body(content: JSON) -> dict[str, JSON]:
    return {"content": content, "contentType": "application/json", "encoded": False}


def types(*paths: str) -> dict[str, JSON]:
    return {path: {"combine": "AND", "matchers": [{"match": "type"}]} for path in paths}
