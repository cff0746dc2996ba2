"""What the platform must know of each HTTP operation, read from the contract once, and how it answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from harness.contract.aggregates import answered
from harness.contract.expressions import Context, evaluate
from harness.contract.model import JSON, Contract, Emission, Operation, Response
from harness.contract.schema import items_of, properties, says
from harness.serving.exchange import Answer
from reference_services.platform.aggregate import Aggregate, Page
from reference_services.platform.kinds import Kind

_PARAMETER = re.compile(r"\{([^{}]+)\}")
_TOTALS = ("total", "totalCount", "count")
_NEXTS = ("next", "nextCursor", "cursor")
PAGE = 20
"""Items on a page where the contract names no default."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The names that a list answer gives its parts; None where it has no such part."""

    items: str | None
    total: str | None
    next: str | None


@dataclass(slots=True)
class OperationPlan:
    """Everything about an operation that does not depend on the request.

    ``address`` is the path parameter that names what the operation acts on; ``emissions`` are the
    explicit ones of ``x-emits``; ``writes`` is found out by running, for a GET that writes.
    """

    operation: Operation
    handler: Callable[..., Any]
    created: int
    success: int
    empty: int
    shape: Shape
    location: tuple[str, Mapping[str, JSON]] | None
    address: str | None
    matched: bool
    idempotent: bool
    cursor_refusal: int
    limit: int
    emissions: tuple[Emission, ...]
    writes: bool

    @property
    def id(self) -> str:
        return self.operation.id


def plan_of(contract: Contract, operation: Operation, handler: Callable[..., Any]) -> OperationPlan:
    statuses = [int(each) for each in operation.responses if re.fullmatch(r"2\d\d", each)] or [200]
    with_body = [each for each in statuses if each not in {201, 204}]
    in_path = _PARAMETER.findall(operation.path)
    return OperationPlan(
        operation=operation,
        handler=handler,
        created=201 if 201 in statuses else (with_body or statuses)[0],
        success=(with_body or statuses)[0],
        empty=204 if 204 in statuses else statuses[0],
        shape=_shape(operation),
        location=_location(contract, operation),
        address=in_path[-1] if in_path else None,
        matched=operation.parameter("header", "If-Match") is not None,
        idempotent=operation.parameter("header", "Idempotency-Key") is not None,
        cursor_refusal=422 if "422" in operation.responses else 400,
        limit=_default_limit(operation),
        emissions=tuple(each for each in operation.emits if not each.transitions),
        writes=operation.method.upper() not in {"GET", "HEAD", "OPTIONS", "TRACE"},
    )


def shown(aggregate: Aggregate, kind: Kind) -> dict[str, JSON]:
    """The document as it is answered: without what is private, secret or hidden from this caller."""
    return aggregate.hide(*kind.secret).shown()


def answer_of(
    plan: OperationPlan, kinds: Callable[[str], Kind], result: object, made: bool, context: Context
) -> Answer:
    """What a handler's result says over HTTP; ``made`` tells whether the aggregate is new."""
    if result is None:
        return Answer(plan.empty)
    if isinstance(result, Answer):
        return result
    if isinstance(result, Page):
        return Answer(plan.success, _page(plan, kinds, result))
    if not isinstance(result, Aggregate):
        raise TypeError(
            f"{plan.id} returned {type(result).__name__}: expected Aggregate, Page, Answer or None"
        )
    body = shown(result, kinds(result.type))
    headers = {"ETag": f'"{result.version}"'}
    status = plan.created if made else plan.success
    if status == plan.created and plan.location is not None:
        headers["Location"] = _fill(plan.location, replace(context, response_body=body))
    return Answer(status, body, headers)


def _page(plan: OperationPlan, kinds: Callable[[str], Kind], page: Page) -> JSON:
    items = [shown(each, kinds(each.type)) for each in page.items]
    shape = plan.shape
    if shape.items is None:
        return items
    body: dict[str, JSON] = {shape.items: items}
    if shape.total is not None:
        body[shape.total] = page.total
    if shape.next is not None and page.next is not None:
        body[shape.next] = page.next
    return {**body, **page.extra}


def _shape(operation: Operation) -> Shape:
    for schema in answered(operation):
        named = properties(schema)
        lists = [name for name, each in named.items() if items_of(each) is not None]
        if lists:
            items = "items" if "items" in lists else lists[0]
            return Shape(items, _first(_TOTALS, named), _first(_NEXTS, named))
    return Shape(None, None, None)


def _default_limit(operation: Operation) -> int:
    limit = operation.parameter("query", "limit")
    default = says(limit.schema, "default") if limit is not None else None
    return default if isinstance(default, int) else PAGE


def _first(candidates: tuple[str, ...], named: Mapping[str, Any]) -> str | None:
    return next((each for each in candidates if each in named), None)


def _location(contract: Contract, operation: Operation) -> tuple[str, Mapping[str, JSON]] | None:
    """The path, with the expressions that fill it, of the GET that a documented ``Location`` leads to."""
    for response in operation.successes:
        if any(name.lower() == "location" for name in response.headers):
            return _read_link(contract, response)
    return None


def _read_link(contract: Contract, response: Response) -> tuple[str, Mapping[str, JSON]] | None:
    for link in response.links:
        target = contract.operations.get(link.operation)
        if target is None or target.method.upper() != "GET":
            continue
        named = {name.rpartition(".")[2]: value for name, value in link.parameters.items()}
        if set(_PARAMETER.findall(target.path)) <= set(named):
            return target.path, named
    return None


def _fill(location: tuple[str, Mapping[str, JSON]], context: Context) -> str:
    path, named = location

    def value(match: re.Match[str]) -> str:
        said = named[match[1]]
        is_expression = isinstance(said, str) and said.startswith("$")
        return quote(str(evaluate(said, context) if is_expression else said), safe="")

    return _PARAMETER.sub(value, path)
