"""An ``Idempotency-Key`` as one caller uses it for one operation.

Source: draft-ietf-httpapi-idempotency-key-header, sections 2.5 to 2.7.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import orjson

from harness.contract.model import JSON
from harness.serving.exchange import Request
from harness.serving.problems import Problem, Reason


@dataclass(frozen=True, slots=True)
class Claim:
    """A key as one caller uses it for one operation, with what the request asks for."""

    operation: str
    caller: str
    key: str
    digest: str


def claim_of(request: Request) -> Claim | None:
    """The request's claim, None without an ``Idempotency-Key``."""
    key = request.headers.get("idempotency-key")
    if not key:
        return None
    body = request.body.hex() if isinstance(request.body, bytes) else request.body
    asked = digest([dict(request.path), dict(request.query), body])
    return Claim(request.operation.id, str(request.claims.get("sub", "")), key, asked)


def digest(value: JSON) -> str:
    """SHA-256 of a JSON value; equal whatever the order of properties."""
    try:
        text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an integer of more than 64 bits
        text = json.dumps(value, sort_keys=True).encode()
    return hashlib.sha256(text).hexdigest()


def used_for_another(status: int = 422) -> Problem:
    """The refusal of a key that stands for another request."""
    return Problem(
        status,
        detail="This Idempotency-Key was used with another body.",
        errors=[Reason("/header/Idempotency-Key", "was used with another body")],
    )
