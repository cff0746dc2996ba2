"""What the query parameters of a list compare, as their names say: ``status``, ``startFrom``, ``min_price``.

A parameter whose name says nothing narrows nothing. Compiled once; a request then compares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Literal

from harness.contract.model import JSON, Operation, Parameter, Schema
from harness.contract.schema import items_of, properties
from mocks.representations import plain

Relation = Literal["is", "from", "after", "until", "before", "like", "any"]

_BOUNDS: Mapping[str, Relation] = {
    "from": "from",
    "since": "from",
    "start": "from",
    "min": "from",
    "gte": "from",
    "after": "after",
    "gt": "after",
    "to": "until",
    "until": "until",
    "max": "until",
    "lte": "until",
    "end": "until",
    "before": "before",
    "lt": "before",
    "like": "like",
    "contains": "like",
}
_WORDS = "|".join(sorted(_BOUNDS, key=len, reverse=True))
_AFTER = re.compile(rf"(?P<name>.+?)[_.\-\[]?(?P<bound>{_WORDS})\]?", re.IGNORECASE)
_BEFORE = re.compile(rf"(?P<bound>{_WORDS})[_.\-]?(?P<name>.+)", re.IGNORECASE)
_INSIDE = re.compile(r"filters?[\[._](?P<name>[^\]]+)\]?", re.IGNORECASE)
_ANYWHERE = frozenset({"q", "search", "query", "text", "keyword", "term"})

Test = Callable[[Mapping[str, JSON]], bool]


@dataclass(frozen=True, slots=True)
class Filter:
    """``property`` is what the query parameter ``parameter`` is compared with, ``""`` for anything in it."""

    parameter: str
    property: str
    relation: Relation

    def test(self, value: JSON) -> Test:
        """Whether a document passes the filter with this value."""
        if self.relation == "is":
            wanted = value if isinstance(value, list) else [value]
            named, words = self.property, frozenset(str(each) for each in wanted)

            def holds(document: Mapping[str, JSON]) -> bool:
                held = document.get(named)
                if type(held) is str:  # nearly always
                    return held in words
                return any(_is(each, wanted) for each in _many(held))

            return holds
        if self.relation in ("like", "any"):
            text = str(value).lower()
            if self.relation == "any":
                return lambda document: any(text in each.lower() for each in _texts(document))
            return lambda document: text in str(document.get(self.property, "")).lower()
        bound = comparable(value)
        return lambda document: self._within(comparable(document.get(self.property)), bound)

    def _within(self, mine: Any, bound: Any) -> bool:
        if mine is None or bound is None or type(mine) is not type(bound):
            return False
        match self.relation:
            case "from":
                return bool(mine >= bound)
            case "after":
                return bool(mine > bound)
            case "until":
                return bool(mine <= bound)
            case _:
                return bool(mine < bound)


def filters_of(
    operation: Operation, named: Mapping[str, Schema], paging: Iterable[str]
) -> tuple[Filter, ...]:
    """The filters among an operation's query parameters. ``paging`` are those that page instead."""
    apart = set(paging)
    found = (
        _filter(each, named)
        for each in operation.parameters
        if each.location == "query" and each.name not in apart
    )
    return tuple(each for many in found for each in many)


def _filter(parameter: Parameter, named: Mapping[str, Schema]) -> Iterator[Filter]:
    known = {plain(name): name for name in named}
    inside = _INSIDE.fullmatch(parameter.name)
    asked = inside["name"] if inside else parameter.name
    if parameter.name in named or plain(asked) in known:
        yield Filter(parameter.name, known.get(plain(asked), parameter.name), "is")
    elif plain(asked) in _ANYWHERE:
        yield Filter(parameter.name, "", "any")
    else:
        for form in (_AFTER, _BEFORE):
            match = form.fullmatch(asked)
            stem = plain(match["name"]) if match else ""
            name = known.get(stem) or known.get(f"{stem}at") or known.get(f"{stem}date")
            if match is not None and name is not None:
                yield Filter(parameter.name, name, _BOUNDS[match["bound"].lower()])
                return
        singular = known.get(plain(asked).removesuffix("s"))
        if (
            singular is not None
            and items_of(parameter.schema) is not None
            and not properties(named[singular])
        ):
            yield Filter(parameter.name, singular, "is")


def comparable(value: JSON) -> Any:
    """A value as what it is compared as: numbers, instants (days begin at midnight UTC), else text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if not isinstance(value, str):
        return float(value)
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        return value
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return datetime.combine(date.fromisoformat(value), time(), UTC)
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)


def _is(found: JSON, wanted: list[JSON]) -> bool:
    """A number is not a text, but a text in a query may well be a number."""
    return any(found == each or (str(found) == str(each) and found is not None) for each in wanted)


def _many(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else [value]


def _texts(value: JSON) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
