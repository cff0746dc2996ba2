"""The language in which the tables say what an object may hold.

An object's shape is one text: its keys, each with ``!`` if it must be there and a type after ``:`` (without
one it is text). ``+x`` lets ``x-…`` keys stand, ``+any`` all keys, ``+loose`` another kind of value than a
mapping. A word that begins with ``?`` names a rule on the whole object.

    Server = "host! protocol! variables:{ServerVariable&} tags:[Tag&]u +x"

Types: ``str uri email uriref template regex expr bool int num any map null``, with bounds as in
``int(1,)`` and ``str(1,160)``; ``=a,b`` one of these texts, ``#0,1`` one of these numbers; ``Name`` a shape
or rule of the table; ``Name&`` that or a Reference Object; ``[T]`` a list (``u`` each item once, ``+`` not
empty), ``{T}`` a mapping (``@`` only component names are held to it, ``~`` keys are URI templates, ``^``
regular expressions); ``A/B`` either.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal


@dataclass(frozen=True, slots=True)
class Plain:
    """A value without parts. ``low`` and ``high`` bound a number, or a text's length."""

    kind: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    values: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A shape or rule of the table; ``referable`` also where a Reference Object may stand."""

    name: str
    referable: bool = False


@dataclass(frozen=True, slots=True)
class Listed:
    of: Type
    unique: bool = False
    filled: bool = False


@dataclass(frozen=True, slots=True)
class Mapped:
    of: Type
    keys: Literal["any", "components", "templates", "patterns"] = "any"


@dataclass(frozen=True, slots=True)
class Either:
    types: tuple[Type, ...]


Type = Plain | Choice | Named | Listed | Mapped | Either


@dataclass(frozen=True, slots=True)
class Shape:
    keys: dict[str, Type] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    extensible: bool = False
    open: bool = False
    loose: bool = False
    rules: tuple[str, ...] = ()


PLAIN = (
    *(
        "str",
        "uri",
        "email",
        "uriref",
        "template",
        "regex",
        "expr",
        "bool",
        "int",
        "num",
        "any",
        "map",
        "null",
    ),
    *("avroname", "avrotype", "avrospace", "linkedin"),
)
_BOUNDED = re.compile(r"([a-z]+)\((-?\d*),(-?\d*)\)\Z")
_MAPPED: dict[str, Literal["any", "components", "templates", "patterns"]] = {
    "": "any",
    "@": "components",
    "~": "templates",
    "^": "patterns",
}


@lru_cache(maxsize=4096)
def shape_of(text: str) -> Shape:
    """A shape read."""
    keys: dict[str, Type] = {}
    required: list[str] = []
    words: set[str] = set()
    rules: list[str] = []
    for word in text.split():
        if word[0] == "+":
            words.add(word)
        elif word[0] == "?":
            rules.append(word[1:])
        else:
            name, _, type_ = word.partition(":")
            if name.endswith("!"):
                name = name[:-1]
                required.append(name)
            keys[name] = type_of(type_ or "str")
    return Shape(keys, tuple(required), "+x" in words, "+any" in words, "+loose" in words, tuple(rules))


@lru_cache(maxsize=4096)
def type_of(text: str) -> Type:
    """A type read. Raises ValueError for what is no type, which is a defect of the table."""
    alternatives = _split(text)
    if len(alternatives) > 1:
        return Either(tuple(type_of(each) for each in alternatives))
    if text[0] == "=":
        return Choice(tuple(text[1:].split(",")))
    if text[0] == "#":
        return Choice(tuple(int(each) for each in text[1:].split(",")))
    if text[0] == "[":
        inner, flags = text[1:].rsplit("]", 1)
        return Listed(type_of(inner), "u" in flags, "+" in flags)
    if text[0] == "{":
        inner, flags = text[1:].rsplit("}", 1)
        return Mapped(type_of(inner), _MAPPED[flags])
    bounded = _BOUNDED.match(text)
    if bounded:
        kind, low, high = bounded.groups()
        return Plain(kind, float(low) if low else None, float(high) if high else None)
    if text in PLAIN:
        return Plain(text)
    if not text[0].isupper():
        raise ValueError(text)
    return Named(text.removesuffix("&"), text.endswith("&"))


def _split(text: str) -> list[str]:
    """The alternatives of a type, brackets kept together."""
    found, depth = [""], 0
    for letter in text:
        depth += (letter in "[{(") - (letter in "]})")
        if letter == "/" and not depth:
            found.append("")
        else:
            found[-1] += letter
    return found
