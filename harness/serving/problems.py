"""Problem details (RFC 9457): how every refusal and failure is answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from harness.contract.model import EMPTY, JSON
from harness.serving.exchange import Answer

PROBLEM_TYPE = "application/problem+json"

MAX_REASONS = 100
MAX_TEXT = 500
"""Bounds of what a refusal lists: a hostile body must not make an answer larger than itself."""


UNFIT = "What is wrong with the request is listed under errors."

_PHRASES = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}
"""RFC 9110's words where Python before 3.13 still has older ones."""


class Traced(Protocol):
    """Anything that knows its correlation id: a Request, or a Trace before there is a request."""

    @property
    def correlation(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing wrong with a request: ``pointer`` is ``/query/limit`` for a parameter, or a JSON pointer
    into the body (RFC 6901), ``""`` being all of it.

    ``detail`` never holds the value that was sent: it may be somebody's health.
    """

    pointer: str
    detail: str


class Problem(Exception):
    """Raise it anywhere below ``build_app`` and the caller gets it as problem+json.

    ``title`` defaults to the status's phrase, ``type`` to ``about:blank`` (RFC 9457, 4.2.1). ``members``
    are extension members such as ``replacedBy``. ``headers`` go out with the answer.
    """

    def __init__(
        self,
        status: int,
        title: str | None = None,
        detail: str = "",
        errors: Iterable[Reason] = (),
        headers: Mapping[str, str] = EMPTY,
        *,
        type: str = "about:blank",
        members: Mapping[str, JSON] = EMPTY,
    ) -> None:
        self.status = status
        self.title = title or phrase(status)
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = headers
        self.type = type
        self.members = members
        super().__init__(f"{status} {self.title}")


class Denied(Problem):
    """A refusal because of who asks: 403, or 404 where nobody may learn that there is something.

    ``patient`` is whose data was asked for and ``claims`` are the caller's, as far as whoever raises it knows
    them; both are for the record, and never answered.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        headers: Mapping[str, str] = EMPTY,
        *,
        patient: str | None = None,
        claims: Mapping[str, JSON] = EMPTY,
    ) -> None:
        super().__init__(status, detail=detail, headers=headers)
        self.patient, self.claims = patient, claims


def phrase(status: int) -> str:
    """The standard phrase of a status, e.g. ``Not Found``."""
    try:
        return _PHRASES.get(status) or HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def problem_answer(problem: Problem, request: Traced) -> Answer:
    """The answer that tells a problem; ``instance`` names this one occurrence by its correlation id."""
    body: dict[str, JSON] = {
        **problem.members,
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail or (UNFIT if problem.errors else problem.title),
        "instance": f"urn:correlation:{request.correlation}",
    }
    if problem.errors:
        body["errors"] = [
            {"pointer": each.pointer[:MAX_TEXT], "detail": each.detail[:MAX_TEXT]}
            for each in problem.errors[:MAX_REASONS]
        ]
    return Answer(problem.status, body, problem.headers, PROBLEM_TYPE)
