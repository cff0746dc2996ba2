"""Plays a fault on one exchange: late, refused, broken, cut, or with no answer at all."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from harness.contract.model import Contract, Operation
from harness.serving.connection import CONNECTION, Connection
from harness.serving.envelope import ASGIApp
from harness.serving.problems import phrase
from harness.serving.tracing import trace_in
from harness.serving.wire import WITHOUT_BODY, Message, Scope, headers_of, respond
from mocks.breaking import broken, malformed
from mocks.error_answers import error_answer
from mocks.fault_rules import Met
from mocks.fault_words import LONGEST, Effects

_PIECE = 0.05
"""Seconds between two pieces of a body that trickles."""

_Headers = Sequence[tuple[bytes, bytes]]


@dataclass(slots=True)
class Held:
    """An answer that is ready and has not been sent."""

    status: int = 0
    headers: _Headers = ()
    body: bytearray = field(default_factory=bytearray)

    async def send(self, message: Message) -> None:
        """ASGI's, to be given to an application."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", ()))
        else:
            self.body += message.get("body", b"")

    def header(self, name: bytes) -> bytes:
        return next((value for each, value in self.headers if each.lower() == name), b"")

    def put(self, name: bytes, value: bytes) -> None:
        """Say this header, once."""
        self.headers = [each for each in self.headers if each[0].lower() != name] + [(name, value)]

    def holds(self, body: bytes) -> None:
        """Have another body, truly counted."""
        self.body = bytearray(body)
        if self.header(b"content-length"):
            self.put(b"content-length", str(len(body)).encode())


@dataclass(frozen=True, slots=True)
class Misbehaviour:
    """What befalls one exchange. ``operation`` is None for what the contract does not have."""

    met: Met
    contract: Contract
    operation: Operation | None
    seed: int

    async def play(self, app: ASGIApp, scope: Scope, receive: Any, send: Any) -> str:
        """Answer, or do not. Returns what the journal should say of it beyond the fault's own words."""
        effects = self.met.effects
        connection: Connection | None = (scope.get("extensions") or {}).get(CONNECTION)
        held = await self._held(app, scope, receive, send)
        done = self._changed(held, effects)
        try:
            if self.met.delay and await gone(receive, self.met.delay):
                return done
            if connection is not None and effects.end is not None and effects.truncate is None:
                await _end(effects, held, connection, receive)
            else:
                await _say(held, effects, connection, receive, send)
        except asyncio.CancelledError:  # the service is ending
            if connection is not None:
                await connection.hang_up()
        return done

    async def _held(self, app: ASGIApp, scope: Scope, receive: Any, send: Any) -> Held:
        held, effects = Held(), self.met.effects
        if effects.status is None:
            await app(scope, receive, held.send)
            return held
        headers = headers_of(scope)
        trace = trace_in(scope, headers)
        answer = error_answer(
            self.contract, self.operation, effects.status, trace, headers=headers, seed=self.seed
        )
        await respond(held.send, answer, trace)
        if effects.retry_after is not None:
            held.headers = [each for each in held.headers if each[0] != b"retry-after"]
            if effects.retry_after:
                held.put(b"retry-after", effects.retry_after.encode())
        return held

    def _changed(self, held: Held, effects: Effects) -> str:
        held.put(b"x-portal-fault", effects.text.encode("latin-1", "replace"))
        done = ""
        if effects.invalid is not None:
            done = self._invalidate(held, effects.invalid)
        if effects.malformed and held.status not in WITHOUT_BODY:
            held.holds(malformed(bytes(held.body)))
        if effects.content_type is not None and held.status not in WITHOUT_BODY:
            held.put(b"content-type", effects.content_type.encode())
        return done

    def _invalidate(self, held: Held, pointer: str) -> str:
        response = self.operation.response_for(held.status) if self.operation is not None else None
        content_type = held.header(b"content-type").decode("latin-1").partition(";")[0].strip()
        media = response.content.get(content_type) if response is not None else None
        if media is None or media.schema is None:
            return "no schema describes this body"
        try:
            value = orjson.loads(held.body)
        except orjson.JSONDecodeError:
            return "this body is no JSON"
        found = broken(value, media.schema, pointer)
        if found is None:
            return "nothing there breaks the schema"
        held.holds(orjson.dumps(found[0]))
        return found[1]


async def gone(receive: Callable[[], Awaitable[Any]], seconds: float) -> bool:
    """Wait so long; True, and at once, if the caller went away."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


async def _end(effects: Effects, held: Held, connection: Connection, receive: Any) -> None:
    if effects.end == "reset":
        await connection.reset()
        return
    if effects.end == "hang":
        await gone(receive, LONGEST)
    head = f"HTTP/1.1 {held.status} {phrase(held.status)}\r\ncontent-ty".encode("latin-1")
    await connection.hang_up(head if effects.end == "drop" else b"")


async def _say(held: Held, effects: Effects, connection: Connection | None, receive: Any, send: Any) -> None:
    body = bytes(held.body)
    whole = effects.truncate is None or connection is None
    part = body if effects.truncate is None else body[: _length(effects.truncate, len(body))]
    await send({"type": "http.response.start", "status": held.status, "headers": held.headers})
    pieces = _pieces(part, effects.trickle or 0.0)
    for number, piece in enumerate(pieces, 1):
        if effects.trickle and await gone(receive, effects.trickle / len(pieces)):
            return
        more = number < len(pieces) or not whole
        await send({"type": "http.response.body", "body": piece, "more_body": more})
    if connection is not None and not whole:
        await (connection.reset() if effects.end == "reset" else connection.hang_up())


def _pieces(body: bytes, seconds: float) -> list[bytes]:
    """The body in as many pieces as there is time for, at least one."""
    count = max(1, min(len(body), round(seconds / _PIECE)))
    size = max(1, math.ceil(len(body) / count))
    return [body[start : start + size] for start in range(0, len(body), size)] or [b""]


def _length(truncate: int | float, whole: int) -> int:
    wanted = truncate if isinstance(truncate, int) else int(whole * truncate)
    return min(wanted, max(whole - 1, 0))
