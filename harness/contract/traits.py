"""AsyncAPI's traits, merged into the messages and operations that name them.

Both versions use JSON Merge Patch (RFC 7396), in the order of the list. In 3.x what the target says itself
wins (AsyncAPI 3.0, Operation Trait Object and Message Trait Object); in 2.x a trait is a patch on its target,
and so the last trait wins (AsyncAPI 2.6, the same places). ``$ref``s are followed where two sides say
something about one place, and kept elsewhere.
"""

from __future__ import annotations

import os.path
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from harness.contract.documents import Document
from harness.contract.identifiers import identifiers_of
from harness.contract.model import JSON
from harness.contract.node import Node
from harness.contract.tree import Marks
from harness.errors import ContractError

_DATA = frozenset(("example", "examples", "default", "const", "enum"))
"""Keys under which a ``$ref`` is text that somebody chose."""

_NAMES = frozenset(("properties", "patternProperties", "definitions", "$defs"))
"""Keys under which every key is a name that somebody chose."""


def with_traits(node: Node, version: int) -> Node:
    """A message or operation with its traits merged in; the node itself if it has none.

    The result is a document of its own, which knows the line of everything in it. ``version`` is AsyncAPI's
    major one. Raises ContractError for a ``$ref`` that leads nowhere.
    """
    listed = node.raw("traits")
    traits = [_trait(each) for each in listed.entries()] if listed is not None else []
    traits = [each for each in traits if isinstance(each.value, dict)]
    if not traits:
        return node
    sides = [*traits, node] if version >= 3 else [node, *traits]
    merger = _Merger(node.document)
    tree = merger.merged(sides, frozenset())
    uri = f"merged:{quote(node.uri)}"
    home, base = node.document, node.document.base_at("")
    document = Document(
        uri, home.path, home.file, tree, merger.marks, base, identifiers_of(tree, str(tree), base)
    )
    return Node.at(node.documents, node.documents.add(document))


def _trait(entry: Node) -> Node:
    """The trait, also where it stands in a pair with its parameters (a form that 1.x left behind)."""
    if isinstance(entry.value, list) and entry.value:
        entry = entry.child(0)
    return entry.follow()


def _is_data(key: str | int) -> bool:
    return key in _DATA or str(key).startswith("x-")


class _Merger:
    """Merges into a tree that stands beside ``home``, so that its relative references still lead home."""

    def __init__(self, home: Document) -> None:
        self.home = home
        self.marks: Marks = {}

    def merged(self, sides: Sequence[Node], above: frozenset[tuple[str, ...]]) -> JSON:
        """What the last of the sides says, patched onto those before it."""
        if not isinstance(sides[-1].value, dict) or len(sides) == 1:
            return self.copied(sides[-1])
        maps: list[Node] = []
        for side in sides:
            maps = [*maps, side.follow()] if isinstance(side.value, dict) else []
        maps = [each for each in maps if isinstance(each.value, dict)]
        called = tuple(dict.fromkeys(each.uri for each in maps))
        if len(called) < 2 or called in above:
            return self.copied(sides[-1])
        tree: dict[str, Any] = {}
        marks: dict[str | int, tuple[int, int]] = {}
        for key in dict.fromkeys(key for each in maps for key in each.value):
            said = [each.child(key) for each in maps if key in each.value]
            if said[-1].value is not None:  # RFC 7396: null takes away
                tree[key] = self.merged(said, above | {called})
                if said[-1].document.uri == self.home.uri:
                    marks[key] = (said[-1].place.line, said[-1].place.column)
        self.marks[id(tree)] = marks
        return tree

    def copied(self, node: Node, data: bool = False, named: bool = False) -> JSON:
        """A node's value with its references made to lead from here to where they led."""
        value = node.value
        if not isinstance(value, dict | list):
            return value
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        below = [
            self.copied(node.child(key), data or (_is_data(key) and not named), key in _NAMES and not named)
            for key in keys
        ]
        copy: JSON = dict(zip(keys, below, strict=True)) if isinstance(value, dict) else below
        if isinstance(copy, dict) and isinstance(copy.get("$ref"), str) and not (data or named):
            copy["$ref"] = self.led(node, copy["$ref"])
        if node.document.uri == self.home.uri:  # a line of another file would be a lie here
            self.marks[id(copy)] = dict(node.document.marks.get(id(value), {}))
        return copy

    def led(self, node: Node, ref: str) -> str:
        """A reference from here to where one leads that stands in a node; one that leads nowhere stays."""
        try:
            document, pointer = node.documents.resolve(node.document.uri, ref, at=node.pointer)
        except ContractError:
            return ref
        if document.path is not None and self.home.path is not None:
            target = quote(os.path.relpath(document.path, self.home.path.parent))
        else:
            target = document.base_at("")
        return f"{target}#{quote(pointer, safe='/')}"
