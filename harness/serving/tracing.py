"""Correlation ids and W3C trace context: what ties an exchange to what caused it and what it causes."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

_CORRELATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TRACEPARENT = re.compile(
    r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?"
)


@dataclass(frozen=True, slots=True)
class Trace:
    """``traceparent`` carries the caller's trace id and a span id of our own."""

    correlation: str
    traceparent: str


def trace_of(headers: Mapping[str, str]) -> Trace:
    """Continue the caller's trace, or begin one where it sent none or none that can be trusted.

    A correlation id goes into logs and Kafka headers, so only a bounded, plain one is taken over.
    Source: W3C Trace Context, section 3.2.
    """
    correlation = headers.get("x-correlation-id", "")
    if not _CORRELATION.fullmatch(correlation):
        correlation = made_id()
    return Trace(correlation, continued(headers.get("traceparent", "")))


def continued(traceparent: str) -> str:
    """The same trace with a new span id; a new trace if what came is malformed."""
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None or (match[1] == "00" and match[4]):
        made = os.urandom(24).hex()
        return f"00-{made[:32]}-{made[32:]}-01"
    return f"00-{match[2]}-{os.urandom(8).hex()}-{match[3]}"


def made_id() -> str:
    """A random UUID (RFC 9562, version 4); the library's own takes three times as long."""
    made = os.urandom(16).hex()
    variant = "89ab"[int(made[16], 16) & 3]
    return f"{made[:8]}-{made[8:12]}-4{made[13:16]}-{variant}{made[17:20]}-{made[20:]}"
