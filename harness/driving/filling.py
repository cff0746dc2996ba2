"""Items of a list, made so that the list holds them."""

from __future__ import annotations

from collections.abc import Mapping

from harness.contract.model import JSON
from harness.driving.bench import Bench
from harness.driving.calls import Call
from harness.driving.filters import variety
from harness.driving.listings import Listing, required_query, subject_of_list, subject_property
from harness.driving.placing import put
from harness.driving.things import Thing, cannot_make, exist
from harness.errors import StateError


def belonging(bench: Bench, listing: Listing, call: Call) -> dict[str, JSON]:
    """The properties by which an item belongs to the list that a call asks for: its patient, and what the
    path and the required query say of things of the same name."""
    if listing.item is None:
        return {}
    said = {**call.path, **required_query(call)}
    named = {n: v for n, v in said.items() if bench.anatomy.property_schema(listing.item, f"/{n}")}
    subject, name = subject_of_list(bench, listing, call), subject_property(bench, listing.item)
    return {**named, **({name: subject} if name and subject else {})}


def another(bench: Bench, listing: Listing, call: Call, turn: int) -> Thing:
    """One more item of the list; from one turn to the next they differ in what the filters compare.

    Raises StateError where none can be made.
    """
    item, having = _item(bench, listing), belonging(bench, listing, call)
    lifecycle = bench.contract.lifecycles.get(item)
    varied = {name: value for name, value in variety(bench, listing, turn).items() if name not in having}
    states = bench.anatomy.status_values(lifecycle) if lifecycle else ()
    turned = lifecycle is not None and varied.pop(lifecycle.status, None) is not None
    statuses = states[turn % min(len(states), 3) :][:1] if turned else states[:1]
    try:
        return exist(bench, item, statuses=statuses, having={**varied, **having})
    except StateError:
        return exist(bench, item, having=having)


def one_like(bench: Bench, listing: Listing, call: Call, shown: JSON) -> Thing:
    """One more item of the list, like one that it shows: whatever the list is sorted by, it comes to stand
    beside that one or at an end. Raises StateError where none can be made.
    """
    item, having = _item(bench, listing), belonging(bench, listing, call)
    lifecycle = bench.contract.lifecycles.get(item)
    copied = dict(shown) if isinstance(shown, Mapping) else {}
    pointer = bench.anatomy.id_pointer(item)
    if isinstance(shown, Mapping):
        copied = put(copied, pointer, None)
        copied = {name: value for name, value in copied.items() if value is not None and name != "id"}
    status = copied.pop(lifecycle.status, None) if lifecycle else None
    try:
        return exist(bench, item, statuses=(status,) if status else (), having={**copied, **having})
    except StateError:
        return exist(bench, item, having=having)


def _item(bench: Bench, listing: Listing) -> str:
    if listing.item is None:
        raise cannot_make(bench, "item", f"the items of {listing.operation.id} are of no component schema")
    return listing.item
