"""The outermost layer: every exchange gets its trace, every failure becomes a problem, load is bounded."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from harness.contract.model import EMPTY
from harness.errors import ContractError
from harness.serving.exchange import Answer
from harness.serving.known_heads import known_in
from harness.serving.overload import Overloaded
from harness.serving.problems import Problem, problem_answer
from harness.serving.raised import raised_at
from harness.serving.tracing import Trace, made_id, trace_in
from harness.serving.wire import Disconnected, Message, Said, Scope, headers_of, respond, said

ASGIApp = Callable[[Scope, Any, Any], Awaitable[None]]

INCOMING = "portal"
"""Where a scope's extensions hold the ``Incoming``."""

IN_FLIGHT = 512
"""Requests that one application works on at a time; more are told to come back. One whose body is still
under way is not being worked on."""

HELD = 64 * 1024 * 1024
"""Bytes of bodies that one application holds at a time, however many requests they belong to."""

_log = logging.getLogger("portal.serving")


@dataclass(slots=True)
class Incoming:
    """What is known of a request before it is decoded: trace, headers, then the path's raw values, the
    operationId, and the template of its path.

    ``problem`` is why it was refused, once it is.
    """

    trace: Trace
    headers: Mapping[str, str]
    path: Mapping[str, str] = EMPTY
    operation: str = ""
    route: str = ""
    problem: Problem | None = None


class Refusals(Protocol):
    """How refusals are worded, where problem details are not enough."""

    def answer(self, problem: Problem, incoming: Incoming) -> Answer:
        """The answer that tells a problem."""

    def unmatched(self, method: str, path: str, allowed: Collection[str]) -> Problem:
        """The problem of a request that no operation takes; ``allowed`` are the methods of its path."""


def _anything(_: Incoming) -> bool:
    return True


@dataclass(slots=True)
class _Load:
    """What one application has in hand: requests that are worked on, and bytes of bodies."""

    most: int
    working: int = 0
    held: int = 0

    def begin(self) -> None:
        """One more is worked on. Raises Problem 503 if those are too many."""
        if self.working >= self.most:
            raise Overloaded("Too much at once; come back.")
        self.working += 1


class _Turn:
    """One request's share of the load. While it waits for its caller nobody works on it."""

    __slots__ = ("_held", "_load", "_receive", "_working")

    def __init__(self, load: _Load, receive: Any) -> None:
        self._load, self._receive = load, receive
        self._working, self._held = False, 0

    def begin(self) -> None:
        self._load.begin()
        self._working = True

    def pause(self) -> None:
        if self._working:
            self._load.working -= 1
            self._working = False

    def end(self) -> None:
        self.pause()
        self._load.held -= self._held

    async def receive(self) -> Message:
        """ASGI's. Raises Problem 503 if all bodies together are too large."""
        self.pause()
        message: Message = await self._receive()
        self.begin()
        size = len(message.get("body", b""))
        if self._load.held + size > HELD:
            raise Overloaded("Too many bodies at once; come back.")
        self._held += size
        self._load.held += size
        return message


class Shortcut:
    """The way past an application's layers to what serves an operation.

    There is none before the first request: it makes the layers, and with them what guards an operation.
    ``take`` gives None where a request has to go through them.
    """

    take: Callable[[Scope, Incoming, bytes], Answer | None] | None = None


class Envelope:
    """Wraps an application; nothing that it raises reaches the server."""

    def __init__(
        self,
        app: ASGIApp,
        max_in_flight: int = IN_FLIGHT,
        refusals: Refusals | None = None,
        always: Collection[str] = (),
        shortcut: Shortcut | None = None,
        correlates: Callable[[Incoming], bool] = _anything,
    ) -> None:
        """``always``: paths that are answered however much there is to do, e.g. whether the service lives.
        ``correlates``: whether a request's correlation id, if it has one, is what its operation takes."""
        self._app = app
        self._shortcut = Shortcut() if shortcut is None else shortcut
        self._always = frozenset(each.encode() for each in always)
        self._refusals, self._correlates = refusals, correlates
        self._load = _Load(max_in_flight)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = headers_of(scope)
        incoming = Incoming(trace_in(scope, headers), headers)
        scope["extensions"] = {**(scope.get("extensions") or {}), INCOMING: incoming}
        scope.setdefault("raw_path", scope["path"].encode())
        turn = _Turn(self._load, receive)
        try:
            if scope["raw_path"] not in self._always:
                turn.begin()
            await self._app(scope, turn.receive, send)
        except Disconnected:
            return
        except asyncio.CancelledError:  # the server waits no longer for what is under way
            ending = Problem(503, detail="The service is ending.", headers={"Retry-After": "1"})
            await self._tell(send, ending, incoming)
        except Exception as error:
            await self._tell(send, self._problem(error, incoming), incoming)
        finally:
            turn.end()

    def at_once(self, scope: Scope, body: bytes) -> Said | None:
        """The answer to a request that has come whole: see ``serving.connection``."""
        take, load = self._shortcut.take, self._load
        if take is None or load.working >= load.most or load.held + len(body) > HELD:
            return None
        known = known_in(scope)
        headers = known.headers if known is not None else headers_of(scope)
        incoming = Incoming(trace_in(scope, headers), headers)
        scope["extensions"][INCOMING] = incoming
        try:
            answer = take(scope, incoming, body)
            return said(answer, incoming.trace) if answer is not None else None
        except Exception as error:
            return said(self._worded(self._problem(error, incoming), incoming), incoming.trace)

    async def _tell(self, send: Any, problem: Problem, incoming: Incoming) -> None:
        try:
            await respond(send, self._worded(problem, incoming), incoming.trace)
        except RuntimeError:
            # The server's word for an answer that has begun already: nothing can be told any more.
            _log.error("correlation %s: the answer broke off", incoming.trace.correlation)

    def _problem(self, error: Exception, incoming: Incoming) -> Problem:
        """What an error is to the caller. A correlation id that the contract refuses in a request it refuses
        in an answer too, whatever else was refused."""
        if not self._correlates(incoming):
            incoming.trace = Trace(made_id(), incoming.trace.traceparent)
        incoming.problem = error if isinstance(error, Problem) else unexpected(error, incoming.trace)
        return incoming.problem

    def _worded(self, problem: Problem, incoming: Incoming) -> Answer:
        if self._refusals is not None:
            try:
                return self._refusals.answer(problem, incoming)
            except Exception as error:  # a refusal must reach the caller, in whatever words
                unexpected(error, incoming.trace)
        return problem_answer(problem, incoming.trace)


def unexpected(error: BaseException, trace: Trace) -> Problem:
    """A 500 that tells the caller only the correlation id; the log tells where, never with which values.

    501 where the contract itself cannot be kept: it says nothing of the caller, and who wrote it must know.
    """
    if isinstance(error, ContractError):
        return Problem(501, detail=f"The contract cannot be answered from. {error.paragraph()}")
    places = raised_at(error.__traceback__)
    _log.error("correlation %s: unexpected %s at %s", trace.correlation, type(error).__name__, places)
    return Problem(500, detail=f"Something went wrong here; it is logged under {trace.correlation}.")
