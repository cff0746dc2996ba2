"""Operations that answer a page of a list: where the items, the total and the next page stand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from harness.contract.expressions import evaluate
from harness.contract.model import JSON, Operation, Parameter
from harness.contract.schema import expand, items_of, properties
from harness.driving.anatomy import Anatomy
from harness.driving.bench import Bench
from harness.driving.calls import Call, Exchange
from harness.driving.placing import get, split
from harness.driving.things import evaluate_text
from harness.target import Claims

_LIMITS = ("limit", "pagesize", "page_size", "per_page", "size", "count")
_CURSORS = ("cursor", "pagetoken", "page_token", "after", "offset", "page")
_TOTALS = ("total", "totalcount", "total_count", "count")
_NEXTS = ("next", "nextcursor", "next_cursor", "nextpagetoken", "next_page_token")
MOST_PAGES = 200


@dataclass(frozen=True, slots=True)
class Listing:
    """How one list is paged. ``item`` is the items' component schema, None if they have none.

    ``limit`` and ``cursor`` are query parameters, ``total`` a property of the page, ``following`` the
    runtime expression of the next cursor; each None where the contract has none.
    """

    operation: Operation
    items: str
    item: str | None
    total: str | None
    limit: Parameter | None
    cursor: Parameter | None
    following: str | None

    @property
    def filters(self) -> list[Parameter]:
        """The other optional query parameters."""
        paging = {p.name for p in (self.limit, self.cursor) if p is not None}
        return [
            p
            for p in self.operation.parameters
            if p.location == "query" and not p.required and p.name not in paging
        ]


@dataclass(frozen=True, slots=True)
class Walk:
    """All pages from the first to the last. ``total`` is what the first page said.

    ``refused`` is the page that was no 2xx, ``ended`` whether there is none after those that were read.
    """

    exchanges: list[Exchange]
    items: list[JSON]
    total: int | None
    refused: Exchange | None = None
    ended: bool = True

    @property
    def last(self) -> Exchange:
        return self.refused or self.exchanges[-1]


def listings(bench: Bench) -> Iterator[Listing]:
    """The GET operations whose answer is an object with one list of objects in it."""
    for operation in bench.operations():
        found = listing_of(bench.anatomy, operation)
        if found is not None:
            yield found


def listing_of(anatomy: Anatomy, operation: Operation) -> Listing | None:
    """How an operation's list is paged, None if it answers none.

    A link of the operation to itself says where the next cursor stands and where it goes; without one,
    usual names do.
    """
    success = anatomy.success(operation)
    media = success[1] if success else None
    if operation.method.lower() != "get" or success is None or media is None or media.schema is None:
        return None
    known = properties(media.schema)
    lists = {name: items_of(schema) for name, schema in known.items() if items_of(schema) is not None}
    if len(lists) != 1:
        return None
    name, item = next(iter(lists.items()))
    query = {p.name.lower(): p for p in operation.parameters if p.location == "query"}
    total = next((each for each in known if each.lower() in _TOTALS), None)
    following = next((f"$response.body#/{each}" for each in known if each.lower() in _NEXTS), None)
    cursor = next((query[each] for each in _CURSORS if each in query), None)
    for link in success[0].links:
        for parameter, expression in link.parameters.items() if link.operation == operation.id else ():
            target = operation.parameter("query", parameter.removeprefix("query."))
            if target is not None and str(expression).startswith("$response"):
                cursor, following = target, str(expression)
    return Listing(
        operation,
        name,
        expand(item).name if item is not None else None,
        total,
        next((query[each] for each in _LIMITS if each in query), None),
        cursor,
        following,
    )


def pages(
    bench: Bench, listing: Listing, call: Call, claims: Claims | None, most: int = MOST_PAGES
) -> Iterator[Exchange]:
    """The pages of one list, each fetched when it is asked for; one that is not 2xx is the last."""
    following: Call | None = call
    for _ in range(most):
        if following is None:
            return
        exchange = bench.caller.send(following, claims)
        yield exchange
        following = next_call(listing, following, exchange) if exchange.ok else None


def walk(bench: Bench, listing: Listing, call: Call, claims: Claims | None, most: int = MOST_PAGES) -> Walk:
    """Follow the pages of one list; stops at a page that is not 2xx, or after so many."""
    exchanges = list(pages(bench, listing, call, claims, most))
    refused = exchanges.pop() if not exchanges[-1].ok else None
    items = [item for exchange in exchanges for item in items_in(listing, exchange)]
    total = next((t for t in (total_in(listing, each) for each in exchanges) if t is not None), None)
    ended = not exchanges or next_call(listing, exchanges[-1].call, exchanges[-1]) is None
    return Walk(exchanges, items, total, refused, ended)


def next_call(listing: Listing, call: Call, exchange: Exchange) -> Call | None:
    """The call for the following page, None after the last."""
    if listing.following is None or listing.cursor is None:
        return None
    cursor = evaluate(listing.following, exchange.context())
    if cursor in (None, ""):
        return None
    return replace(call, query={**call.query, listing.cursor.name: cursor})


def items_in(listing: Listing, exchange: Exchange) -> list[JSON]:
    found = exchange.body.get(listing.items) if isinstance(exchange.body, Mapping) else None
    return list(found) if isinstance(found, list) else []


def total_in(listing: Listing, exchange: Exchange) -> int | None:
    if listing.total is None or not isinstance(exchange.body, Mapping):
        return None
    value = exchange.body.get(listing.total)
    return value if isinstance(value, int) else None


def identity(bench: Bench, listing: Listing, item: JSON) -> JSON:
    """What tells an item from the others: its id, else a digest of all that it says, which may be x-phi."""
    digest = hashlib.sha256(repr(item).encode()).hexdigest()[:12]
    if listing.item is None:
        return digest
    return get(item, bench.anatomy.id_pointer(listing.item)) or get(item, "/id") or digest


def subject_property(bench: Bench, schema: str) -> str | None:
    """The property of a component schema that names the patient, as ``x-subject`` of an operation says."""
    for operation in bench.operations():
        if operation.subject is None or bench.anatomy.answers(operation) != schema:
            continue
        source, pointer = split(operation.subject)
        if source == "$response.body" and pointer.count("/") == 1:
            return pointer[1:]
    for operation in bench.anatomy.creators(schema):
        source, pointer = split(operation.subject or "")
        name = pointer[1:] if pointer else source.rpartition(".")[2]
        if source.startswith("$request.") and bench.anatomy.property_schema(schema, f"/{name}"):
            return name
    return None


def subject_of_list(bench: Bench, listing: Listing, call: Call) -> str | None:
    """The patient whose list a call asks for, None if it is nobody's in particular."""
    return evaluate_text(listing.operation, listing.operation.subject, call, None)


def required_query(call: Call) -> dict[str, JSON]:
    """A call's query without what filters or pages."""
    required = {p.name for p in call.operation.parameters if p.location == "query" and p.required}
    return {name: value for name, value in call.query.items() if name in required}
