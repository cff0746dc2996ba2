"""Matchers for the portal's own formats: what a consumer relies on is the form, seldom the value."""

from __future__ import annotations

from pact import match
from pact.match import AbstractMatcher

AMARA, BEN = "pat-4k7m2q9x1a", "pat-8d3w6n5z0b"

JSON_TYPE = "application/json"


def id_like(example: str) -> AbstractMatcher[str]:
    """An opaque id of the same kind."""
    return match.regex(example, regex=f"^{example[:4]}[0-9a-z]{{8,26}}$")


def time_like(example: str) -> AbstractMatcher[str]:
    """An RFC 3339 time."""
    pattern = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$"
    return match.regex(example, regex=pattern)


def one_of(example: str, *others: str) -> AbstractMatcher[str]:
    """One of the codes that the consumer knows."""
    return match.regex(example, regex=f"^({'|'.join((example, *others))})$")


def text_like(example: str) -> AbstractMatcher[str]:
    return match.str(example)


ETAG = match.regex('"1"', regex=r'^"[0-9]{1,18}"$')
KEY = match.regex("5f0b7f4e-3c0a-4d52-9c53-6a1d6c3a0e11", regex="^[A-Za-z0-9._:-]{8,128}$")
