"""A lending desk in plain Starlette: a provider that keeps its contract, or breaks it in one named way."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from harness.contract.model import JSON
from harness.target import Claims

Fault = Literal[
    "",
    "drops-due-date",
    "answers-200",
    "lets-anybody-in",
    "accepts-anything",
    "keeps-deleted",
    "keeps-nothing",
    "keeps-another",
    "refuses-loans",
    "busy-at-times",
]

KEY = re.compile(r"[A-Za-z0-9_-]{8,64}")
BOOK, MEMBER = re.compile(r"b-[0-9]{4}"), re.compile(r"m-[0-9]{4}")
ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def token_for(claims: Claims) -> str:
    """A token that says what it claims; the desk believes it."""
    return json.dumps(dict(claims)).encode().hex()


Moved = Callable[[dict[str, JSON], JSON, str], None]
"""The new document, the status before (None if it begins), the correlation of what caused it."""


class Desk:
    """Loans with their versions. ``moved`` is called with every change."""

    def __init__(self, fault: Fault = "", moved: Moved | None = None) -> None:
        self.fault, self.moved = fault, moved or (lambda _loan, _before, _correlation: None)
        self.correlation = ""
        self.busy = False
        self.loans: dict[str, tuple[dict[str, JSON], int]] = {}
        self.keys: dict[str, tuple[JSON, dict[str, JSON]]] = {}
        self.requests: list[tuple[str, str, Mapping[str, str]]] = []

    def app(self) -> Starlette:
        """The service below ``/v1``, its control endpoints below ``/control``."""
        one = "/loans/{loanId}"
        service = [
            Route("/loans", self._by({"POST": self.lend, "GET": self.list}), methods=["GET", "POST"]),
            Route(one, self._by({"GET": self.get, "DELETE": self.forget}), methods=["GET", "DELETE"]),
            Route(one + "/return", self._by({"POST": self.give_back}), methods=["POST"]),
        ]
        control = [
            Route("/states", self.state, methods=["POST"]),
            Route("/reset", self.reset, methods=["POST"]),
            Route("/clock/advance", self.advance, methods=["POST"]),
        ]
        return Starlette(
            routes=[Mount("/v1", routes=service), Mount("/control", routes=control)],
            exception_handlers={HTTPException: _problem},
        )

    async def lend(self, request: Request) -> Response:
        key = request.headers.get("idempotency-key", "")
        if not KEY.fullmatch(key):
            raise HTTPException(400)
        body = await self._body(request)
        self.busy = self.fault == "busy-at-times" and not self.busy
        if self.busy:
            raise HTTPException(503, headers={"Retry-After": "0"})
        if self.fault == "refuses-loans":
            raise HTTPException(422)
        if key in self.keys:
            before, answer = self.keys[key]
            if before != body:
                raise HTTPException(422)
            return JSONResponse(answer, 201, headers={"ETag": '"1"'})
        loan = {"id": str(uuid.uuid4()), "status": "open", **body}
        if self.fault != "keeps-nothing":
            self._keep({**loan, **({"bookId": "b-0000"} if self.fault == "keeps-another" else {})}, 1, None)
        self.keys[key] = body, dict(loan)
        shown = {k: v for k, v in loan.items() if (k, self.fault) != ("dueOn", "drops-due-date")}
        return JSONResponse(shown, 200 if self.fault == "answers-200" else 201, headers={"ETag": '"1"'})

    async def list(self, request: Request) -> Response:
        members, limits = request.query_params.getlist("memberId"), request.query_params.getlist("limit")
        limit = limits[0] if limits else "20"
        if len(members) != 1 or not MEMBER.fullmatch(members[0]) or len(limits) > 1:
            raise HTTPException(400)
        if not re.fullmatch(r"[0-9]{1,3}", limit, re.ASCII) or not 1 <= int(limit) <= 100:
            raise HTTPException(400)
        loans = [loan for loan, _ in self.loans.values() if loan["memberId"] == members[0]]
        return JSONResponse({"items": loans[: int(limit)], "total": len(loans)})

    async def get(self, request: Request) -> Response:
        loan, version = self._loan(request)
        return JSONResponse(loan, headers={"ETag": f'"{version}"'})

    async def forget(self, request: Request) -> Response:
        loan, _ = self._loan(request)
        if self.fault != "keeps-deleted":
            del self.loans[str(loan["id"])]
        return Response(status_code=204)

    async def give_back(self, request: Request) -> Response:
        given = request.headers.get("if-match")
        if given is not None and not re.fullmatch(r'"[0-9]+"', given, re.ASCII):
            raise HTTPException(400)
        loan, version = self._loan(request)
        if given is None:
            raise HTTPException(428)
        if given != f'"{version}"':
            raise HTTPException(412)
        if loan["status"] not in ("open", "overdue"):
            raise HTTPException(409)
        self._keep({**loan, "status": "returned"}, version + 1, loan["status"])
        return await self.get(request)

    async def state(self, request: Request) -> Response:
        """The control API's provider states: only loans exist."""
        wish = await request.json()
        if wish["state"] != "Loan exists":
            raise HTTPException(422)
        blank = {"id": str(uuid.uuid4()), "bookId": "b-0001", "memberId": "m-0001", "status": "open"}
        loan = {**blank, "dueOn": "2030-01-31", **wish["parameters"]}
        self.loans[loan["id"]] = loan, 1
        return JSONResponse({"type": "Loan", "document": loan, "version": 1})

    async def reset(self, _request: Request) -> Response:
        self.loans.clear()
        self.keys.clear()
        return Response(status_code=204)

    async def advance(self, _request: Request) -> Response:
        """An hour passes, whatever was asked for: what is open is overdue."""
        for loan_id in [key for key, (loan, _) in self.loans.items() if loan["status"] == "open"]:
            self.move(loan_id, "overdue", "time")
        return JSONResponse({"now": "2030-02-01T00:00:00Z"})

    def move(self, loan_id: str, status: str, correlation: str) -> None:
        """Another status from outside, as a message or a timer brings it about."""
        loan, version = self.loans[loan_id]
        self.correlation = correlation
        self._keep({**loan, "status": status}, version + 1, loan["status"])

    def _keep(self, loan: dict[str, JSON], version: int, before: JSON) -> None:
        self.loans[str(loan["id"])] = loan, version
        self.moved(loan, before, self.correlation)

    def _loan(self, request: Request) -> tuple[dict[str, JSON], int]:
        loan_id = request.path_params["loanId"]
        if not ID.fullmatch(loan_id):
            raise HTTPException(400)
        if loan_id not in self.loans:
            raise HTTPException(404)
        return self.loans[loan_id]

    async def _body(self, request: Request) -> dict[str, Any]:
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            raise HTTPException(415)
        try:
            body = json.loads((await request.body()).decode())
        except ValueError:
            raise HTTPException(400) from None
        if not _is_new_loan(body) and self.fault != "accepts-anything":
            raise HTTPException(400)
        return body if isinstance(body, dict) else {}

    def _by(
        self, methods: Mapping[str, Callable[[Request], Awaitable[Response]]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            self.requests.append((request.method, request.url.path, dict(request.headers)))
            self._authorize(request)
            given = request.headers.get("x-correlation-id")
            if given is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", given):
                raise HTTPException(400)
            self.correlation = given or ""
            return await methods["GET" if request.method == "HEAD" else request.method](request)

        return endpoint

    def _authorize(self, request: Request) -> None:
        if self.fault == "lets-anybody-in":
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            claims = json.loads(bytes.fromhex(token))
        except ValueError:
            raise HTTPException(401) from None
        if scheme != "Bearer" or not isinstance(claims, dict) or "actor" not in claims:
            raise HTTPException(401)


def _is_new_loan(body: JSON) -> bool:
    if not isinstance(body, dict) or not {"bookId", "memberId", "dueOn"} <= set(body):
        return False
    if not set(body) <= {"bookId", "memberId", "dueOn", "note"} or not all(
        isinstance(body[name], str) for name in ("bookId", "memberId", "dueOn")
    ):
        return False
    note = body.get("note")
    fits = note is None or (isinstance(note, str) and len(note) <= 200)
    return bool(
        fits
        and BOOK.fullmatch(body["bookId"])
        and MEMBER.fullmatch(body["memberId"])
        and _is_date(body["dueOn"])
    )


def _is_date(text: str) -> bool:
    try:
        return bool(re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False


async def _problem(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    body = {"type": "about:blank", "title": error.detail, "status": error.status_code}
    return JSONResponse(body, error.status_code, error.headers, media_type="application/problem+json")
