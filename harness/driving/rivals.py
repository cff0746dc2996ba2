"""Requests that compete: for one version, one aggregate, or one Idempotency-Key."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from harness.contract.model import JSON, Operation, Schema
from harness.contract.schema import compile_schema, generate, properties
from harness.driving.anatomy import Driven
from harness.driving.bench import Bench
from harness.driving.calls import CORRELATION, Exchange
from harness.driving.listings import listings, required_query, walk
from harness.driving.placing import get, place, split
from harness.driving.requests import Prepared, again, send, successful
from harness.driving.scenarios import IDEMPOTENCY_KEY, IF_MATCH, json_media
from harness.errors import ContractError

MANY = 8
"""Requests sent at the same moment."""

_TURNS = 3
"""Values that are made of one property, for the first may be the one that it has."""


@dataclass(frozen=True, slots=True)
class Outdated:
    """A change that names a version which another change has overtaken.

    ``legal`` says that nothing else is wrong with it, so that only 412 is right.
    """

    prepared: Prepared
    overtaken_by: Exchange
    legal: bool


def outdated(bench: Bench, operation: Operation) -> Outdated | None:
    """The operation with the ETag from before another change, still legal after it where one leads there.

    None where the change that should overtake it is refused. Raises StateError.
    """
    match = operation.parameter("header", IF_MATCH)
    for first, status in _changes_before(bench, operation):
        before = successful(bench, first, status=status)
        etag = _etag(before) or (before.thing.etag if before.thing else None)
        exchange = send(bench, before)
        if match is None or not exchange.ok or before.thing is None or etag is None:
            continue
        late = successful(bench, operation, thing=before.thing)
        late = late.with_call(late.call.with_headers(**{match.name: etag}))
        return Outdated(late, exchange, first is not operation or bench.anatomy.own(operation) is None)
    return None


def _changes_before(bench: Bench, operation: Operation) -> Iterator[tuple[Operation, str | None]]:
    """Operations after which this one is still legal, with the state to start from; itself at the end."""
    address, own = bench.anatomy.acts_on(operation), bench.anatomy.own(operation)
    for other in bench.operations():
        theirs = bench.anatomy.acts_on(other)
        if other.method.lower() in {"get", "delete"} or address is None or theirs is None:
            continue
        if theirs.schema != address.schema or (other is operation and own is not None):
            continue
        moved = bench.anatomy.own(other)
        if moved is None and other.method.lower() == "post" and "201" in other.responses:
            continue  # it makes something that belongs to this one, which may stay as it is
        if moved is None:
            yield other, own.sources[0] if own and own.sources else None
            continue
        for edge in moved.edges:
            if own is not None and edge.to in own.sources and edge.sources and edge.when is None:
                yield other, edge.sources[0]
    if operation.method.lower() != "delete":
        yield operation, None


def _etag(prepared: Prepared) -> str | None:
    value = prepared.call.header(IF_MATCH)
    return value if isinstance(value, str) else None


def exclusive(bench: Bench, operation: Operation) -> Iterator[Driven]:
    """The aggregates that the operation takes out of the states from which it may take them.

    Of several requests for one of them only one can succeed.
    """
    for driven in bench.anatomy.driven(operation):
        named = driven.expression is None or driven.origin == "request"
        if named and driven.sources and not any(edge.to in driven.sources for edge in driven.edges):
            yield driven


def rivals(bench: Bench, operation: Operation, driven: Driven, many: int = MANY) -> list[Prepared]:
    """Requests, each right by itself, that want the same aggregate. Raises StateError."""
    first = successful(bench, operation)
    if driven.expression is None:
        return [again(first) for _ in range(many)]
    wanted = first.others.get(driven.expression)
    if wanted is None:
        return []
    pointer = bench.anatomy.id_pointer(wanted.schema)
    prepared = [first]
    if first.thing is None:
        prepared += [again(first) for _ in range(many - 1)]
    else:
        for other in (successful(bench, operation) for _ in range(many // 2 - 1)):
            call = place(other.call, driven.expression, get(wanted.document, pointer))
            prepared.append(other.with_call(call))
    return prepared


def together(bench: Bench, prepared: list[Prepared]) -> list[Exchange]:
    """Send all at the same moment."""
    return bench.caller.send_together([(each.call, each.claims) for each in prepared])


def repeats(prepared: Prepared, many: int = MANY) -> list[Prepared]:
    """The very same request, Idempotency-Key included, each with a correlation of its own."""
    return [prepared.with_call(prepared.call.with_headers(**{CORRELATION: None})) for _ in range(many)]


def with_another_body(bench: Bench, prepared: Prepared) -> Prepared | None:
    """Another request, right by itself, under the very same Idempotency-Key; None if no other body is known.

    Raises StateError.
    """
    operation = prepared.call.operation
    header = operation.parameter("header", IDEMPOTENCY_KEY)
    if header is None:
        return None
    fresh = successful(bench, operation)
    call = fresh.call.with_headers(**{header.name: prepared.call.header(header.name)})
    if fresh.subject == prepared.subject and call.body != prepared.call.body:
        return fresh.with_call(call)
    other = next(_variations(bench, operation, prepared.call.body), None)
    return None if other is None else prepared.with_call(replace(prepared.call, body=other))


def _variations(bench: Bench, operation: Operation, body: JSON) -> Iterator[JSON]:
    """The body with one property changed or left out that names neither the patient nor any other thing."""
    media = json_media(operation.body)
    if media is None or media.schema is None or not isinstance(body, Mapping):
        return
    valid = compile_schema(media.schema, "request")
    named = {
        split(text)
        for text in (operation.subject, *(d.expression for d in bench.anatomy.driven(operation)))
        if text
    }
    fixed = {pointer[1:] for source, pointer in named if source == "$request.body"}
    known = {
        name: each for name, each in properties(media.schema).items() if name in body and name not in fixed
    }
    changed = (
        {**body, name: value}
        for name, schema in known.items()
        if not name.lower().endswith("id")
        for value in _values(schema, bench.limits.seed)
    )
    less = ({key: value for key, value in body.items() if key != name} for name in known)
    yield from (each for each in (*changed, *less) if each != body and valid.is_valid(each))


def _values(schema: Schema, seed: int) -> Iterator[JSON]:
    with contextlib.suppress(ContractError):  # none can be made: then another property may differ
        yield from (generate(schema, seed + turn) for turn in range(_TURNS))


def counted(bench: Bench, schema: str, subject: str | None) -> int | None:
    """How many of a schema a list shows for a patient; None if no list of the contract shows them."""
    for listing in listings(bench):
        if listing.item != schema:
            continue
        prepared = successful(bench, listing.operation)
        expression = listing.operation.subject or ""
        if subject is None or not expression.startswith("$request.") or prepared.subject != subject:
            continue
        query = required_query(prepared.call)
        if listing.limit is not None:
            query[listing.limit.name] = 100
        call = type(prepared.call)(listing.operation, prepared.call.path, query, prepared.call.headers)
        found = walk(bench, listing, call, prepared.claims)
        return None if found.refused is not None else len(found.items)
    return None
