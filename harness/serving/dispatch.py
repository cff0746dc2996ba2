"""One operation's exchange from admission to answer."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from contextlib import nullcontext
from contextvars import copy_context
from typing import Any, TypeVar, cast

from harness.contract.model import EMPTY, Operation, Response
from harness.contract.schema import compile_schema
from harness.serving.access import Claims
from harness.serving.admission import Admission
from harness.serving.bodies import is_json
from harness.serving.envelope import INCOMING, Incoming
from harness.serving.exchange import Answer, AtOnce, Denial, Handler, Request
from harness.serving.overload import Line
from harness.serving.problems import Denied, Problem
from harness.serving.security import Gate
from harness.serving.wire import Scope, respond

_Given = TypeVar("_Given")
_Done = TypeVar("_Done")
_Plain = Callable[[Request], Answer]
Denials = Callable[[Denial], None]
"""Is told of every refusal because of who asks, before it is answered, on a thread; raises nothing."""

_Answering = Callable[[Request], Awaitable[Answer]]

_log = logging.getLogger("portal.serving")

_ALWAYS = frozenset({"x-correlation-id"})
"""Headers that ``respond`` adds to every answer."""


class ResponseJudge:
    """Holds answers to the contract, with validators compiled once."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation
        self._validators = {
            (status, content_type): compile_schema(media.schema, "response")
            for status, response in operation.responses.items()
            for content_type, media in response.content.items()
            if media.schema is not None and is_json(content_type)
        }

    def judge(self, answer: Answer) -> list[str]:
        """What is wrong with an answer, without its values; empty if nothing is."""
        response = self._operation.response_for(answer.status)
        if response is None:
            return [f"status {answer.status} is not documented"]
        wrong = [f"header {name} is missing" for name in _missing_headers(response, answer)]
        if answer.body is None or isinstance(answer.body, bytes):
            return wrong
        if answer.content_type not in response.content:
            return [*wrong, f"content type {answer.content_type} is not documented for {answer.status}"]
        validator = self._validators.get((response.status, answer.content_type))
        found = validator.violations(answer.body) if validator is not None else ()
        return [*wrong, *(f"{each.pointer or 'the body'} {each.detail}" for each in found)]


def _missing_headers(response: Response, answer: Answer) -> list[str]:
    sent = {name.lower() for name in answer.headers} | _ALWAYS
    return [name for name, each in response.headers.items() if each.required and name.lower() not in sent]


class Exchange:
    """An ASGI callable for one operation."""

    __slots__ = ("_admission", "_answer", "_denials", "_gate", "_judge", "_line", "_now", "_pool")

    def __init__(
        self,
        admission: Admission,
        handler: Handler,
        pool: Executor,
        line: Line | None = None,
        judge: ResponseJudge | None = None,
        denials: Denials | None = None,
    ) -> None:
        self._admission, self._judge, self._denials, self._pool = admission, judge, denials, pool
        self._gate: Gate | None = None
        self._now = handler.answer if isinstance(handler, AtOnce) else None
        is_async = (
            isinstance(handler, AtOnce)
            or inspect.iscoroutinefunction(handler)
            or inspect.iscoroutinefunction(
                getattr(handler, "__call__", None)  # noqa: B004  an object may be an asynchronous callable
            )
        )
        self._line = None if is_async else line
        if isinstance(handler, AtOnce):
            self._answer = _on_the_loop(handler.answer)
        elif is_async:
            self._answer = cast(_Answering, handler)
        else:
            self._answer = _in_a_thread(cast(_Plain, handler), pool, line)

    def behind(self, gate: Gate) -> Exchange:
        """This exchange, for those whom the gate admits."""
        self._gate = gate
        return self

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if self._line is not None:
            self._line.check()
        incoming: Incoming = scope["extensions"][INCOMING]
        claims: Claims = EMPTY
        try:
            if self._gate is not None:
                claims = self._gate.admit(scope, incoming.headers)
            request = await self._admission.admit(
                scope, receive, incoming.headers, incoming.path, claims, incoming.trace
            )
            answer = await self._answer(request)
        except Denied as denied:
            if self._denials is not None:
                denial = self._denial(denied, claims or denied.claims, incoming)
                await _in_the_pool(self._pool, self._denials, denial)
            raise
        self._hold(answer, request)
        await respond(send, answer, incoming.trace)

    def at_once(self, scope: Scope, incoming: Incoming, body: bytes) -> Answer | None:
        """The answer to a request that has come whole; None, and nothing was done, where the handler has to
        wait for something. Raises what the call does: who cannot be served is told at once, too."""
        if self._line is not None:
            self._line.check()
        if self._now is None:
            return None
        try:
            claims = self._gate.admit(scope, incoming.headers) if self._gate is not None else EMPTY
            request = self._admission.admit_whole(
                scope, body, incoming.headers, incoming.path, claims, incoming.trace
            )
            answer = self._now(request)
        except Denied:
            if self._denials is None:
                raise
            return None  # whoever is to hear of it hears of it on a thread
        self._hold(answer, request)
        return answer

    def _hold(self, answer: Answer, request: Request) -> None:
        """Hold an answer to the contract, where that is asked for."""
        if self._judge is not None and (wrong := self._judge.judge(answer)):
            _log.error(
                "correlation %s: %s broke the contract: %s", request.correlation, request.operation.id, wrong
            )
            raise Problem(500, detail="The answer would have broken the contract: " + "; ".join(wrong))

    def _denial(self, denied: Denied, claims: Claims, incoming: Incoming) -> Denial:
        patient = denied.patient
        if patient is None and denied.status == 403:  # by the gate, which reads no more than the token
            patient = self._admission.named_by(incoming.path, incoming.headers)
        operation, trace = self._admission.operation, incoming.trace
        return Denial(operation, claims, patient, *trace, denied.status, incoming.headers)


def _on_the_loop(handler: _Plain) -> _Answering:
    async def answer(request: Request) -> Answer:
        return handler(request)

    return answer


def _in_a_thread(handler: _Plain, pool: Executor, line: Line | None) -> _Answering:
    """A line is joined only here: a caller who is slow to send takes nobody's place in it."""

    async def answer(request: Request) -> Answer:
        async with line.turn() if line is not None else nullcontext():
            return await _in_the_pool(pool, handler, request)

    return answer


async def _in_the_pool(pool: Executor, work: Callable[[_Given], _Done], given: _Given) -> _Done:
    """In the request's context: what a log line tells of the work in hand stands there."""
    here = copy_context()
    return await asyncio.get_running_loop().run_in_executor(pool, here.run, work, given)
