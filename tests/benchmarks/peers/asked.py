"""What is asked of every server: one shipped contract, its good requests and what breaks it.

The contract is coverage's: a GET with a path parameter, and a POST whose body has patterns, formats and an
object in it, and which can be sent again and again, as each makes another coverage.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

COUNTER = "@@@@@@@@@@@@"
"""Stands for twelve digits that no other request has."""

SERVICE = "coverage"
GET, POST = "GET", "validated POST"

COVERAGE, PATIENT = "cov-30000001", "pat-9c5e2j7l4f"
LIST = f"/patients/{PATIENT}/coverage"
BODY: Mapping[str, Any] = {
    "payerId": "pay-90000002",
    "planName": "Harbor Dental",
    "memberId": f"HD-{COUNTER}",
    "period": {"start": "2020-01-01", "end": "2031-12-31"},
}
WRONG_MEMBERS = ("payerId", "planName", "start")
BAD_BODY = {**BODY, "payerId": "nobody", "planName": "", "period": {"start": "2020-13-01"}}
"""Three members break their schemas: a pattern, a least length, a date."""


_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Asked:
    """One request; ``path`` follows the server's base, ``COUNTER`` in it becomes a number of its own."""

    name: str
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""

    def numbered(self, number: int) -> Asked:
        """As it is sent."""
        text = f"{number:012d}"
        headers = {name: value.replace(COUNTER, text) for name, value in self.headers.items()}
        return replace(self, headers=headers, body=self.body.replace(COUNTER, text))


def get(token: str, path: str = f"/coverage/{COVERAGE}", headers: Mapping[str, str] = _NONE) -> Asked:
    """Read something; by default one coverage."""
    return Asked(GET, "GET", path, {**_authorization(token), **headers})


def post(
    token: str,
    body: Mapping[str, Any] = BODY,
    path: str = LIST,
    key: str = COUNTER,
    headers: Mapping[str, str] = _NONE,
) -> Asked:
    """Make something; by default another coverage."""
    sent = {**_authorization(token), "Content-Type": "application/json", "Idempotency-Key": f"key-{key}"}
    return Asked(POST, "POST", path, {**sent, **headers}, json.dumps(body))


def _authorization(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}
