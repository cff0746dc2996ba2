"""Each request to the real service and its answer back, as they come; then both are judged."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx

from harness.contract.model import Contract
from harness.findings import CouldNotTell
from harness.serving.connection import CONNECTION
from harness.serving.envelope import INCOMING, Incoming
from harness.serving.judging import Judgement, RequestJudge
from harness.serving.problems import Problem, problem_answer
from harness.serving.tracing import TRACE, trace_in
from harness.serving.wire import Disconnected, Message, Scope, headers_of, respond
from mocks.front import FAULT_HEADER
from mocks.misuse import sent_of
from mocks.proxy.bodies import MAX_JUDGED, Copy, plain
from mocks.proxy.drift import Drift, Received
from mocks.proxy.hops import passed_on
from mocks.proxy.ledger import CHECK, Ledger
from mocks.proxy.pairs import Pairs
from mocks.proxy.upstream import Unreached, Upstream, parts_of

LOG = logging.getLogger("portal.mocks")

_OURS = frozenset({b"host", b"expect", FAULT_HEADER.lower().encode()})
"""Request headers that are not for the service: its name is another, and we take the body and do the harm."""

_SERVERS = frozenset({b"date"})
"""Answer headers that our own server writes."""


class Forwarder:
    """The ASGI application. ``pairs`` is where exchanges are kept, None for nowhere."""

    def __init__(self, contract: Contract, upstream: Upstream, ledger: Ledger, pairs: Pairs | None) -> None:
        self._service = contract.service
        self._upstream, self._ledger, self._pairs = upstream, ledger, pairs
        self._judge = RequestJudge(contract, max_body=MAX_JUDGED)
        self._drift = Drift(contract, upstream.url)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            with contextlib.suppress(Disconnected):
                await self._exchange(scope, receive, send)

    async def _lifespan(self, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self._upstream.close()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _exchange(self, scope: Scope, receive: Any, send: Any) -> None:
        asked, answered = Copy(), Copy()
        headers = headers_of(scope)
        query = scope["query_string"]
        target = scope["raw_path"] + (b"?" + query if query else b"")
        has_body = "content-length" in headers or "transfer-encoding" in headers
        content = _body(receive, asked) if has_body else None
        begun = _Begun(send)
        try:
            passed = _traced(scope, passed_on(scope["headers"], _OURS))
            response = await self._upstream.ask(scope["method"], target, passed, content)
            try:
                await _unless_gone(receive, _pass_back(response, begun, answered))
            finally:
                await response.aclose()
        except Unreached as error:
            await self._failed(scope, error, begun)
            return
        received = Received(
            response.status_code,
            {name.lower(): value for name, value in response.headers.items()},
            plain(answered.whole, response.headers.get("content-encoding", "")),
        )
        await self._judged(scope, asked, received)

    async def _judged(self, scope: Scope, asked: Copy, received: Received) -> None:
        """Tell where the exchange is not as the contract has it; what is, is kept."""
        headers = headers_of(scope)
        body = plain(asked.whole, headers.get("content-encoding", ""))
        judgement = await self._judge.judge({**scope, "extensions": {}}, body or b"")
        sent = sent_of(scope, body or b"")
        operation = judgement.operation
        name = operation.id if operation is not None else ""
        incoming = Incoming(trace_in(scope, headers), headers, operation=name, problem=judgement.problem)
        incoming.route = operation.path if operation is not None else ""
        scope["extensions"] = {**(scope.get("extensions") or {}), INCOMING: incoming}  # for the journal
        if body is None:
            self._unknown(name, f"a request's body is longer than {MAX_JUDGED} bytes, or coded")
            judgement = Judgement(operation)
        found = self._drift.of_request(judgement, sent, received)
        if operation is not None:
            wrong, read = self._drift.of_answer(operation, sent, received)
            found += wrong
            if received.body is None:
                self._unknown(name, f"an answer's body is longer than {MAX_JUDGED} bytes, or coded")
            elif not found and body is not None:
                self._ledger.kept(name)
                if self._pairs is not None and judgement.request is not None:
                    self._pairs.keep(judgement.request, received, read)
        for finding in found:
            self._ledger.add(finding)

    async def _failed(self, scope: Scope, error: Unreached, begun: _Begun) -> None:
        """No answer, or half of one: not the service's word, so nothing is found, and nothing is told."""
        operation = self._judge.operation_at(scope["method"], scope["raw_path"].decode("latin-1"))
        reason = f"{self._upstream.url} gave no answer: {error}"
        self._unknown(operation.id if operation else "", reason, "Start the service, or check --proxy")
        LOG.warning("%s", reason)
        if begun.done:
            connection = scope.get("extensions", {}).get(CONNECTION)
            if connection is None:
                raise RuntimeError("the answer broke off") from error
            await connection.reset()
            return
        trace = trace_in(scope, headers_of(scope))
        problem = Problem(504 if error.late else 502, detail=f"The service behind this proxy: {error}.")
        await respond(begun.send, problem_answer(problem, trace), trace)

    def _unknown(self, operation: str, reason: str, remedy: str = "") -> None:
        self._ledger.add(CouldNotTell(CHECK, self._service, operation, reason, remedy))


class _Begun:
    """``send``, and whether it was used: then no other answer can be given any more."""

    def __init__(self, send: Any) -> None:
        self._send = send
        self.done = False

    async def send(self, message: Message) -> None:
        self.done = True
        await self._send(message)


def _traced(scope: Scope, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers as they are, unless a span tells of this exchange: the service's come after that one."""
    trace = (scope.get("extensions") or {}).get(TRACE)
    if trace is None:
        return headers
    kept = [pair for pair in headers if pair[0] != b"traceparent"]
    return [*kept, (b"traceparent", trace.traceparent.encode())]


async def _body(receive: Any, copy: Copy) -> AsyncIterator[bytes]:
    """The request's body as it comes. Raises Disconnected where the caller goes away."""
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        part = message.get("body", b"")
        copy.add(part)
        if part:
            yield part
        if not message.get("more_body", False):
            return


async def _pass_back(response: httpx.Response, begun: _Begun, copy: Copy) -> None:
    headers = passed_on(response.headers.raw, _SERVERS)
    await begun.send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    async for part in parts_of(response):
        copy.add(part)
        await begun.send({"type": "http.response.body", "body": part, "more_body": True})
    await begun.send({"type": "http.response.body", "body": b""})


async def _unless_gone(receive: Any, work: Any) -> None:
    """Do the work unless the caller goes away first: an answer without an end would go on for nobody."""

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    working, watching = asyncio.ensure_future(work), asyncio.ensure_future(gone())
    try:
        await asyncio.wait((working, watching), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Disconnected
        await working
    finally:
        for each in (working, watching):
            each.cancel()
        await asyncio.gather(working, watching, return_exceptions=True)
