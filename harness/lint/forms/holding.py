"""Holds a document to its table and tells every fault, each at its own line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from harness.contract.model import JSON, Place
from harness.contract.nearest import did_you_mean
from harness.contract.node import Node, kind
from harness.contract.schema import Validator, compile_schema, schema_of
from harness.lint.forms.grammar import (
    Choice,
    Either,
    Listed,
    Mapped,
    Named,
    Plain,
    Shape,
    Type,
    shape_of,
    type_of,
)

_EXTENSION = re.compile(r"x-[A-Za-z0-9_.-]+\Z")
_COMPONENT = re.compile(r"[A-Za-z0-9_.-]+\Z")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """``received`` is what is written, ``documented`` what should be; ``where`` is its line."""

    where: Place
    title: str
    received: str
    documented: str
    sure: bool = True
    """False for what the format's text forbids and its published schema lets pass: a warning."""


_Found = Fault | Iterator[object]
"""A fault, or what finds more of them in the same way."""

Check = Callable[["Holding", Node], Iterator[Fault]]
"""A rule that no shape can say."""

Table = Mapping[str, str | Check]
"""Name → shape, type (a text that begins with ``=> ``), or rule."""


class Holding:
    """One document held to one table."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def faults(self, node: Node, text: str) -> Iterator[Fault]:
        """What is wrong with a value that must be of a type."""
        yield from self.check(node, type_of(text))

    def fit(self, node: Node, type_: Type) -> bool:
        return next(self.certain(node, type_), None) is None

    def certain(self, node: Node, type_: Type) -> Iterator[Fault]:
        return (fault for fault in self.check(node, type_) if fault.sure)

    def check(self, node: Node, type_: Type) -> Iterator[Fault]:
        """What is wrong with a value, its parts included: those wait in a list, for they may lie deep."""
        waiting: list[Iterator[object]] = [self._check(node, type_)]
        while waiting:
            found = next(waiting[-1], None)
            if isinstance(found, Fault):
                yield found
            elif isinstance(found, Iterator):
                waiting.append(found)
            else:
                waiting.pop()

    def _check(self, node: Node, type_: Type) -> Iterator[_Found]:
        match type_:
            case Plain():
                yield _plain(node, type_)
            case Choice():
                if not any(_equal(node.value, each) for each in type_.values):
                    allowed = ", ".join(str(each) for each in type_.values)
                    hint = did_you_mean(str(node.value), map(str, type_.values))
                    yield wrong(node, f"one of {allowed}" if len(type_.values) > 1 else allowed, hint)
            case Listed():
                yield self._listed(node, type_)
            case Mapped():
                yield self._mapped(node, type_)
            case Either():
                yield self._either(node, type_)
            case Named():
                yield self._named(node, type_)

    def _listed(self, node: Node, type_: Listed) -> Iterator[_Found]:
        if not isinstance(node.value, list):
            yield wrong(node, "a list")
            return
        if type_.filled and not node.value:
            yield wrong(node, "a list of at least one")
        if type_.unique and not _formal({"uniqueItems": True}).is_valid(node.value):
            yield Fault(node.place, f"{node.called} has an item twice", shown(node.value), "each item once")
        for index in range(len(node.value)):
            yield self._check(node.child(index), type_.of)

    def _mapped(self, node: Node, type_: Mapped) -> Iterator[_Found]:
        if not isinstance(node.value, dict):
            yield wrong(node, "a mapping")
            return
        for key in node.value:
            if type_.keys == "components" and not _COMPONENT.match(key):
                title = f"'{key}' is no name for a component"
                yield Fault(
                    node.child(key).place, title, key, "letters, digits, '.', '-' and '_'", sure=False
                )
                continue
            if type_.keys == "templates" and (not key or not _format("uri-template").is_valid(key)):
                yield Fault(node.child(key).place, f"'{key}' is no URI template", key, "an RFC 6570 template")
            if type_.keys == "patterns" and not _format("regex").is_valid(key):
                title = f"'{key}' is no regular expression"
                yield Fault(node.child(key).place, title, key, "an ECMA 262 regular expression")
            yield self._check(node.child(key), type_.of)

    def _either(self, node: Node, type_: Either) -> Iterator[Fault]:
        """Nothing if one fits; else what is wrong with it as the kind that it comes nearest to."""
        found = [list(self.check(node, each)) for each in type_.types]
        certain = [[fault for fault in faults if fault.sure] for faults in found]
        if all(certain):
            if all(each[0].where == node.place and len(each) == 1 for each in certain):
                yield wrong(node, " or ".join(dict.fromkeys(each[0].documented for each in certain)))
            else:
                yield from min(certain, key=lambda faults: (faults[0].where == node.place, len(faults)))

    def _named(self, node: Node, type_: Named) -> Iterator[_Found]:
        if type_.referable and isinstance(node.value, dict) and "$ref" in node.value:
            yield self._referring(node, type_)
            return
        entry = self.table[type_.name]
        if callable(entry):
            yield entry(self, node)
        elif entry.startswith("=> "):
            yield self._check(node, type_of(entry[3:]))
        else:
            yield self._shaped(node, shape_of(entry), type_.name)

    def _referring(self, node: Node, type_: Named) -> Iterator[Fault]:
        yield from self.check(node.child("$ref"), Plain("uriref"))
        if self.fit(node.child("$ref"), Plain("uriref")) and self.fit(node, Named(type_.name)):
            title = f"{node.called} reads both as a reference and as {article(type_.name)}"
            yield Fault(
                node.place,
                title,
                f"$ref: {shown(node.value['$ref'])}",
                "one reading: this version's published schema takes no $ref here. "
                "Write it out, or move to a later version",
            )

    def _shaped(self, node: Node, shape: Shape, name: str) -> Iterator[_Found]:
        """What is wrong with an object against its shape; ``name`` is what people call it."""
        if not isinstance(node.value, dict):
            if shape.loose:
                yield Fault(
                    node.place,
                    f"{node.called} is {kind(node.value)}",
                    shown(node.value),
                    article(name),
                    False,
                )
            else:
                yield wrong(node, article(name))
            return
        for key in shape.required:
            if key not in node.value:
                near = [each for each in node.value if each not in shape.keys]
                yield Fault(
                    node.place,
                    f"{spoken(name)} has no '{key}'",
                    f"{node.called}: {', '.join(node.value) or 'nothing'}",
                    f"'{key}'"
                    + (f". {did_you_mean(key, near)}" if did_you_mean(key, near).startswith("Did") else ""),
                )
        for key in node.value:
            if key in shape.keys:
                yield self._check(node.child(key), shape.keys[key])
            elif not shape.open and not (shape.extensible and _EXTENSION.match(key)):
                yield Fault(
                    node.child(key).place,
                    f"'{key}' means nothing in {article(name)}",
                    key,
                    f"a key of {article(name)}. {did_you_mean(key, shape.keys)}".strip(),
                )
        for rule in shape.rules:
            check = self.table[rule]
            if callable(check):
                yield check(self, node)


def wrong(node: Node, expected: str, hint: str = "") -> Fault:
    """The fault of a value that is of another kind than it should be."""
    title = (
        f"{node.called} is not {expected}"
        if not isinstance(node.value, dict | list)
        else f"{node.called} is {kind(node.value)}"
    )
    return Fault(
        node.place, title, shown(node.value), f"{expected}. {hint}".strip(". ") if hint else expected
    )


def shown(value: JSON) -> str:
    if isinstance(value, dict | list) or value is None:
        return kind(value)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def spoken(name: str) -> str:
    """A shape's name as people write it: ``ServerVariable`` is a server variable."""
    words = re.sub(r"\d+\Z", "", name)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", words).lower()


def article(name: str) -> str:
    text = spoken(name)
    return text if text.endswith("ings") else f"{'an' if text[0] in 'aeio' else 'a'} {text}"


@lru_cache(maxsize=256)
def _compiled(word: str, value: JSON) -> Validator:
    return compile_schema(schema_of({word: value}))


def _formal(schema: dict[str, JSON]) -> Validator:
    ((word, value),) = schema.items()
    return _compiled(word, value)


def _format(name: str) -> Validator:
    return _compiled("format", name)


_NAME = "[A-Za-z_][A-Za-z0-9_]*"
_TEXTS: Mapping[str, tuple[str, str, str]] = {
    "uri": ("format", "uri", "a URI"),
    "email": ("format", "email", "an email address"),
    "uriref": ("format", "uri-reference", "a URI or a relative reference"),
    "template": ("format", "uri-template", "a URI template"),
    "regex": ("format", "regex", "a regular expression"),
    "expr": (
        "pattern",
        r"^\$message\.(header|payload)#(/([^/~]|~[01])*)*",
        "a runtime expression: $message.header#/… or $message.payload#/…",
    ),
    "avroname": ("pattern", f"^{_NAME}$", "a name of letters, digits and '_'"),
    "avrotype": ("pattern", rf"^{_NAME}(\.{_NAME})*$", "the name of a type"),
    "avrospace": ("pattern", rf"^({_NAME}(\.{_NAME})*)*$", "names with dots between"),
    "linkedin": ("pattern", r"^https?://(www\.)?linkedin\.com", "an address at linkedin.com"),
}
"""Kinds of text: the JSON Schema word that decides, its value, and how people say it."""


def _plain(node: Node, type_: Plain) -> Iterator[Fault]:
    value = node.value
    match type_.kind:
        case "any":
            return
        case "map":
            if not isinstance(value, dict):
                yield wrong(node, "a mapping")
        case "null":
            if value is not None:
                yield wrong(node, "null")
        case "bool":
            if not isinstance(value, bool):
                yield wrong(node, "true or false")
        case "int" | "num":
            whole = type_.kind == "int"
            fits = isinstance(value, int | float) and not isinstance(value, bool)
            fits = fits and (not whole or isinstance(value, int) or value.is_integer())
            if not fits or not _within(value, type_):
                yield wrong(node, f"{'a whole number' if whole else 'a number'}{_bounds(type_)}")
        case _:
            word, decisive, said = _TEXTS.get(type_.kind, ("", "", "text"))
            if not isinstance(value, str) or not _within(len(value), type_):
                yield wrong(node, said + (f" of length{_bounds(type_)}" if _bounds(type_) else ""))
            elif word and not _compiled(word, decisive).is_valid(value):
                yield wrong(node, said)


def _within(number: float, type_: Plain) -> bool:
    return (type_.low is None or number >= type_.low) and (type_.high is None or number <= type_.high)


def _bounds(type_: Plain) -> str:
    low = f" from {type_.low:g}" if type_.low is not None else ""
    return low + (f" up to {type_.high:g}" if type_.high is not None else "")


def _equal(value: JSON, choice: str | int) -> bool:
    """JSON's equality: true is not 1."""
    return not isinstance(value, bool) and bool(value == choice)
