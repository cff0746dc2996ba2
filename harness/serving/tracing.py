"""Correlation ids and W3C trace context: what ties an exchange to what caused it and what it causes."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TRACEPARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?"
)

CORRELATION = "x-correlation-id"

TRACE = "portal.trace"
"""Where a scope's extensions hold the ``Trace`` of an exchange that is watched from further outside."""

_NOT_ZERO = 1 << 64 | 1
"""A bit of a trace id, and one of a span id: all zeros would be none (W3C Trace Context, 3.2.2.3)."""

_chance = random.Random()  # noqa: S311 - ids need not be secret
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_chance.seed)  # or parent and child would make the same ones


class Trace(NamedTuple):
    """``traceparent`` carries the caller's trace id and a span id of our own."""

    correlation: str
    traceparent: str


def trace_of(headers: Mapping[str, str]) -> Trace:
    """Continue the caller's trace, or begin one where it sent none or none that can be trusted.

    Source: W3C Trace Context, section 3.2.
    """
    return Trace(correlation_of(headers), continued(headers.get("traceparent", "")))


def trace_in(scope: Mapping[str, Any], headers: Mapping[str, str]) -> Trace:
    """The trace of an exchange: that of the span that tells of it, where one does, else ``trace_of``."""
    found: Trace | None = (scope.get("extensions") or {}).get(TRACE)
    return trace_of(headers) if found is None else found


def correlation_of(headers: Mapping[str, str]) -> str:
    """The caller's correlation id, or a new one.

    It goes into logs and Kafka headers, so only a bounded, plain one is taken over.
    """
    correlation = headers.get(CORRELATION)
    return correlation if correlation is not None and plain(correlation) else made_id()


def plain(correlation: str) -> bool:
    """Whether a correlation id is one that may be told anywhere."""
    return _PLAIN.fullmatch(correlation) is not None


def ids_of(traceparent: str) -> tuple[str, str]:
    """Trace id and span id, both empty where it holds none."""
    match = _TRACEPARENT.fullmatch(traceparent)
    return (match[2], traceparent[36:52]) if match is not None else ("", "")


def continued(traceparent: str) -> str:
    """The same trace with a new span id; a new trace if what came is malformed."""
    match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if match is None or (match[1] == "00" and match[4]):
        made = (_chance.getrandbits(192) | _NOT_ZERO).to_bytes(24).hex()
        return f"00-{made[:32]}-{made[32:]}-01"
    return f"00-{match[2]}-{_chance.getrandbits(64) | 1:016x}-{match[3]}"


def made_id() -> str:
    """A random UUID (RFC 9562, version 4); the library's own takes ten times as long."""
    made = _chance.getrandbits(120).to_bytes(15).hex()
    return made[:8] + "-" + made[8:12] + "-4" + made[12:15] + "-a" + made[15:18] + "-" + made[18:]
