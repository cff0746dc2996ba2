"""Which operation a path and method mean: a trie over the path templates, made once.

A literal segment goes before a templated one (OpenAPI 3.1, "Path Templating Matching"). Segments are
compared as sent, so that ``%2F`` inside a parameter never becomes a separator.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

from harness.contract.model import EMPTY, Operation

_TEMPLATE = re.compile(r"\{([^{}]+)\}")


class Match(NamedTuple):
    """``values`` are the path parameters' texts, still percent-encoded."""

    operation: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Way:
    """One operation at the end of a path: ``names`` of its parameters, ``query`` that it alone takes."""

    operation: str
    names: tuple[str, ...]
    query: Mapping[str, str] = field(default=EMPTY)

    def match(self, values: Iterable[str]) -> Match:
        return Match(self.operation, dict(zip(self.names, values, strict=True)))


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    mixed: dict[tuple[str, ...], _Node] = field(default_factory=dict)
    whole: _Node | None = None
    methods: dict[str, tuple[_Way, ...]] = field(default_factory=dict)

    def add(self, method: str, way: _Way) -> None:
        """One more way, those that ask most of the query first; of two alike the first one stays."""
        known = self.methods.get(method, ())
        if all(each.query != way.query for each in known):
            self.methods[method] = tuple(sorted((*known, way), key=lambda each: -len(each.query)))

    def child(self, segment: str) -> _Node:
        """The node below for one segment of a template, made if it is new."""
        if not _TEMPLATE.search(segment):
            return self.literals.setdefault(unquote(segment), _Node())
        if _TEMPLATE.fullmatch(segment):
            self.whole = self.whole or _Node()
            return self.whole
        literals = tuple(_TEMPLATE.sub("{}", segment).split("{}"))
        return self.mixed.setdefault(literals, _Node())

    def leaves(
        self, segments: list[str], at: int, values: tuple[str, ...]
    ) -> Iterator[tuple[_Node, tuple[str, ...]]]:
        """Every node that the segments lead to, the most literal first."""
        if at == len(segments):
            yield self, values
            return
        segment = segments[at]
        literal = self.literals.get(unquote(segment) if "%" in segment else segment)
        if literal is not None:
            yield from literal.leaves(segments, at + 1, values)
        for literals, node in self.mixed.items():
            found = between(literals, segment)
            if found is not None:
                yield from node.leaves(segments, at + 1, (*values, *found))
        if self.whole is not None and segment:
            yield from self.whole.leaves(segments, at + 1, (*values, segment))


def between(literals: tuple[str, ...], segment: str) -> tuple[str, ...] | None:
    """What stands between these parts of a segment, each value as short as can be and none empty; or None.

    By looking from left to right, once: a regular expression would try a hostile segment in countless ways.
    """
    first, *middle, last = literals
    end = len(segment) - len(last)
    if not (segment.startswith(first) and segment.endswith(last)):
        return None
    at, values = len(first), []
    for literal in middle:
        found = segment.find(literal, at + 1)
        if found < 0:
            return None
        values.append(segment[at:found])
        at = found + len(literal)
    return (*values, segment[at:end]) if at < end else None


class Routes:
    """Find operations by path and method."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self._root = _Node()
        known = list(operations)
        for operation in known:
            self._add(operation, operation.path)
        for operation in known:
            for path in operation.also:
                self._add(operation, path)

        paths = [operation.path.split("/")[:-1] for operation in known]
        alike = takewhile(lambda each: len(set(each)) == 1 and "{" not in each[0], zip(*paths, strict=False))
        self.base = "/".join(each[0] for each in alike)
        """What every operation's path begins with, ``""`` if nothing."""

    def _add(self, operation: Operation, path: str) -> None:
        node = self._root
        for segment in path.split("/")[1:]:
            node = node.child(segment)
        names = tuple(_TEMPLATE.findall(path))
        node.add(operation.method.upper(), _Way(operation.id, names, _wanted(operation)))

    def find(self, method: str, raw_path: str, query: str = "") -> Match | frozenset[str]:
        """The match, else the methods that the path knows: none of them means that there is no such path.

        HEAD is answered by GET where the contract does not say otherwise (RFC 9110, 9.1).
        """
        segments = raw_path.split("/")[1:]
        straight = self._straight(segments)
        if straight is not None and method in straight[0].methods:
            return _chosen(straight[0].methods[method], query).match(straight[1])
        allowed: set[str] = set()
        for node, values in self._root.leaves(segments, 0, ()):
            found = node.methods.get(method) or (node.methods.get("GET") if method == "HEAD" else None)
            if found is not None:
                return _chosen(found, query).match(values)
            allowed.update(node.methods)
        if "GET" in allowed:
            allowed.add("HEAD")
        return frozenset(allowed | {"OPTIONS"}) if allowed else frozenset()

    def _straight(self, segments: list[str]) -> tuple[_Node, list[str]] | None:
        """The first of the leaves where no choice has to be taken back: nearly every request."""
        node, values = self._root, []
        for segment in segments:
            following = node.literals.get(segment)
            if following is None:
                following = node.whole
                if following is None or node.mixed or not segment or "%" in segment:
                    return None
                values.append(segment)
            node = following
        return node, values


def _wanted(operation: Operation) -> Mapping[str, str]:
    """The query that an operation must be sent with, such as its path's key says: it tells apart operations
    of one path."""
    constants = (
        (each.name, each.schema.raw["const"])
        for each in operation.parameters
        if each.location == "query" and each.required and isinstance(each.schema.raw, Mapping)
        if "const" in each.schema.raw
    )
    return {name: value for name, value in constants if isinstance(value, str)}


def _chosen(ways: tuple[_Way, ...], query: str) -> _Way:
    """The way that the query asks for; the last, which asks least, if none."""
    if len(ways) == 1:
        return ways[0]
    given = set(parse_qsl(query, keep_blank_values=True))
    return next((each for each in ways if given.issuperset(each.query.items())), ways[-1])
