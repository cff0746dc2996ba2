"""The outermost layer of a mock's HTTP face: every exchange is put in the journal, and meets its faults."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, unquote_plus

import orjson

from harness.contract.model import EMPTY, JSON, Contract
from harness.errors import UsageError
from harness.serving.bodies import MAX_BODY
from harness.serving.connection import WholeAnswer
from harness.serving.envelope import INCOMING, ASGIApp, Incoming
from harness.serving.known_heads import KnownHeads, known_in
from harness.serving.problems import Problem, Reason, problem_answer
from harness.serving.routing import Match as Route
from harness.serving.routing import Routes
from harness.serving.tracing import TRACE, trace_in
from harness.serving.wire import BODY_TIMEOUT, Message, Said, Scope, headers_of, respond
from mocks.event_faults import ASKED
from mocks.fault_rules import FaultRules, Met
from mocks.fault_words import effects_of
from mocks.journal import CREDENTIALS, KEPT_BODY, Journal
from mocks.matching import Seen
from mocks.misbehaving import Misbehaviour

FAULT_HEADER = "X-Portal-Fault"
_FAULT = FAULT_HEADER.lower().encode()
_HIDDEN = b"***"


class _Shown(NamedTuple):
    """Of a request's head, without credentials; ``fault`` is the one that it asks for."""

    headers: list[tuple[bytes, bytes]]
    query: bytes
    fault: bytes | None


class Front:
    """Wraps a mock's application. Costs a few microseconds where no fault is asked for."""

    def __init__(
        self, app: ASGIApp, contract: Contract, journal: Journal, faults: FaultRules, seed: int = 1
    ) -> None:
        self._app, self._contract, self._journal, self._faults = app, contract, journal, faults
        self._now: WholeAnswer | None = getattr(app, "at_once", None)
        self.heads = KnownHeads()
        self._seed = seed
        self._routes = Routes(contract.operations.values())
        keys = [each for each in contract.security_schemes.values() if each.kind == "apiKey"]
        named = {each.parameter.lower() for each in keys if each.location == "header"}
        self._secret = frozenset(name.encode() for name in CREDENTIALS | named)
        self._secret_query = frozenset(each.parameter for each in keys if each.location == "query")

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        at, began = time.time(), time.perf_counter()
        tape = Tape(receive, send)
        shown, fault = self._shown(scope), ""
        try:
            if shown.fault is None and not self._faults.active:
                await self._app(scope, tape.receive, tape.send)
            else:
                fault = await self._faulted(scope, tape, shown.fault)
        finally:
            extensions = scope.get("extensions") or EMPTY
            incoming: Incoming | None = extensions.get(INCOMING)
            problem = incoming.problem if incoming is not None else None
            self._journal.exchange(
                at,
                time.perf_counter() - began,
                (incoming.operation if incoming is not None else "") or tape.operation,
                scope["method"],
                scope.get("raw_path") or scope["path"].encode(),
                shown.query,
                shown.headers,
                tape.body,
                tape.size,
                tape.status,
                _discreet(tape.headers, self._secret),
                tape.answer,
                tape.answer_size,
                problem.errors or _told(problem) if problem is not None else (),
                fault,
            )

    def at_once(self, scope: Scope, body: bytes) -> Said | None:
        """The answer to a request that has come whole and meets no fault: see ``serving.connection``."""
        if self._now is None or self._faults.active:
            return None
        at, began = time.time(), time.perf_counter()
        known = known_in(scope)
        shown: _Shown | None = known.found.get(self) if known is not None else None
        if shown is None:
            shown = self._shown(scope)
            if known is not None:
                known.found[self] = shown
        said = self._now(scope, body) if shown.fault is None else None
        if said is None:
            return None
        status, said_headers, answer = said
        incoming: Incoming = scope["extensions"][INCOMING]
        problem = incoming.problem
        self._journal.exchange(
            at,
            time.perf_counter() - began,
            incoming.operation,
            scope["method"],
            scope["raw_path"],
            shown.query,
            known.now(shown.headers, self._secret) if known is not None else shown.headers,
            body[:KEPT_BODY],
            len(body),
            status,
            _discreet(said_headers, self._secret),
            answer[:KEPT_BODY],
            len(answer),
            problem.errors or _told(problem) if problem is not None else (),
            "",
        )
        return said

    def _shown(self, scope: Scope) -> _Shown:
        """What may be told of a head."""
        headers, secret, fault = [], self._secret, None
        for pair in scope["headers"]:
            name = pair[0]
            headers.append((name, _HIDDEN) if name in secret else pair)
            if name == _FAULT:
                fault = pair[1]
        query = scope["query_string"]
        shown = query if not self._secret_query else _discreet_query(query, self._secret_query)
        return _Shown(headers, shown, fault)

    async def _faulted(self, scope: Scope, tape: Tape, asked: bytes | None) -> str:
        """Play the faults that this exchange meets, if any; returns them in words."""
        route = self._routes.find(scope["method"], (scope.get("raw_path") or b"/").decode("latin-1"))
        if isinstance(route, Route):
            tape.operation = route.operation
            self._note(scope, route)
        try:
            met = await self._met(scope, tape, asked, route if isinstance(route, Route) else None)
        except UsageError as error:
            trace = trace_in(scope, headers_of(scope))
            await respond(tape.send, problem_answer(Problem(400, detail=error.paragraph()), trace), trace)
            return ""
        if met is None or not met.effects.on_exchange:
            await self._app(scope, tape.receive, tape.send)
            return met.text if met is not None else ""
        operation = self._contract.operations.get(tape.operation)
        done = await Misbehaviour(met, self._contract, operation, self._seed).play(
            self._app, scope, tape.receive, tape.send
        )
        return f"{met.text} ({done})" if done else met.text

    def _note(self, scope: Scope, route: Route) -> None:
        """What is asked for, for a span: a fault may answer in the application's place."""
        if TRACE not in (scope.get("extensions") or {}):
            return
        headers = headers_of(scope)
        incoming = Incoming(trace_in(scope, headers), headers, route.values, route.operation)
        incoming.route = self._contract.operations[route.operation].path
        scope["extensions"] = {**(scope.get("extensions") or {}), INCOMING: incoming}

    async def _met(self, scope: Scope, tape: Tape, asked: bytes | None, route: Route | None) -> Met | None:
        if asked is not None:
            effects = effects_of(asked.decode("latin-1"), FAULT_HEADER)
            ASKED.set(effects)
            return self._faults.asked(effects)
        body = None
        if self._faults.reads_bodies():
            body = _value(await tape.read_ahead())
        path = {name: unquote(value) for name, value in route.values.items()} if route is not None else EMPTY
        seen = Seen(path, query_of(scope["query_string"]), headers_of(scope), body)
        return self._faults.of_exchange(tape.operation, seen)


class Tape:
    """What goes through one exchange, kept as far as the journal keeps it."""

    __slots__ = (
        "_ahead",
        "_receive",
        "_send",
        "answer",
        "answer_size",
        "body",
        "headers",
        "operation",
        "size",
        "status",
    )

    def __init__(self, receive: Any, send: Any) -> None:
        self._receive, self._send = receive, send
        self._ahead: list[Message] = []
        self.body = self.answer = b""
        self.size = self.answer_size = self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.operation = ""

    async def receive(self) -> Message:
        """ASGI's."""
        if self._ahead:
            return self._ahead.pop(0)
        return await self._take()

    async def send(self, message: Message) -> None:
        """ASGI's."""
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], message.get("headers", [])
        else:
            part = message.get("body", b"")
            self.answer_size += len(part)
            if len(self.answer) < KEPT_BODY:
                self.answer = (self.answer + part if self.answer else part)[:KEPT_BODY]
        await self._send(message)

    async def read_ahead(self) -> bytes:
        """The whole body, for a rule that matches it; the application gets to read it as well.

        What is too large or too slow is left for the application to refuse.
        """
        parts = bytearray()
        try:
            async with asyncio.timeout(BODY_TIMEOUT):
                while len(parts) <= MAX_BODY:
                    message = await self._take()
                    self._ahead.append(message)
                    parts += message.get("body", b"")
                    if message["type"] == "http.disconnect" or not message.get("more_body", False):
                        break
        except TimeoutError:
            return b""
        return bytes(parts)

    async def _take(self) -> Message:
        message: Message = await self._receive()
        part = message.get("body", b"")
        if part:
            self.size += len(part)
            if len(self.body) < KEPT_BODY:
                self.body = (self.body + part if self.body else part)[:KEPT_BODY]
        return message


def query_of(raw: bytes) -> Mapping[str, JSON]:
    """A query's values as text; one that is repeated as a list."""
    found = parse_qs(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=None)
    return {name: values if len(values) > 1 else values[0] for name, values in found.items()}


def _value(body: bytes) -> JSON:
    try:
        return orjson.loads(body) if body else None
    except orjson.JSONDecodeError:
        return body.decode("utf-8", "replace")


def _told(problem: Problem) -> tuple[Reason, ...]:
    """Why a request was refused, where no one place of it is to blame."""
    return (Reason("", problem.detail or problem.title),)


def _discreet(headers: list[tuple[bytes, bytes]], secret: frozenset[bytes]) -> list[tuple[bytes, bytes]]:
    """Headers without credentials."""
    for name, _ in headers:
        if name in secret:
            return [(each, _HIDDEN if each in secret else value) for each, value in headers]
    return headers


def _discreet_query(query: bytes, secret: frozenset[str]) -> bytes:
    """A query without the values of these parameters."""
    parts = (each.partition(b"=") for each in query.split(b"&"))
    return b"&".join(
        name + equals + (_HIDDEN if unquote_plus(name.decode("latin-1")) in secret else value)
        for name, equals, value in parts
    )
