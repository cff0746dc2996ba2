"""Whether what was made, changed or deleted shows: in the GET that reads it, else in a list that holds it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness.contract.model import JSON
from harness.contract.schema import says
from harness.driving.actors import claims_for, needs_token
from harness.driving.bench import Bench
from harness.driving.calls import Call, Exchange
from harness.driving.listings import Listing, listings, subject_of_list, walk
from harness.driving.placing import get
from harness.driving.things import Thing, read

_PAGES = 20
_GONE = {404, 410}


@dataclass(frozen=True, slots=True)
class Presence:
    """What was asked and answered; ``document`` is the aggregate as it shows, None if it does not."""

    exchange: Exchange
    document: Mapping[str, JSON] | None


def presence(bench: Bench, thing: Thing) -> Presence | None:
    """How an aggregate shows now; None where no operation could show it, or is refused to us."""
    seen = read(bench, thing)
    if seen is None:
        return _listed(bench, thing)
    if seen.ok and isinstance(seen.body, Mapping):
        return Presence(seen, seen.body)
    return Presence(seen, None) if seen.status in _GONE else None


def _listed(bench: Bench, thing: Thing) -> Presence | None:
    pointer = bench.anatomy.id_pointer(thing.schema)
    wanted = get(thing.document, pointer)
    for listing in listings(bench) if wanted is not None else ():
        call = _call(listing, thing) if listing.item == thing.schema else None
        if call is None:
            continue
        subject = subject_of_list(bench, listing, call)
        claims = claims_for(listing.operation, subject) if needs_token(listing.operation) else None
        found = walk(bench, listing, call, claims, _PAGES)
        if found.refused is not None:
            continue
        for item in found.items:
            if isinstance(item, Mapping) and get(item, pointer) == wanted:
                return Presence(found.last, item)
        if found.ended:
            return Presence(found.last, None)
    return None


def _call(listing: Listing, thing: Thing) -> Call | None:
    """The call for the list that the aggregate belongs to; None if it does not say to which."""
    operation = listing.operation
    needed = [p.name for p in operation.parameters if p.location == "query" and p.required]
    path = {name: thing.document.get(name) for name in re.findall(r"\{([^}]+)\}", operation.path)}
    query = {name: thing.document.get(name) for name in needed}
    if None in path.values() or None in query.values():
        return None
    most = says(listing.limit.schema, "maximum") if listing.limit is not None else None
    sized = {listing.limit.name: int(most)} if listing.limit is not None and most is not None else {}
    return Call(operation, path, {**query, **sized})
