"""Schemas that stand in several documents of a folder, word for word."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from harness.contract.model import JSON
from harness.contract.node import Node
from harness.findings import Finding
from harness.lint.rule import Rule, finding
from harness.lint.source import Source

FEWEST = 3
"""Properties, values or parts below which a copy is shorter than the reference to a shared schema."""

_SPOKEN = frozenset(("title", "description", "example", "examples", "externalDocs", "$comment"))


def copies(sources: Sequence[Source]) -> Iterator[Finding]:
    """Component schemas that say the same as one of another document, descriptions and examples aside."""
    first: dict[str, Node] = {}
    for source in sources:
        for node in _schemas(source):
            said = json.dumps(_bare(node.value), sort_keys=True, ensure_ascii=False, default=str)
            other = first.setdefault(said, node)
            if other.document.uri != node.document.uri:
                yield finding(
                    "copied-schema",
                    source,
                    node.place,
                    f"the schema '{node.key}' is a copy",
                    received=f"the same as '{other.key}' in {other.place}",
                    documented="one schema, in a file that both refer to",
                    operation=node.key,
                )


def _schemas(source: Source) -> Iterator[Node]:
    components = source.root.raw("components") if source.format != "arazzo" else None
    schemas = components.raw("schemas") if components else None
    for name in schemas.value if schemas is not None and isinstance(schemas.value, dict) else ():
        node = schemas.child(name) if schemas is not None else source.root
        if isinstance(node.value, dict) and _weight(node.value) >= FEWEST:
            yield node


def _weight(schema: dict[str, JSON]) -> int:
    """How much a schema says of its own."""
    held = (schema.get(word) for word in ("properties", "enum", "allOf", "oneOf", "anyOf"))
    return sum(len(each) for each in held if isinstance(each, dict | list))


def _bare(tree: JSON, named: bool = False) -> Any:
    """The schema without what it only tells people."""
    if isinstance(tree, dict):
        kept = {key: each for key, each in tree.items() if named or key not in _SPOKEN}
        return {key: _bare(each, not named and key == "properties") for key, each in kept.items()}
    return [_bare(each) for each in tree] if isinstance(tree, list) else tree


RULES = (
    Rule(
        "copied-schema",
        "a schema that several documents need is shared",
        together=copies,
        severity="warning",
        why="One of the copies will be changed without the other.",
        mend="Move it to a file beside the contracts, and refer to it from both.",
    ),
)
