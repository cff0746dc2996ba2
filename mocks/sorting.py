"""The order of a list, as the query parameters that a contract documents for it ask: ``sort=-createdAt``.

There is no standard for it; what is read is what frameworks commonly take: ``name``, ``-name``, ``+name``,
``name:desc``, ``name desc``, ``name.desc``, ``name,desc``, several with commas or as a list, and a direction
in a parameter of its own. What names no property of the things orders nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.contract.model import JSON, Operation, Parameter, Schema
from harness.contract.schema import says
from harness.serving.exchange import Request
from mocks.filtering import comparable
from mocks.representations import plain
from mocks.things import Thing

_KEYS = ("sort", "sortby", "orderby", "ordering", "sortkey", "sortfield", "order")
_DIRECTIONS = ("order", "sortorder", "sortdirection", "sortdir", "orderdirection", "direction", "dir")
_DOWN = re.compile(r"desc(ending)?|-1", re.IGNORECASE)
_WAY = re.compile(r"asc(ending)?|desc(ending)?|-?1", re.IGNORECASE)
_ASKED = re.compile(
    r"(?P<sign>[-+ ]?)(?P<name>[^\s:]+?)(?:[\s:._](?P<way>asc(?:ending)?|desc(?:ending)?))?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Key:
    """One property to order by."""

    property: str
    down: bool


class Sorting:
    """One list's order; ``parameters`` are the names of what asks for it, empty where nothing does."""

    def __init__(self, operation: Operation, named: Mapping[str, Schema]) -> None:
        query = {plain(each.name): each for each in operation.parameters if each.location == "query"}
        self._by = next((query[name] for name in _KEYS if name in query), None)
        ways = (query[name] for name in _DIRECTIONS if name in query)
        self._way = next((each for each in ways if each is not self._by), None) if self._by else None
        self._known = {plain(name): name for name in named}

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(each.name for each in (self._by, self._way) if each is not None)

    def ordered(self, request: Request, things: Sequence[Thing]) -> Sequence[Thing]:
        """The things as they are asked for; what lacks a property comes last whichever the direction."""
        found = things
        for key in reversed(self._keys(request)):
            there = [each for each in found if each.document.get(key.property) is not None]
            lacking = [each for each in found if each.document.get(key.property) is None]
            name = key.property
            there.sort(key=lambda each: _rank(each.document[name]), reverse=key.down)
            found = [*there, *lacking]
        return found

    def _keys(self, request: Request) -> list[Key]:
        asked, way = _asked(self._by, request), _asked(self._way, request)
        all_down = bool(way) and _DOWN.fullmatch(str(way[0])) is not None
        return list(self._read(asked, all_down))

    def _read(self, asked: list[str], all_down: bool) -> Iterator[Key]:
        for at, text in enumerate(asked):
            match = _ASKED.fullmatch(text)
            if match is None or (at and _WAY.fullmatch(text)):
                continue
            following = asked[at + 1] if at + 1 < len(asked) else ""
            way = match["way"] or (following if _WAY.fullmatch(following) else "")
            name = self._named(match["name"])
            if name is not None:
                yield Key(name, (match["sign"] == "-") or (bool(_DOWN.fullmatch(way)) if way else all_down))

    def _named(self, asked: str) -> str | None:
        stem = plain(asked)
        return self._known.get(stem) or self._known.get(f"{stem}at") or self._known.get(f"{stem}date")


def _asked(parameter: Parameter | None, request: Request) -> list[str]:
    """What a parameter says, its documented default where it is not there, one part each."""
    if parameter is None:
        return []
    value = request.query.get(parameter.name, says(parameter.schema, "default"))
    values = value if isinstance(value, list) else [value]
    return [part.rstrip() for each in values if isinstance(each, str) for part in each.split(",") if part]


def _rank(value: JSON) -> tuple[int, Any]:
    """Numbers before instants before texts, each among its own."""
    if isinstance(value, bool):
        return 0, float(value)
    held = comparable(value)
    if isinstance(held, float):
        return 1, held
    if isinstance(held, str):
        return 3, held.casefold()
    return (2, held) if held is not None else (4, str(value))
