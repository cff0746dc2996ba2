"""Named types of an Avro schema, as references from other documents name them: ``user.avsc#/User``.

Avro knows no JSON pointers: whoever refers from AsyncAPI to one type of a file writes its name instead.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.contract.model import JSON
from harness.contract.pointers import escape

NAMED = ("record", "error", "enum", "fixed")
"""The kinds of type that have a name (Avro 1.12, section "Names")."""


def pointer_of(tree: JSON, name: str) -> str | None:
    """Where the type of this name, full or short, stands in an Avro schema; None without it."""
    for type_, pointer, full in _types(tree):
        if name in (full, full.rpartition(".")[2], type_["name"]):
            return pointer
    return None


def _types(tree: JSON) -> Iterator[tuple[dict[str, JSON], str, str]]:
    """The named types in the order in which they are defined, each with its pointer and full name."""
    waiting: list[tuple[JSON, str, str]] = [(tree, "", "")]
    while waiting:
        node, pointer, space = waiting.pop()
        if isinstance(node, dict) and node.get("type") in NAMED and isinstance(node.get("name"), str):
            space = node["namespace"] if isinstance(node.get("namespace"), str) else space
            full = node["name"] if "." in node["name"] or not space else f"{space}.{node['name']}"
            yield node, pointer, full
            space = full.rpartition(".")[0]
        inside = node.items() if isinstance(node, dict) else enumerate(node if isinstance(node, list) else ())
        below = [(each, f"{pointer}/{escape(key)}", space) for key, each in inside if _may_hold(key)]
        waiting += reversed(below)


def _may_hold(key: str | int) -> bool:
    return isinstance(key, int) or key in ("type", "fields", "items", "values")
