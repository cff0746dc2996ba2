"""What is wrong with a request by its contract, told without answering it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from harness.contract.model import EMPTY, Contract, Operation
from harness.serving.admission import Admission
from harness.serving.bodies import MAX_BODY
from harness.serving.exchange import Request
from harness.serving.problems import Problem
from harness.serving.routing import Match, Routes
from harness.serving.security import Gate
from harness.serving.tracing import trace_of
from harness.serving.wire import Message, Scope, headers_of


@dataclass(frozen=True, slots=True)
class Judgement:
    """``operation`` is None where the contract has none at this address with this method.

    ``request`` is there if ``problem`` is not, save for what serving answers without an operation.
    """

    operation: Operation | None = None
    problem: Problem | None = None
    request: Request | None = None


class RequestJudge:
    """Holds requests to one contract, as ``build_app`` would, compiled once.

    Credentials need only be there: whose they are, and whether they suffice, only the service knows.
    ``beside`` are paths outside the contract that the service has as well.
    """

    def __init__(self, contract: Contract, *, beside: Collection[str] = (), max_body: int = MAX_BODY) -> None:
        self._routes = Routes(contract.operations.values())
        self._beside = frozenset(beside)
        self._operations = {
            each.id: (
                each,
                Gate(each, contract, None),
                Admission(each, contract, max_body=max_body, judge_subject=False),
            )
            for each in contract.operations.values()
        }

    async def judge(self, scope: Scope, body: bytes) -> Judgement:
        """Judge one request, of which ``scope`` is ASGI's. Runs on an event loop."""
        raw_path = scope["raw_path"].decode("latin-1")
        method = scope["method"]
        found = self._routes.find(method, raw_path)
        if isinstance(found, Match):
            return await self._judged(found, scope, body)
        if raw_path in self._beside or (method == "OPTIONS" and found):
            return Judgement()
        if found:
            allowed = ", ".join(sorted(found))
            return Judgement(problem=Problem(405, detail=f"This address takes {allowed}."))
        return Judgement(problem=Problem(404, detail="There is nothing at this address."))

    def operation_at(self, method: str, raw_path: str) -> Operation | None:
        """The operation that a method and path mean, whatever else is wrong."""
        found = self._routes.find(method, raw_path)
        return self._operations[found.operation][0] if isinstance(found, Match) else None

    async def _judged(self, found: Match, scope: Scope, body: bytes) -> Judgement:
        operation, gate, admission = self._operations[found.operation]
        headers = headers_of(scope)
        try:
            claims = gate.admit(scope, headers) if operation.security else EMPTY
            request = await admission.admit(
                scope, _body_only(body), headers, found.values, claims, trace_of(headers)
            )
        except Problem as problem:
            return Judgement(operation, problem)
        return Judgement(operation, None, request)


def _body_only(body: bytes) -> Any:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
