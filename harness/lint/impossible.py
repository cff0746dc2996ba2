"""Schemas that no value can satisfy, as far as that shows without trying values.

Each schema is looked at by itself, and together with what must hold with it through ``allOf`` and ``$ref``,
up to a number of parts. Where a word has a value of the wrong type it is left out: ``structure`` says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from harness.contract.merging import Impossible, combine
from harness.contract.model import JSON, Schema
from harness.contract.navigation import parts
from harness.contract.node import Node
from harness.errors import ContractError
from harness.findings import Finding
from harness.lint.endless import endless
from harness.lint.json_types import fits, types_of
from harness.lint.rule import Rule, finding
from harness.lint.source import Source

MAX_PARTS = 40
_BOUNDS = (
    ("minimum", "maximum"),
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
    ("minContains", "maxContains"),
)
_NUMBERS = frozenset(word for pair in _BOUNDS for word in pair) | {"exclusiveMinimum", "exclusiveMaximum"}


def impossible(source: Source) -> Iterator[Finding]:
    """One finding a schema: the first reason why it allows nothing."""
    for piece in source.walk.of("Schema"):
        value = piece.node.value
        if not isinstance(value, dict):
            continue
        reason = _alone(value) or (_together(piece.node, source) if "allOf" in value else "")
        if reason:
            yield _finding(source, piece.node, reason)
    for node, reason in endless(source.walk):
        yield _finding(source, node, reason)


def _finding(source: Source, node: Node, reason: str) -> Finding:
    return finding(
        "impossible",
        source,
        node.place,
        "no value can satisfy this schema",
        received=reason,
        documented="a schema that allows something",
        operation=node.key,
        severity=source.of_sense,
    )


def _alone(schema: dict[str, JSON]) -> str:
    flat = _flat(schema)
    return _bounds(flat) or _values(flat) or _object(schema) or _array(schema)


def _flat(schema: dict[str, JSON]) -> dict[str, Any]:
    """The words that can exclude each other, as far as their values are of the right type."""
    found: dict[str, Any] = {
        word: schema[word] for word in _NUMBERS if word in schema and _is_number(schema[word])
    }
    for exclusive, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if schema.get(exclusive) is True and inclusive in found:  # OpenAPI 3.0
            found[exclusive] = found.pop(inclusive)
    types = types_of(schema)
    if types is not None:
        found["type"] = sorted(types)
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        found["enum"] = [*schema["enum"], *([None] if schema.get("nullable") is True else [])]
    if "const" in schema:
        found["const"] = schema["const"]
    names = schema.get("required")
    found["required"] = [each for each in names if isinstance(each, str)] if isinstance(names, list) else []
    return found


def _bounds(flat: dict[str, Any]) -> str:
    for low, high in _BOUNDS:
        if low in flat and high in flat and flat[low] > flat[high]:
            return f"{low}: {flat[low]} is above {high}: {flat[high]}"
    for low, high in (
        ("exclusiveMinimum", "maximum"),
        ("minimum", "exclusiveMaximum"),
        ("exclusiveMinimum", "exclusiveMaximum"),
    ):
        if low in flat and high in flat and flat[low] >= flat[high]:
            return f"{low}: {flat[low]} leaves nothing below {high}: {flat[high]}"
    most = flat.get("maxProperties")
    if most is not None and len(set(flat["required"])) > most:
        return f"{len(set(flat['required']))} properties are required, and maxProperties is {most}"
    return ""


def _values(flat: dict[str, Any]) -> str:
    types = flat.get("type")
    if "const" in flat:
        if types is not None and not any(fits(flat["const"], each) for each in types):
            return f"'const' is not of type {' or '.join(types)}"
        if "enum" in flat and flat["const"] not in flat["enum"]:
            return "'const' is not in 'enum'"
    if types is not None and "enum" in flat:
        allowed = [each for each in flat["enum"] if any(fits(each, type_) for type_ in types)]
        if not allowed or (allowed == [None] and flat["enum"] != [None]):
            return f"no value of 'enum' is of type {' or '.join(each for each in types if each != 'null')}"
    return ""


def _object(schema: dict[str, JSON]) -> str:
    names, properties = schema.get("required"), schema.get("properties")
    known = properties if isinstance(properties, dict) else {}
    for name in names if isinstance(names, list) else ():
        if not isinstance(name, str):
            continue
        if known.get(name) is False or (isinstance(known.get(name), dict) and known[name].get("not") == {}):
            return f"the property '{name}' is required, and no value of it is allowed"
        if name not in known and _is_closed(schema):
            return f"the property '{name}' is required, and additionalProperties: false excludes it"
    return ""


def _is_closed(schema: dict[str, JSON]) -> bool:
    return schema.get("additionalProperties") is False and not schema.get("patternProperties")


def _array(schema: dict[str, JSON]) -> str:
    fewest, items = _flat(schema).get("minItems"), schema.get("items")
    if fewest is None:
        return ""
    prefix = schema.get("prefixItems")
    if isinstance(prefix, list) and items is False and fewest > len(prefix):
        return f"minItems is {fewest}, and there may be {len(prefix)} items"
    if items is False and not prefix and fewest > 0:
        return f"minItems is {fewest}, and no item is allowed"
    if schema.get("uniqueItems") is True and isinstance(items, dict) and not prefix:
        values = _how_many(items)
        if values is not None and fewest > values:
            return f"minItems is {fewest}, and there are {values} different items"
    return ""


def _how_many(schema: dict[str, JSON]) -> int | None:
    """How many values a schema allows at most, if that shows."""
    if "const" in schema:
        return 1
    if isinstance(schema.get("enum"), list):
        nulls = [None] if schema.get("nullable") is True else []
        return len({repr(each) for each in (*schema["enum"], *nulls)})
    return {"null": 1, "boolean": 2}.get(str(schema.get("type"))) if "nullable" not in schema else None


def _together(node: Node, source: Source) -> str:
    try:
        held = list(islice(parts(node.schema(source.dialect_of(node))), MAX_PARTS))
    except ContractError:
        return ""  # a reference that leads nowhere, or a schema that is none
    flat: dict[str, Any] = {"required": []}
    needed: dict[str, None] = {}
    for part in held:
        if part.raw is False:
            return "'allOf' holds false"
        if isinstance(part.raw, dict):
            own = _flat(part.raw)
            needed.update(dict.fromkeys(own.get("required", ())))
            try:
                flat = combine(flat, own)
            except Impossible as error:
                return f"{_word(flat, own)}: {error}, in {part.place}"
    return _bounds(flat) or _values(flat) or _excluded(held, needed)


def _word(one: dict[str, Any], other: dict[str, Any]) -> str:
    """Which word two parts disagree about."""
    for word in ("type", "enum", "const"):
        if word in one and word in other:
            try:
                combine({word: one[word]}, {word: other[word]})
            except Impossible:
                return f"two parts differ in '{word}'"
    return "two parts exclude each other"


def _excluded(held: list[Schema], needed: dict[str, None]) -> str:
    for part in held:
        if isinstance(part.raw, dict) and _is_closed(part.raw):
            own = part.raw.get("properties")
            for name in needed:
                if name not in (own if isinstance(own, dict) else {}):
                    closed = f"additionalProperties: false in {part.place} excludes it"
                    return f"the property '{name}' is required, and {closed}"
    return ""


def _is_number(value: JSON) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


RULES = (
    Rule(
        "impossible",
        "every schema allows at least one value",
        source=impossible,
        why="Nothing that anybody sends can be right, and no example can be made.",
        mend="Loosen one of the words that exclude each other.",
    ),
)
