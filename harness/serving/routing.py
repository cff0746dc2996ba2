"""Which operation a path and method mean: a trie over the path templates, made once.

A literal segment goes before a templated one (OpenAPI 3.1, "Path Templating Matching"). Segments are
compared as sent, so that ``%2F`` inside a parameter never becomes a separator.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from harness.contract.model import Operation

_TEMPLATE = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Match:
    """``values`` are the path parameters' texts, still percent-encoded."""

    operation: str
    values: Mapping[str, str]


@dataclass(slots=True)
class _Node:
    literals: dict[str, _Node] = field(default_factory=dict)
    mixed: dict[tuple[str, ...], _Node] = field(default_factory=dict)
    whole: _Node | None = None
    methods: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    def child(self, segment: str) -> _Node:
        """The node below for one segment of a template, made if it is new."""
        if "{" not in segment:
            return self.literals.setdefault(segment, _Node())
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
        for operation in operations:
            node = self._root
            for segment in operation.path.split("/")[1:]:
                node = node.child(segment)
            names = tuple(_TEMPLATE.findall(operation.path))
            node.methods[operation.method.upper()] = (operation.id, names)

    def find(self, method: str, raw_path: str) -> Match | frozenset[str]:
        """The match, else the methods that the path knows: none of them means that there is no such path.

        HEAD is answered by GET where the contract does not say otherwise (RFC 9110, 9.1).
        """
        segments = raw_path.split("/")[1:]
        straight = self._straight(segments)
        if straight is not None and method in straight[0].methods:
            operation, names = straight[0].methods[method]
            return Match(operation, dict(zip(names, straight[1], strict=True)))
        allowed: set[str] = set()
        for node, values in self._root.leaves(segments, 0, ()):
            found = node.methods.get(method) or (node.methods.get("GET") if method == "HEAD" else None)
            if found is not None:
                operation, names = found
                return Match(operation, dict(zip(names, values, strict=True)))
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
