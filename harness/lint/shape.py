"""The tables that say of what a format's objects are made, as text in the manner of the specifications.

A line a kind: its name, a colon, then its fields as ``name:type``, ``name!:type`` if it must be there. A type
is a scalar (``text``, ``flag``, ``number``, ``integer``, ``uri``, ``email``), ``any`` (any value at all),
``data`` (an example: nothing in it is a word of the format), ``schema`` (a component schema's name, or where
a schema is), ``=a,b`` (one of these texts), a kind, ``&Kind`` (a kind or a reference to one), ``[type]``,
``{type}`` (names chosen freely) or several of them with ``|``. The field ``*`` is any other key.

After the name, ``~`` says that further keys are free, ``-`` that not even ``x-…`` is, ``?`` that ``true`` and
``false`` stand for one too (as they do for a JSON Schema).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from harness.contract.model import JSON

SCALARS = frozenset(("text", "flag", "number", "integer", "uri", "email", "any", "data", "schema"))
FORMATS = {"uri": "uri-reference", "email": "email"}
"""The formats of JSON Schema that some scalars are held to."""

_WORD = re.compile(r"\s*(\||\[|\]|\{|\}|=[^\s|\]}]+|&?[A-Za-z]+)")


@dataclass(frozen=True, slots=True)
class Scalar:
    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    of: Type


@dataclass(frozen=True, slots=True)
class Named:
    """A mapping whose keys are names."""

    of: Type


@dataclass(frozen=True, slots=True)
class Of:
    """An object of a kind, or, with ``by_reference``, a Reference Object that leads to one."""

    kind: str
    by_reference: bool


Alternative = Scalar | Choice | Listed | Named | Of
Type = tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of object. ``rest`` is the type of keys that ``fields`` does not name, None without any."""

    kind: str
    fields: Mapping[str, Type]
    required: tuple[str, ...] = ()
    rest: Type | None = None
    is_open: bool = False
    extensible: bool = True
    or_flag: bool = False


Shapes = Mapping[str, Shape]


def shapes(text: str, before: Shapes | None = None) -> Shapes:
    """The kinds of a table; those of ``before`` that it does not say anew are kept.

    A kind that begins with ``+`` adds its fields to what ``before`` says of it.
    """
    found = dict(before or {})
    for line in re.sub(r"\n\s+", " ", text.strip()).splitlines():
        name, _, fields = line.partition(":")
        shape = _shape(name.strip().lstrip("+"), fields.split())
        old = found.get(shape.kind)
        if name.startswith("+") and old is not None:
            merged = {**old.fields, **shape.fields}
            required = tuple(each for each in old.required if each not in shape.fields) + shape.required
            shape = replace(old, fields=merged, required=required, rest=shape.rest or old.rest)
        found[shape.kind] = shape
    return found


def _shape(name: str, fields: list[str]) -> Shape:
    types: dict[str, Type] = {}
    required = []
    for entry in fields:
        key, _, written = entry.partition(":")
        if key.endswith("!"):
            required.append(key[:-1])
        types[key.rstrip("!")] = type_of(written)
    rest = types.pop("*", None)
    marks = name[len(name.rstrip("~-?")) :]
    kind = name[: len(name) - len(marks)]
    return Shape(kind, types, tuple(required), rest, "~" in marks, "-" not in marks, "?" in marks)


def type_of(text: str) -> Type:
    """The type that a few words say."""
    return _alternatives(iter([*_WORD.findall(text), ""]), "")[0]


def _alternatives(words: Iterator[str], end: str) -> tuple[Type, str]:
    found: list[Alternative] = []
    while True:
        word = next(words)
        if word in (end, ""):
            return tuple(found), word
        if word == "[":
            found.append(Listed(_alternatives(words, "]")[0]))
        elif word == "{":
            found.append(Named(_alternatives(words, "}")[0]))
        elif word.startswith("="):
            found.append(Choice(tuple(word[1:].split(","))))
        elif word in SCALARS:
            found.append(Scalar(word))
        elif word != "|":
            found.append(Of(word.lstrip("&"), word.startswith("&")))


@dataclass(frozen=True, slots=True)
class Language:
    """All that is needed to walk a document of one version: its kinds, which one the document itself is, and
    section → kind of what stands under ``components``. ``names`` are the kinds as people call them, where
    that is not what the table calls them; ``in_truth`` gives the kind of an object that its content decides.
    """

    shapes: Shapes
    root: str
    components: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    in_truth: Callable[[str, JSON], str] = field(default=lambda kind, _: kind)

    def called(self, kind: str) -> str:
        """A kind in words, with its article: ``SecurityScheme`` is ``a security scheme``."""
        words = self.names.get(kind) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).lower()
        return f"{'an' if words[0].lower() in 'aeiou' else 'a'} {words}"


def language(found: Shapes, root: str, names: Mapping[str, str] | None = None) -> Language:
    """A language whose components are as the kind ``Components`` of its table says."""
    held: dict[str, str] = {}
    for name, kinds in found["Components"].fields.items() if "Components" in found else ():
        inside = (inner for each in kinds if isinstance(each, Named) for inner in each.of)
        held.update((name, inner.kind) for inner in inside if isinstance(inner, Of))
    return Language(found, root, held, names or {})
