"""How a mock refuses: as the contract documents it, in its own schema; else by problem details (RFC 9457)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from difflib import SequenceMatcher

from harness.contract.model import Contract, MediaType, Operation, Response
from harness.contract.schema import compile_schema
from harness.contract.styles import is_json
from harness.serving.envelope import Incoming
from harness.serving.exchange import Answer
from harness.serving.problems import PROBLEM_TYPE, UNFIT, Problem, phrase, problem_answer
from mocks.response_headers import ResponseHeaders, response_headers
from mocks.wording import Facts, Wording
from mocks.writing import concrete

MATCHED = "X-Portal-Matched"

_NAMED = 3
"""So many parameters of what was nearest are told apart."""


class Refusals:
    """Every refusal of one mock. Compiled when it is first needed: few of them ever are."""

    def __init__(self, contract: Contract, now: Callable[[], datetime], seed: int) -> None:
        self._contract, self._now, self._seed = contract, now, seed
        self._ways: dict[tuple[str, int], _Way | None] = {}

    def answer(self, problem: Problem, incoming: Incoming) -> Answer:
        """The answer that tells a problem."""
        told = problem_answer(problem, incoming.trace)
        headers = {MATCHED: "refusal", **told.headers}
        operation = self._contract.operations.get(incoming.operation)
        if operation is None:
            return Answer(told.status, told.body, headers, PROBLEM_TYPE)
        status = _status(operation, problem)
        way = self._way(operation, status)
        if way is None:
            return Answer(told.status, told.body, headers, PROBLEM_TYPE)
        headers = way.headers(headers)
        title = problem.title if status == problem.status else phrase(status)
        if isinstance(told.body, dict):
            told.body.update(status=status, title=title)
        if way.takes(told.body):
            return Answer(status, told.body, headers, way.content_type)
        detail = problem.detail or (UNFIT if problem.errors else problem.title)
        facts = Facts(
            status,
            title,
            detail,
            problem.errors,
            operation.path,
            incoming.trace.correlation,
            self._now(),
        )
        body = way.wording.says(facts) if way.wording is not None else None
        if body is None:
            return Answer(status, told.body, headers, PROBLEM_TYPE)
        return Answer(status, body, headers, way.content_type)

    def _way(self, operation: Operation, status: int) -> _Way | None:
        at = (operation.id, status)
        if at not in self._ways:
            response = operation.response_for(status)
            self._ways[at] = _Way(self._contract, operation, response, self._seed) if response else None
        return self._ways[at]

    def unmatched(self, method: str, path: str, allowed: Collection[str]) -> Problem:
        """The refusal of what no operation takes: it names the nearest one and what differs.

        ``allowed`` are the methods that the path knows. Nothing of the path that was sent is repeated.
        """
        if allowed:
            names = ", ".join(sorted(allowed))
            known = [each for each in self._contract.operations.values() if _fits(each.path, path)]
            there = "; ".join(f"{each.id} is {each.method.upper()} {each.path}" for each in known[:_NAMED])
            detail = f"This address takes {names}.{f' {there}.' if there else ''}"
            return Problem(405, detail=detail, headers={"Allow": names, MATCHED: "none"})
        nearest = self._nearest(method, path)
        if nearest is None:
            return Problem(404, detail="There is nothing at this address.", headers={MATCHED: "none"})
        operation, difference = nearest
        detail = (
            f"There is nothing at this address. The nearest operation is {operation.id}, "
            f"{operation.method.upper()} {operation.path}: {difference}."
        )
        return Problem(
            404, detail=detail, headers={MATCHED: "none"}, members={"nearestOperation": operation.id}
        )

    def _nearest(self, method: str, path: str) -> tuple[Operation, str] | None:
        """The operation whose path has most in common with this one, and what differs."""
        segments = path.split("/")[1:]
        best, most = None, 0.0
        for operation in self._contract.operations.values():
            wanted = operation.path.split("/")[1:]
            alike = _likeness(wanted, segments) + (0.01 if operation.method.upper() == method else 0.0)
            if alike > most:
                best, most = operation, alike
        if best is None:
            return None
        return best, _difference(best, method, segments)


class _Way:
    """One documented refusal, compiled."""

    def __init__(self, contract: Contract, operation: Operation, response: Response, seed: int) -> None:
        media = _json_of(response)
        schema = media.schema if media is not None else None
        self.content_type = concrete(media.content_type) if media is not None else PROBLEM_TYPE
        self._valid = compile_schema(schema, "response") if schema is not None else None
        example = media.examples[0].value if media is not None and media.examples else None
        self.wording = Wording(schema, example) if schema is not None else None
        self._headers: ResponseHeaders = response_headers(contract, operation, response, seed)
        self._needed = [name for name, each in response.headers.items() if each.required]

    def takes(self, body: object) -> bool:
        """Whether the schema has room for problem details as they are, or says nothing."""
        return self._valid is None or self._valid.is_valid(body)

    def headers(self, told: Mapping[str, str]) -> dict[str, str]:
        """With a value for every header that is documented as required."""
        lowered = {name.lower() for name in told}
        documented = self._headers.values
        more = {n: documented[n] for n in self._needed if n in documented and n.lower() not in lowered}
        return {**more, **told}


def _json_of(response: Response) -> MediaType | None:
    return next((each for kind, each in response.content.items() if is_json(kind) or kind == "*/*"), None)


def _status(operation: Operation, problem: Problem) -> int:
    """The status under which the contract documents this: bad input is 400 to some and 422 to others, and
    what no path can name is not found where a contract documents nothing else."""
    documented = operation.responses
    if problem.status in (400, 422) and str(problem.status) not in documented and "4XX" not in documented:
        other = 422 if problem.status == 400 else 400
        if str(other) in documented:
            return other
        places = [each.pointer for each in problem.errors]
        if "404" in documented and places and all(place.startswith("/path/") for place in places):
            return 404
    return problem.status


def _likeness(wanted: list[str], given: list[str]) -> float:
    """From 0 to 1: how much two paths have in common, a parameter being like anything."""
    if not given:
        return 0.0
    total = 0.0
    for one, other in zip(wanted, given, strict=False):
        if "{" in one:
            total += 0.8 if other else 0.0
        else:
            total += SequenceMatcher(None, one.lower(), other[:100].lower()).ratio()
    return total / max(len(wanted), len(given))


def _difference(operation: Operation, method: str, given: list[str]) -> str:
    """What of an operation's path a request does not have, without repeating what it has."""
    wanted = operation.path.split("/")[1:]
    told = []
    for at, one in enumerate(wanted):
        if at >= len(given):
            told.append(f"/{'/'.join(wanted[at:])} is missing at the end")
            break
        if "{" not in one and one != given[at]:
            told.append(f"segment {at + 1} would be '{one}'")
    if len(given) > len(wanted):
        told.append(f"it has {len(wanted)} segments, the request {len(given)}")
    if operation.method.upper() != method:
        told.append(f"its method is {operation.method.upper()}")
    return "; ".join(told) or "a parameter of its path is empty"


def _fits(template: str, path: str) -> bool:
    pattern = re.sub(r"\\\{[^{}]+\\\}", "[^/]+", re.escape(template))
    return re.fullmatch(pattern, path) is not None
