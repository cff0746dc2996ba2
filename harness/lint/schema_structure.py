"""What schema dialects demand of their keywords: OpenAPI 3.0's own, and JSON Schema 2020-12."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from harness.contract.model import JSON
from harness.contract.node import Node
from harness.lint.misfit import Misfit
from harness.lint.source import Source
from harness.lint.walk import Walk

_COUNTS = (
    "maxLength",
    "minLength",
    "maxItems",
    "minItems",
    "maxProperties",
    "minProperties",
    "maxContains",
    "minContains",
)
_NOT_EMPTY = ("allOf", "anyOf", "oneOf", "prefixItems")


def schema_demands(source: Source, walk: Walk) -> Iterator[Misfit]:
    """What every schema of a document breaks."""
    old = source.dialect == "openapi-3.0"
    for piece in walk.of("Schema"):
        if isinstance(piece.node.value, dict):
            yield from _keywords(piece.node)
            yield from _of_openapi_30(piece.node) if old else _of_2020_12(piece.node)


def _keywords(node: Node) -> Iterator[Misfit]:
    value = node.value
    for word in _COUNTS:
        if _is_number(value.get(word)) and value[word] < 0:
            title = f"'{word}' cannot be less than 0"
            yield Misfit(node.child(word), title, f"{word}: {value[word]}", "a whole number from 0")
    if _is_number(value.get("multipleOf")) and value["multipleOf"] <= 0:
        found = f"multipleOf: {value['multipleOf']}"
        yield Misfit(node.child("multipleOf"), "'multipleOf' is more than 0", found, "a number above 0")
    for word in ("required", "type"):
        twice = _twice(value.get(word))
        if twice is not None:
            found = f"'{twice}'" if isinstance(twice, str) else "the same entry"
            yield Misfit(node.child(word), f"'{word}' has an entry twice", found, "each entry once")


def _of_openapi_30(node: Node) -> Iterator[Misfit]:
    value = node.value
    for word in ("required", "enum"):
        if value.get(word) == []:
            yield Misfit(node.child(word), f"'{word}' is empty", f"{word}: []", "at least one entry")
    if value.get("type") == "array" and "items" not in value:
        title = "an array does not say what its items are"
        yield Misfit(node, title, "type: array without 'items'", "'items', which must be there; {} is any")


def _of_2020_12(node: Node) -> Iterator[Misfit]:
    value = node.value
    for word in _NOT_EMPTY:
        if value.get(word) == []:
            yield Misfit(node.child(word), f"'{word}' is empty", f"{word}: []", "at least one schema")
    if value.get("type") == []:
        yield Misfit(node.child("type"), "'type' is empty", "type: []", "at least one type")


def _is_number(value: JSON) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _twice(value: JSON) -> JSON:
    """The first text of a list that is in it more than once, or None."""
    texts = sorted(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
    return next((one for one, other in pairwise(texts) if one == other), None)
