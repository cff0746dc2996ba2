"""What a schema makes of text: the JSON types, items and members that a parameter may turn into.

Parameters and form fields arrive as text; only their schema says whether ``7`` is a number. A shape is
read from a schema once, through ``$ref``, ``allOf``, ``anyOf`` and ``oneOf``. Where it leaves more than one
meaning open, ``typed`` offers them in turn, and the whole schema decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from functools import reduce
from typing import Any

from harness.contract.integers import whole
from harness.contract.model import EMPTY, JSON, Schema
from harness.contract.navigation import child, parts

REACH = 3
"""Levels of data that a style can write as text: an object, its member, that member's items."""

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,1000})(?:\.[0-9]{1,1000})?(?:[eE][+-]?[0-9]{1,4})?")
_SHORT = 18
"""Digits that are a number beyond doubt."""

_TEXT = frozenset({"string"})
_BOOLEANS = {"true": True, "false": False}


Texts = str | list[Any] | dict[str, Any]
"""A value before its types are known: texts in lists and objects."""

_IMPLIED = {
    "number": frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
    "string": frozenset(("minLength", "maxLength", "pattern", "format")),
    "array": frozenset(
        (
            "items",
            "prefixItems",
            "contains",
            "minContains",
            "minItems",
            "maxItems",
            "uniqueItems",
            "unevaluatedItems",
        )
    ),
    "object": frozenset(
        (
            "properties",
            "patternProperties",
            "additionalProperties",
            "unevaluatedProperties",
            "propertyNames",
            "required",
            "minProperties",
            "maxProperties",
            "dependentRequired",
            "dependentSchemas",
        )
    ),
}
"""Of which type a schema that names none speaks, by its words."""


class Meaning(Enum):
    """How a text is read where its shape leaves it open: as the most specific type that is named; as the
    most specific there is, also where none is named; as text wherever that is allowed."""

    NAMED = 1
    GUESSED = 2
    TEXT = 3


class Undecodable(Exception):
    """Text that no type of its schema can mean. The message never holds the text."""


@dataclass(frozen=True, slots=True)
class Shape:
    """``kinds`` are JSON types, empty if the schema names none; ``implied`` those of which its words speak.
    ``rest`` is the shape of undeclared members, ``patterned`` those by pattern, ``closed`` says that there
    may be none."""

    kinds: frozenset[str] = frozenset()
    items: Shape | None = None
    prefix: tuple[Shape, ...] = ()
    members: Mapping[str, Shape] = EMPTY
    rest: Shape | None = None
    closed: bool = False
    implied: frozenset[str] = frozenset()
    patterned: tuple[tuple[re.Pattern[str], Shape], ...] = ()

    def item(self, index: int) -> Shape:
        """The shape of an array's element."""
        return self.prefix[index] if index < len(self.prefix) else self.items or ANY

    def member(self, name: str) -> Shape:
        """The shape of an object's member."""
        if name in self.members:
            return self.members[name]
        return next((shape for pattern, shape in self.patterned if pattern.search(name)), self.rest or ANY)

    def takes(self, name: str) -> bool:
        """Whether a member of this name is declared, by name or by pattern."""
        return name in self.members or any(pattern.search(name) for pattern, _ in self.patterned)

    @property
    def is_array(self) -> bool:
        return "array" in self.kinds

    @property
    def is_object(self) -> bool:
        return "object" in self.kinds


ANY = Shape()


def shape_of(schema: Schema, reach: int = REACH, above: frozenset[str] = frozenset()) -> Shape:
    """Read the shape of a schema: of itself and all that must hold with it. Recursion ends at ``reach``;
    ``above`` are the schemas that look at the same value."""
    if reach == 0 or schema.uri in above:
        return ANY
    above |= {schema.uri}
    shape = reduce(_both, (_own(part, reach, above) for part in parts(schema)), ANY)
    structured = shape.implied & {"array", "object"}
    return replace(shape, kinds=structured) if structured and not shape.kinds else shape


def _own(schema: Schema, reach: int, above: frozenset[str]) -> Shape:
    raw = schema.raw
    if not isinstance(raw, Mapping):
        return ANY
    names = raw.get("properties", EMPTY) if reach > 1 else EMPTY
    shape = Shape(
        _kinds(raw),
        _below(schema, raw, "items", reach) or _below(schema, raw, "unevaluatedItems", reach),
        tuple(shape_of(each, reach - 1) for each in _listed(schema, raw, "prefixItems")),
        {name: shape_of(child(schema, "properties", name), reach - 1) for name in names},
        _below(schema, raw, "additionalProperties", reach)
        or _below(schema, raw, "unevaluatedProperties", reach),
        raw.get("additionalProperties") is False or raw.get("unevaluatedProperties") is False,
        frozenset(kind for kind, words in _IMPLIED.items() if not words.isdisjoint(raw)),
        tuple(_patterned(schema, raw, reach)),
    )
    for word in ("anyOf", "oneOf"):
        offered = (each for each in _listed(schema, raw, word) if each.uri not in above)
        choices = [shape_of(each, reach, above) for each in offered]
        if choices:
            shape = _both(shape, reduce(_either, choices))
    return shape


def _patterned(schema: Schema, raw: Mapping[str, Any], reach: int) -> Iterator[tuple[re.Pattern[str], Shape]]:
    """Patterns that Python reads; a schema whose patterns it does not read still judges the values."""
    named = raw.get("patternProperties", EMPTY) if reach > 1 else EMPTY
    for pattern in named if isinstance(named, Mapping) else ():
        with suppress(re.error):
            yield re.compile(pattern), shape_of(child(schema, "patternProperties", pattern), reach - 1)


def _kinds(raw: Mapping[str, Any]) -> frozenset[str]:
    named = raw.get("type", ())
    kinds = {named} if isinstance(named, str) else set(named)
    if not kinds and "const" in raw:
        kinds = {kind_of(raw["const"])}
    elif not kinds and "enum" in raw:
        kinds = {kind_of(each) for each in raw["enum"]}
    if kinds and raw.get("nullable") is True:
        kinds.add("null")
    return frozenset(kinds)


def kind_of(value: JSON) -> str:
    """The JSON Schema type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _listed(schema: Schema, raw: Mapping[str, Any], word: str) -> Iterator[Schema]:
    for index in range(len(raw.get(word, ()))):
        yield child(schema, word, index)


def _below(schema: Schema, raw: Mapping[str, Any], word: str, reach: int) -> Shape | None:
    return shape_of(child(schema, word), reach - 1) if isinstance(raw.get(word), Mapping) else None


def _both(one: Shape, other: Shape) -> Shape:
    kinds = _common(one.kinds, other.kinds) if one.kinds and other.kinds else one.kinds or other.kinds
    members = {**other.members, **one.members}
    items, prefix = one.items or other.items, one.prefix or other.prefix
    return Shape(
        kinds,
        items,
        prefix,
        members,
        one.rest or other.rest,
        one.closed or other.closed,
        one.implied | other.implied,
        (*one.patterned, *other.patterned),
    )


def _common(one: frozenset[str], other: frozenset[str]) -> frozenset[str]:
    """Types in both; an integer is a number too."""
    common = one & other
    if "integer" in one | other and {"integer", "number"} & one and {"integer", "number"} & other:
        common |= {"integer"}
    return common or one


def _either(one: Shape, other: Shape) -> Shape:
    known = one.kinds and other.kinds
    return Shape(
        one.kinds | other.kinds if known else frozenset(),
        one.items or other.items,
        one.prefix or other.prefix,
        {**other.members, **one.members},
        one.rest or other.rest,
        one.closed and other.closed,
        one.implied | other.implied,
        (*one.patterned, *other.patterned),
    )


def typed(texts: Texts, shape: Shape, meaning: Meaning = Meaning.NAMED) -> JSON:
    """The value that texts mean by a shape. Raises Undecodable where no type of it can be meant."""
    if isinstance(texts, list):
        return [typed(each, shape.item(at), meaning) for at, each in enumerate(texts)]
    if isinstance(texts, dict):
        return {name: typed(each, shape.member(name), meaning) for name, each in texts.items()}
    return scalar(texts, shape, meaning)


def scalar(text: str, shape: Shape, meaning: Meaning = Meaning.NAMED) -> JSON:
    """What a text means as a single value: the most specific type that its shape allows.

    Raises Undecodable if none does. Without named types it stays text, unless the schema's words speak of
    numbers and it is one.
    """
    kinds = shape.kinds
    if not kinds:
        return _unnamed(text, shape, meaning)
    if kinds == _TEXT or (meaning is Meaning.TEXT and "string" in kinds):
        return text
    if "null" in kinds and "string" not in kinds and text in {"", "null"}:
        return None
    if "boolean" in kinds and text in _BOOLEANS:
        return _BOOLEANS[text]
    if kinds & {"integer", "number"}:
        number = _number(text)
        if number is not None and (isinstance(number, int) or "number" in kinds):
            return number
    if "string" in kinds:
        return text
    raise Undecodable(f"must be {' or '.join(_article(kind) for kind in sorted(kinds))}")


def _unnamed(text: str, shape: Shape, meaning: Meaning) -> JSON:
    """The meaning of a text whose schema names no type: a word that speaks of a type must not be evaded."""
    number = _number(text)
    if "number" in shape.implied:
        return text if number is None else number
    if meaning is not Meaning.GUESSED or "string" in shape.implied:
        return text
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    return None if text == "null" else text if number is None else number


def _number(text: str) -> int | float | None:
    if len(text) <= _SHORT and text.isascii() and text.isdecimal() and (text[0] != "0" or text == "0"):
        return int(text)
    if not _NUMBER.fullmatch(text):
        return None
    if text.lstrip("-").isdigit():
        return int(text)
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        return None
    return whole(number)


def _article(kind: str) -> str:
    return kind if kind == "null" else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
