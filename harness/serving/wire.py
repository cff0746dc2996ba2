"""What goes over an ASGI connection: headers in, bodies in with a bound, answers out."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any

import orjson

from harness.contract.model import JSON
from harness.serving.exchange import Answer
from harness.serving.problems import Problem
from harness.serving.tracing import Trace

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]

BODY_TIMEOUT = 30.0
"""Seconds a caller may take to send one body."""

_UNSAYABLE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

_SHORT = 256
"""Characters of a header's value that is encoded once and not per answer."""

METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
"""Those that may be named to others; any other is what somebody sent (RFC 9110, 9.3; RFC 5789)."""

WITHOUT_BODY = frozenset({204, 205, 304})

Said = tuple[int, list[tuple[bytes, bytes]], bytes]
"""A whole answer as it goes over the wire: status, headers, body."""


class Disconnected(Exception):
    """The caller went away: nobody is left to answer."""


def headers_of(scope: Scope) -> dict[str, str]:
    """Lower-case names to text; a repeated header is joined as RFC 9110, 5.3 says (cookies by ``; ``)."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if name in headers:
            value = headers[name] + ("; " if name == "cookie" else ", ") + value
        headers[name] = value
    return headers


async def read_body(receive: Any, headers: Mapping[str, str], limit: int) -> bytes:
    """The whole body. Problem 413 beyond ``limit`` bytes, 408 if it dawdles; else Disconnected."""
    declared = headers.get("content-length", "0")
    if declared.isdigit() and int(declared[:18]) > limit:
        raise too_large(limit)
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            return await _collect(receive, limit)
    except TimeoutError:
        raise Problem(408, detail=f"The body did not arrive within {BODY_TIMEOUT:g} seconds.") from None


async def _collect(receive: Any, limit: int) -> bytes:
    gathered = bytearray()
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part: bytes = message.get("body", b"")
        if len(gathered) + len(part) > limit:
            raise too_large(limit)
        if not message.get("more_body", False):
            return bytes(gathered + part) if gathered else part
        gathered += part


def too_large(limit: int) -> Problem:
    """A body beyond its bound."""
    return Problem(413, detail=f"The body is larger than {limit} bytes.")


def encode_json(value: JSON) -> bytes:
    """JSON text; integers beyond 64 bits keep every digit (orjson alone would refuse them)."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


async def respond(send: Any, answer: Answer, trace: Trace) -> None:
    """Send an answer with the headers that every answer carries."""
    status, headers, body = said(answer, trace)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def said(answer: Answer, trace: Trace) -> Said:
    """An answer as it is said. Raises ValueError for a header that cannot be."""
    headers: list[tuple[bytes, bytes]] = [
        (b"x-correlation-id", trace.correlation.encode()),
        (b"traceparent", trace.traceparent.encode()),
    ]
    body = b""
    if answer.status not in WITHOUT_BODY:
        if answer.text is not None:
            body = answer.text
        elif answer.body is not None:
            body = answer.body if isinstance(answer.body, bytes) else encode_json(answer.body)
        if answer.body is not None:
            headers.append(_header("content-type", answer.content_type))
        headers.append((b"content-length", b"%d" % len(body)))
    for name, value in answer.headers.items():
        headers.append(_header(name, value) if len(value) <= _SHORT else _encoded(name, value))
    return answer.status, headers, body


def _encoded(name: str, value: str) -> tuple[bytes, bytes]:
    """Raises ValueError for what no header can say, before anything has been sent."""
    said = value.encode("latin-1")
    if _UNSAYABLE.search(said):
        raise ValueError("a header's value holds a control character")
    return name.lower().encode("latin-1"), said


_header = lru_cache(1024)(_encoded)
