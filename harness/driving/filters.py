"""What the query parameters of a list compare, and with which values that can be seen."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from harness.contract.model import JSON, Parameter, Schema
from harness.contract.schema import compile_schema, items_of, properties, says
from harness.driving.bench import Bench
from harness.driving.listings import Listing
from harness.driving.scenarios import parameter_value

Relation = Literal["is", "from", "until", "unknown"]

_BOUNDS: Mapping[str, Relation] = {
    "from": "from",
    "since": "from",
    "after": "from",
    "min": "from",
    "until": "until",
    "before": "until",
    "to": "until",
    "max": "until",
}
_BOUND = re.compile(r"(?P<name>.+?)_?(?P<bound>from|since|after|min|until|before|to|max)$", re.IGNORECASE)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Filter:
    """A query parameter and the property that it compares, as the names say: ``status`` with ``status``,
    ``startFrom`` with ``start``. ``compared`` is None and the relation unknown where they say nothing.
    """

    parameter: Parameter
    compared: str | None
    relation: Relation

    @property
    def many(self) -> bool:
        """Whether it takes a list, of whose values any may hold."""
        return items_of(self.parameter.schema) is not None

    def admits(self, item: JSON, value: JSON) -> bool | None:
        """Whether an item passes the filter with this value; None where either may be right."""
        if self.compared is None or not isinstance(item, Mapping):
            return None
        found = item.get(self.compared)
        if self.relation == "is":
            wanted = value if self.many else [value]
            return any(each in wanted for each in (found if isinstance(found, list) else [found]))
        mine, bound = _comparable(found), _comparable(value)
        if mine is None or bound is None or type(mine) is not type(bound):
            return False if found is None else None
        order = (mine > bound) - (mine < bound)
        return None if order == 0 else (order > 0) == (self.relation == "from")


def filters_of(bench: Bench, listing: Listing) -> Iterator[Filter]:
    """What narrows a list. Left out is what need not: a switch, and what has a default of its own."""
    component = bench.contract.schemas.get(listing.item) if listing.item else None
    known = properties(component) if component is not None else {}
    for parameter in listing.filters:
        if says(parameter.schema, "default") is not None:
            continue
        bound = _BOUND.fullmatch(parameter.name)
        stem = bound["name"] if bound else ""
        if parameter.name in known:
            yield Filter(parameter, parameter.name, "is")
        elif bound is not None and stem in known:
            yield Filter(parameter, stem, _BOUNDS[bound["bound"].lower()])
        elif says(parameter.schema, "type") != "boolean":
            yield Filter(parameter, None, "unknown")


def probes(bench: Bench, filter_: Filter, items: Sequence[JSON]) -> list[JSON]:
    """Values to try on a list that holds these items: one that some pass and others do not, where there
    is one, and one that none of them passes. Empty if neither can be had.
    """
    schema = filter_.parameter.schema
    if filter_.relation == "unknown":
        return [parameter_value(filter_.parameter, "", bench.limits.seed)]
    present = _present(filter_, items)
    absent = _absent(bench, filter_, present, items)
    chosen = [present[len(present) // 2]] if present else []
    if filter_.relation == "is":
        chosen = [min(present, key=lambda value: _passing(filter_, items, value))] if present else []
    tried = [[value] if filter_.many else value for value in [*chosen, *absent]]
    return [value for value in tried if compile_schema(schema).is_valid(value)]


def variety(bench: Bench, listing: Listing, turn: int) -> dict[str, JSON]:
    """Values of the compared properties that differ from one turn to the next."""
    varied: dict[str, JSON] = {}
    for each in filters_of(bench, listing):
        component = bench.contract.schemas.get(listing.item or "")
        if component is None or each.relation != "is" or each.compared is None:
            continue
        schema = properties(component)[each.compared]
        listed = says(schema, "enum")
        if isinstance(listed, list):
            varied[each.compared] = listed[turn % min(len(listed), 3)]
        elif says(schema, "type") == "string" and turn % 2:
            varied[each.compared] = bench.fresh_id(schema)
    return varied


def _passing(filter_: Filter, items: Sequence[JSON], value: JSON) -> float:
    """How evenly a value parts the items: 0 for two halves."""
    found = sum(filter_.admits(item, [value] if filter_.many else value) is True for item in items)
    return abs(found - len(items) / 2)


def _present(filter_: Filter, items: Sequence[JSON]) -> list[JSON]:
    """The values that items have, in order where there is one."""
    held = [item.get(filter_.compared) for item in items if isinstance(item, Mapping)]
    flat = [value for each in held for value in (each if isinstance(each, list) else [each])]
    found = {str(value): value for value in flat if isinstance(value, str | int | float | bool)}
    return [found[text] for text in sorted(found)] if filter_.relation == "is" else _sorted(found.values())


def _absent(bench: Bench, filter_: Filter, present: Sequence[JSON], items: Sequence[JSON]) -> list[JSON]:
    schema = _one(filter_.parameter.schema)
    if filter_.relation != "is":
        beyond = _beyond(present[-1], 1) if present and filter_.relation == "from" else None
        if present and filter_.relation == "until":
            beyond = _beyond(present[0], -1)
        return [] if beyond is None else [beyond]
    listed = says(schema, "enum")
    if isinstance(listed, list):
        return [value for value in listed if value not in present][:1]
    if says(schema, "type") != "string" or not present:
        return []
    fresh = bench.fresh_id(schema)
    return [fresh] if fresh not in present and items else []


def _one(schema: Schema) -> Schema:
    return items_of(schema) or schema


def _comparable(value: JSON) -> Any:
    """A value as what it is compared as; times without a zone are text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if not isinstance(value, str):
        return float(value)
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return value
    if read.tzinfo is not None:
        return read
    return date.fromisoformat(value) if re.fullmatch(r"\d{4}-\d\d-\d\d", value) else value


def _sorted(values: Iterable[JSON]) -> list[JSON]:
    """Those that can be compared with the first, in order."""
    found = [(_comparable(value), value) for value in values]
    kind = type(found[0][0]) if found else None
    return [v for _, v in sorted((pair for pair in found if type(pair[0]) is kind), key=lambda pair: pair[0])]


def _beyond(value: JSON, step: int) -> JSON:
    """A value further on by a day, or by one; None for text."""
    read = _comparable(value)
    if isinstance(read, datetime | date):
        return (read + step * _DAY).isoformat().replace("+00:00", "Z")
    return value + step if isinstance(read, float) else None
