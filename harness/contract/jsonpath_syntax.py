"""JSONPath (RFC 9535) taken apart: text in, a frozen tree of segments and selectors out.

With ``lenient`` it also takes what draft-goessner-dispatch-jsonpath-00 writes otherwise: ``[(@.length-1)]``
for an item counted from the end, and ``@.length`` in filters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from harness.errors import ContractError

MAX_LENGTH = 4_096
"""Characters of one path."""

MAX_NESTING = 32
"""Parentheses and filters within one another."""

MAX_INTEGER = 2**53 - 1
Kind = Literal["value", "logical", "nodes"]


class PathError(ContractError):
    """A JSONPath is malformed, or asks for more work than a document is worth."""


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class Index:
    index: int


@dataclass(frozen=True, slots=True)
class Every:
    """``*``."""


@dataclass(frozen=True, slots=True)
class Slice:
    start: int | None
    stop: int | None
    step: int


@dataclass(frozen=True, slots=True)
class Filter:
    test: Test


Selector = Name | Index | Every | Slice | Filter


@dataclass(frozen=True, slots=True)
class Segment:
    """``deep`` for ``..``: the selectors apply to the node and to everything below it."""

    selectors: tuple[Selector, ...]
    deep: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """``absolute`` begins at ``$``, else at ``@``. ``length`` for a lenient ``….length`` at its end."""

    absolute: bool
    segments: tuple[Segment, ...]
    length: bool = False

    @property
    def singular(self) -> bool:
        """Whether it names one node at most (section 2.3.5.1)."""
        return all(
            not each.deep and len(each.selectors) == 1 and isinstance(each.selectors[0], Name | Index)
            for each in self.segments
        )


@dataclass(frozen=True, slots=True)
class Literal_:
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    left: Operand
    operator: str
    right: Operand


@dataclass(frozen=True, slots=True)
class Not:
    inner: Test


@dataclass(frozen=True, slots=True)
class Both:
    """All must hold (``&&``), or any with ``either`` (``||``)."""

    tests: tuple[Test, ...]
    either: bool = False


Operand = Literal_ | Query | Call
Test = Comparison | Not | Both | Query | Call

FUNCTIONS: dict[str, tuple[tuple[Kind, ...], Kind]] = {
    "length": (("value",), "value"),
    "count": (("nodes",), "value"),
    "match": (("value", "value"), "logical"),
    "search": (("value", "value"), "logical"),
    "value": (("nodes",), "value"),
}
"""Function → what it takes and gives (section 2.4)."""

_SPACE = re.compile(r"[ \t\n\r]*")
_SHORT = re.compile(r"[A-Za-z_\u0080-\ud7ff\ue000-\U0010ffff][0-9A-Za-z_\u0080-\ud7ff\ue000-\U0010ffff]*")
_INTEGER = re.compile(r"0|-?[1-9][0-9]*")
_NUMBER = re.compile(r"(?:-0|0|-?[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_FUNCTION = re.compile(r"([a-z][a-z_0-9]*)\(")
_COMPARES = re.compile(r"==|!=|<=|>=|<|>")
_WORD = re.compile(r"(true|false|null)(?![A-Za-z0-9_])")
_FROM_END = re.compile(r"\(\s*@\.length\s*-\s*([1-9][0-9]*)\s*\)")
_WORDS = {"true": True, "false": False, "null": None}
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "/": "/", "\\": "\\"}
_STRING = re.compile(r"[^'\"\\\u0000-\u001f\ud800-\udfff]+")
_SURROGATES = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
_UNICODE = re.compile(r"\\u(?![dD][89a-fA-F])([0-9a-fA-F]{4})")


@lru_cache(maxsize=1024)
def parse_path(text: str, lenient: bool = False) -> Query:
    """A path taken apart. Raises PathError."""
    reader = _Reader(text, lenient)
    if len(text) > MAX_LENGTH:
        raise PathError("", f"a JSONPath of {len(text):,} characters", f"{MAX_LENGTH:,} at most")
    if not reader.takes("$"):
        raise reader.error("'$' at its start")
    query = reader.query(absolute=True)
    if reader.at != len(text):
        raise reader.error("a segment such as .name, [0] or [?…], or the end")
    return query


class _Reader:
    """Recursive descent over the characters of one path."""

    def __init__(self, text: str, lenient: bool) -> None:
        self.text, self.lenient = text, lenient
        self.at = self.nesting = 0

    def error(self, expected: str) -> PathError:
        shown = self.text if len(self.text) <= 200 else f"{self.text[:200]}…"
        return PathError("", f"the JSONPath '{shown}' is malformed from character {self.at + 1} on", expected)

    def space(self) -> None:
        match = _SPACE.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def takes(self, text: str) -> bool:
        if self.text.startswith(text, self.at):
            self.at += len(text)
            return True
        return False

    def matched(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return match

    def want(self, text: str) -> None:
        self.space()
        if not self.takes(text):
            raise self.error(f"'{text}'")

    def deeper(self) -> None:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise self.error(f"{MAX_NESTING} levels at most")

    # queries

    def query(self, absolute: bool) -> Query:
        segments: list[Segment] = []
        while True:
            before = self.at
            self.space()
            segment = self.segment()
            if segment is None:
                self.at = before
                break
            segments.append(segment)
        last = segments[-1] if segments else None
        if self.lenient and last == Segment((Name("length"),)) and not absolute:
            return Query(absolute, tuple(segments[:-1]), length=True)
        return Query(absolute, tuple(segments))

    def segment(self) -> Segment | None:
        deep = self.takes("..")
        if not deep and self.takes("."):
            return Segment((self.short(),))
        if self.takes("["):
            return Segment(self.bracketed(), deep)
        return Segment((self.short(),), deep) if deep else None

    def short(self) -> Selector:
        if self.takes("*"):
            return Every()
        name = self.matched(_SHORT)
        if name is None:
            raise self.error("a name or '*'")
        return Name(name.group())

    def bracketed(self) -> tuple[Selector, ...]:
        self.deeper()
        found = [self.selector()]
        self.space()
        while self.takes(","):
            found.append(self.selector())
            self.space()
        self.want("]")
        self.nesting -= 1
        return tuple(found)

    def selector(self) -> Selector:
        self.space()
        if self.text[self.at : self.at + 1] in ("'", '"') and self.at < len(self.text):
            return Name(self.string())
        if self.takes("*"):
            return Every()
        if self.takes("?"):
            return Filter(self.either())
        from_end = self.matched(_FROM_END) if self.lenient else None
        if from_end:
            return Index(-self.whole(from_end[1]))
        return self.index_or_slice()

    def index_or_slice(self) -> Selector:
        start = self.integer()
        self.space()
        if not self.takes(":"):
            if start is None:
                raise self.error("a name in quotes, a number, a slice, '*' or '?'")
            return Index(start)
        self.space()
        stop = self.integer()
        self.space()
        step = None
        if self.takes(":"):
            self.space()
            step = self.integer()
        return Slice(start, stop, 1 if step is None else step)

    def integer(self) -> int | None:
        match = self.matched(_INTEGER)
        return self.whole(match.group()) if match else None

    def whole(self, digits: str) -> int:
        if len(digits) > 17 or abs(int(digits)) > MAX_INTEGER:
            raise self.error(f"a whole number of at most {MAX_INTEGER}")
        return int(digits)

    def string(self) -> str:
        quote, found = self.text[self.at], ""
        self.at += 1
        while not self.takes(quote):
            plain = self.matched(_STRING)
            found += plain.group() if plain else self.unusual(quote)
        return found

    def unusual(self, quote: str) -> str:
        """An escape, or the other quote."""
        other = "'" if quote == '"' else '"'
        if self.takes(other):
            return other
        if self.takes(f"\\{quote}"):
            return quote
        pair = self.matched(_SURROGATES)
        if pair:
            high, low = (int(each, 16) for each in pair.groups())
            return chr(0x10000 + ((high - 0xD800) << 10) + low - 0xDC00)
        code = self.matched(_UNICODE)
        if code:
            return chr(int(code[1], 16))
        character = self.text[self.at + 1 : self.at + 2]
        if self.text[self.at : self.at + 1] == "\\" and character in _ESCAPES:
            self.at += 2
            return _ESCAPES[character]
        raise self.error(f"characters, escapes as in JSON, and a closing {quote}")

    # filters

    def either(self) -> Test:
        tests = [self.both()]
        while self.spaced("||"):
            tests.append(self.both())
        return tests[0] if len(tests) == 1 else Both(tuple(tests), either=True)

    def both(self) -> Test:
        tests = [self.test()]
        while self.spaced("&&"):
            tests.append(self.test())
        return tests[0] if len(tests) == 1 else Both(tuple(tests))

    def spaced(self, operator: str) -> bool:
        self.space()
        return self.takes(operator)

    def test(self) -> Test:
        self.space()
        if self.takes("!"):
            self.space()
            inner = self.grouped() if self.text.startswith("(", self.at) else self.existence(self.operand())
            return Not(inner)
        if self.text.startswith("(", self.at):
            return self.grouped()
        left = self.operand()
        self.space()
        operator = self.matched(_COMPARES)
        if operator is None:
            return self.existence(left)
        self.space()
        return Comparison(self.comparable(left), operator.group(), self.comparable(self.operand()))

    def grouped(self) -> Test:
        self.deeper()
        self.want("(")
        inner = self.either()
        self.want(")")
        self.nesting -= 1
        return inner

    def existence(self, operand: Operand) -> Test:
        if isinstance(operand, Literal_):
            raise self.error("a comparison: a literal alone is neither true nor false")
        if isinstance(operand, Call) and FUNCTIONS[operand.function][1] == "value":
            raise self.error(f"a comparison: {operand.function}() gives a value")
        return operand

    def comparable(self, operand: Operand) -> Operand:
        if isinstance(operand, Query) and not operand.singular:
            raise self.error("a query that names one node at most, to compare with")
        if isinstance(operand, Call) and FUNCTIONS[operand.function][1] != "value":
            raise self.error(f"no comparison: {operand.function}() is true or false")
        return operand

    def operand(self) -> Operand:
        if self.takes("@"):
            return self.query(absolute=False)
        if self.takes("$"):
            return self.query(absolute=True)
        if self.at < len(self.text) and self.text[self.at] in "'\"":
            return Literal_(self.string())
        word = self.matched(_WORD)
        if word:
            return Literal_(_WORDS[word.group()])
        function = self.matched(_FUNCTION)
        if function:
            return self.call(function[1])
        number = self.matched(_NUMBER)
        if number is None:
            raise self.error("@…, $…, a literal or a function")
        return Literal_(_number(number.group()))

    def call(self, name: str) -> Call:
        if name not in FUNCTIONS:
            raise self.error(f"one of the functions {', '.join(FUNCTIONS)} before this")
        self.deeper()
        takes, arguments = FUNCTIONS[name][0], []
        for index, kind in enumerate(takes):
            if index:
                self.want(",")
            self.space()
            argument = self.operand()
            if kind == "nodes" and not isinstance(argument, Query):
                raise self.error(f"a query for {name}()")
            if kind == "value":
                self.comparable(argument)
            arguments.append(argument)
        self.want(")")
        self.nesting -= 1
        return Call(name, tuple(arguments))


def _number(text: str) -> int | float:
    if any(sign in text for sign in ".eE") or len(text) > 300:
        return float(text)
    return int(text)
