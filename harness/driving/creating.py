"""Aggregates made or found by what the contract offers everybody, for targets without a control endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from harness.contract.model import EMPTY, JSON
from harness.contract.schema import says
from harness.driving.belonging import suits
from harness.driving.bench import Bench
from harness.driving.listings import Listing, items_in, listings, pages, required_query
from harness.driving.placing import get
from harness.driving.requests import inconclusive, send, successful
from harness.driving.routes import go, route
from harness.driving.scenarios import scenarios, with_values
from harness.driving.things import Thing, cannot_make, status_of, thing_of
from harness.errors import StateError

_PAGES, _BIGGEST = 20, 100
_TRIES = 5
"""So many things that a list shows are tried to be brought to a wished status."""


def through_api(
    bench: Bench,
    schema: str,
    statuses: Sequence[str],
    having: Mapping[str, JSON],
    agreeing: Mapping[str, JSON] = EMPTY,
) -> Thing:
    """An aggregate that no other call of ours uses, driven to one of the wished statuses.

    A new one, by a creating operation; where there is none, one that a list of the contract shows.
    ``having`` and ``agreeing`` are kept as far as the requests have properties of these names. Raises
    StateError.
    """
    if not bench.remembers:
        raise cannot_make(bench, schema, "this target remembers nothing")
    if schema in bench.making:
        raise cannot_make(bench, schema, "what creates it needs one to exist")
    bench.making.add(schema)
    try:
        wanted = {**agreeing, **having}
        thing = _created(bench, schema, wanted)
        if thing is None:
            return _listed(bench, schema, statuses, having, wanted)
        return go(bench, thing, statuses, wanted)
    finally:
        bench.making.discard(schema)


def _created(bench: Bench, schema: str, wanted: Mapping[str, JSON]) -> Thing | None:
    answers = []
    for creator in bench.anatomy.creators(schema):
        scenario = with_values(scenarios(creator, bench.limits.seed)[0], wanted)
        prepared = successful(bench, creator, scenario=scenario)
        exchange = send(bench, prepared)
        if exchange.ok and isinstance(exchange.body, Mapping):
            return thing_of(schema, exchange)
        answered = f"{creator.id} answered {exchange.briefly()}"
        answers.append(inconclusive(prepared, exchange) or answered)
    if answers:
        raise cannot_make(bench, schema, "; ".join(answers))
    return None


def _listed(
    bench: Bench,
    schema: str,
    statuses: Sequence[str],
    having: Mapping[str, JSON],
    wanted: Mapping[str, JSON],
) -> Thing:
    """One that a list shows and that we have not used yet.

    Rather one that suits the request, as it is or once we have brought it to a wished status; else one in
    a wished status of which nobody knows whether it suits.
    """
    spare: Thing | None = None
    tried: list[str] = []
    for shown in _shown(bench, schema, having):
        suiting = [t for t in shown if suits(bench, schema, t.document, wanted)]
        for thing in suiting:
            if not statuses or status_of(bench, schema, thing.document) in (None, *statuses):
                return _taken(bench, thing)
        for thing in suiting:
            if len(tried) < _TRIES and route(bench, thing, statuses):
                try:
                    led = go(bench, _taken(bench, thing), statuses, wanted)
                    return replace(led, found=not suits(bench, schema, led.document, wanted))
                except StateError as error:
                    tried.append(error.found)
        fitting = (t for t in shown if status_of(bench, schema, t.document) in statuses)
        spare = spare or next(fitting, None)
    if spare is not None:
        return replace(_taken(bench, spare), found=True)
    if tried:
        raise StateError(bench.target.url, tried[-1])
    named = f" that is {' or '.join(statuses)}" if statuses else ""
    raise cannot_make(bench, schema, f"no operation creates one, and no list shows another{named}")


def _taken(bench: Bench, thing: Thing) -> Thing:
    bench.used.add(str(get(thing.document, bench.anatomy.id_pointer(thing.schema))))
    return thing


def _shown(bench: Bench, schema: str, having: Mapping[str, JSON]) -> Iterator[list[Thing]]:
    """What the lists of the contract show, a page at a time, without what we have used."""
    pointer = bench.anatomy.id_pointer(schema)
    for listing in listings(bench):
        if listing.item != schema:
            continue
        prepared = successful(bench, listing.operation)
        call = replace(prepared.call, query={**required_query(prepared.call), **_large(listing)})
        for page in pages(bench, listing, call, prepared.claims, _PAGES):
            yield [
                Thing(schema, dict(item))
                for item in items_in(listing, page)
                if isinstance(item, Mapping)
                and isinstance(get(item, pointer), str)
                and get(item, pointer) not in bench.used
                and all(item.get(name) == value for name, value in having.items())
            ]


def _large(listing: Listing) -> dict[str, JSON]:
    """As large a page as the contract allows, for most of what it shows will not do."""
    if listing.limit is None:
        return {}
    most = says(listing.limit.schema, "maximum")
    return {listing.limit.name: _BIGGEST if most is None else min(_BIGGEST, int(most))}
