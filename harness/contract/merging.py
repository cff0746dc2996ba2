"""Schemas that must hold together, as one: what a generator needs to see at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.contract.model import JSON

Flat = dict[str, Any]
"""A schema without ``$ref`` and ``allOf``; ``choices`` lists its ``oneOf``s and ``anyOf``s, ``conditions``
its ``if``s."""


class Impossible(ValueError):
    """Nothing can satisfy these schemas, or nothing that is small enough."""


_HIGHEST = frozenset(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"))
_LOWEST = frozenset(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"))
_BOTH = frozenset(
    (
        "items",
        "additionalProperties",
        "propertyNames",
        "contains",
        "unevaluatedProperties",
        "unevaluatedItems",
    )
)
_BY_NAME = frozenset(("properties", "patternProperties", "dependentSchemas"))
_JOINED = frozenset(("choices", "conditions"))


def flatten(schema: JSON, root: Mapping[str, Any]) -> Flat:
    """A schema of a bundle (``dialects``) with what it refers to folded in. Raises Impossible."""
    flat: Flat = {}
    waiting: list[tuple[JSON, frozenset[str]]] = [(schema, frozenset())]
    while waiting:
        schema, seen = waiting.pop()
        if schema is True:
            continue
        if schema is False:
            raise Impossible("nothing is allowed here")
        flat = combine(flat, _own(schema))
        waiting += [(branch, seen) for branch in reversed(schema.get("allOf", ()))]
        ref = schema.get("$ref")
        if ref is not None:
            if ref in seen:
                raise Impossible("a $ref leads in a circle")
            waiting.append((root["$defs"][ref.rpartition("/")[2]], seen | {ref}))
    return flat


def _own(schema: Mapping[str, Any]) -> Flat:
    """What a schema says itself."""
    folded = ("$ref", "allOf", "oneOf", "anyOf", "if", "then", "else", "$defs", "discriminator")
    flat: Flat = {key: value for key, value in schema.items() if key not in folded}
    choices = [_told(schema, word) for word in ("oneOf", "anyOf") if word in schema]
    if choices:
        flat["choices"] = choices
    if "if" in schema:
        flat["conditions"] = [(schema["if"], schema.get("then", True), schema.get("else", True))]
    return flat


def _told(schema: Mapping[str, Any], word: str) -> list[JSON]:
    """The alternatives, each with what its discriminator says of it."""
    told = schema.get("discriminator")
    branches: list[JSON] = list(schema[word])
    if told is None:
        return branches
    for at, branch in enumerate(branches):
        values = [value for value, index in told["forms"].items() if index == at]
        if values:
            says = {
                "properties": {told["propertyName"]: {"enum": values}},
                "required": [told["propertyName"]],
            }
            branches[at] = {"allOf": [branch, says]}
    return branches


def combine(one: Flat, other: Flat) -> Flat:
    """What satisfies both. Raises Impossible where that shows at once."""
    found = dict(one)
    for key, value in other.items():
        found[key] = _both(key, found[key], value) if key in found else value
    return found


def _both(key: str, one: JSON, other: JSON) -> JSON:
    if key in _HIGHEST:
        return max(one, other)
    if key in _LOWEST:
        return min(one, other)
    if key in _BY_NAME:
        shared = {name: {"allOf": [one[name], other[name]]} for name in one if name in other}
        return {**one, **other, **shared}
    if key in _BOTH:
        return {"allOf": [one, other]}
    if key in _JOINED:
        return [*one, *other]
    match key:
        case "required":
            return list(dict.fromkeys((*one, *other)))
        case "type":
            return _types(one, other)
        case "enum":
            return _some([value for value in one if value in other])
        case "dependentRequired":
            return {**one, **other}
        case "uniqueItems":
            return one or other
        case "const" if one != other:
            raise Impossible("two constants")
        case "multipleOf":
            return max(one, other)
    return one


def _types(one: JSON, other: JSON) -> JSON:
    left = [one] if isinstance(one, str) else one
    right = [other] if isinstance(other, str) else other
    shared = [name for name in left if name in right or (name == "integer" and "number" in right)]
    return _some(
        shared + [name for name in right if name == "integer" and "number" in left and name not in left]
    )


def _some(values: list[JSON]) -> list[JSON]:
    if not values:
        raise Impossible("they have nothing in common")
    return values
