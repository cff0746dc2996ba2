"""Whether a request or message is one that a rule, a scenario or an expectation speaks of, and why not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.contract.documents import tokens_of
from harness.contract.model import EMPTY, JSON
from harness.contract.nearest import did_you_mean
from harness.errors import UsageError

NOWHERE: Any = object()
"""What stands where nothing is; it equals nothing."""

_SHOWN = 80
"""Characters of a value that a difference shows."""

PARTS = ("path", "query", "header", "body", "key")


@dataclass(frozen=True, slots=True)
class Seen:
    """What can be matched. ``path`` and ``query`` hold values as text or decoded, a repeated one as a list;
    ``headers`` are text with lower-case names (a message's as they are spelled); ``key`` is a message's."""

    path: Mapping[str, JSON] = field(default=EMPTY)
    query: Mapping[str, JSON] = field(default=EMPTY)
    headers: Mapping[str, str] = field(default=EMPTY)
    body: JSON = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One condition that does not hold. ``part`` and ``name`` say which: body and a JSON pointer, query and a
    name; ``found`` is None for what is not there."""

    part: str
    name: str
    wanted: JSON
    found: JSON = None
    absent: bool = False

    def text(self, found: JSON = NOWHERE) -> str:
        """In words. ``found`` stands in for a value that must not be shown."""
        place = f"{self.part} {self.name}".strip() if self.part != "body" else f"body {self.name or '(all)'}"
        if self.absent:
            return f"{place}: wanted {_shown(self.wanted)}, there is none"
        was = self.found if found is NOWHERE else found
        return f"{place}: wanted {_shown(self.wanted)}, was {_shown(was)}"


@dataclass(frozen=True, slots=True)
class Match:
    """Conditions that must all hold: each value equals what the request has there.

    ``body`` maps JSON pointers (RFC 6901) to values. Text equals a number or a truth value that is spelled
    so; of a repeated query parameter one value must be equal, or all in a list.
    """

    path: Mapping[str, JSON] = field(default=EMPTY)
    query: Mapping[str, JSON] = field(default=EMPTY)
    header: Mapping[str, JSON] = field(default=EMPTY)
    body: Mapping[str, JSON] = field(default=EMPTY)
    key: str | None = None

    @property
    def conditions(self) -> int:
        """How many there are: the more, the more specific."""
        return sum(map(len, (self.path, self.query, self.header, self.body))) + (self.key is not None)

    def fits(self, seen: Seen) -> bool:
        """Whether all of them hold."""
        return next(self.differences(seen), None) is None

    def differences(self, seen: Seen) -> Iterator[Difference]:
        """Those that do not hold."""
        yield from _spelled("path", self.path, seen.path)
        yield from _spelled("query", self.query, seen.query)
        for name, wanted in self.header.items():
            given = seen.headers.get(name.lower(), seen.headers.get(name, NOWHERE))
            yield from _compared("header", name, wanted, given, _same_spelling)
        for pointer, wanted in self.body.items():
            yield from _compared("body", pointer, wanted, at(seen.body, pointer), is_same)
        if self.key is not None:
            yield from _compared("key", "", self.key, NOWHERE if seen.key is None else seen.key, is_same)

    def document(self) -> dict[str, JSON]:
        """As it is written in JSON."""
        parts = {name: dict(getattr(self, name)) for name in PARTS[:4] if getattr(self, name)}
        return {**parts, "key": self.key} if self.key is not None else parts


ANYTHING = Match()


def match_of(document: JSON, where: str) -> Match:
    """From its document. Raises UsageError for what can never match as written."""
    if not isinstance(document, Mapping):
        raise UsageError(where, "'match' is no table", "match.path, match.query, match.header or match.body")
    for name, value in document.items():
        if name not in PARTS:
            remedy = did_you_mean(str(name), PARTS)
            raise UsageError(where, f"'match' has no part '{name}'", ", ".join(PARTS), remedy)
        if name == "key":
            if not isinstance(value, str):
                raise UsageError(where, "'match.key' is no text", "a message's key")
        elif not isinstance(value, Mapping):
            raise UsageError(where, f"'match.{name}' is no table", "names, or JSON pointers, with values")
    for pointer in document.get("body", EMPTY):
        if pointer and not pointer.startswith("/"):
            raise UsageError(
                where, f"'{pointer}' in 'match.body' is no JSON pointer", "'' or one that begins with /"
            )
    return Match(**document)


def at(value: JSON, pointer: str) -> JSON:
    """What stands at a JSON pointer; a mark that equals nothing if there is nothing."""
    for token in tokens_of(pointer):
        if isinstance(value, Mapping) and token in value:
            value = value[token]
        elif isinstance(value, list) and token.isascii() and token.isdecimal() and int(token) < len(value):
            value = value[int(token)]
        else:
            return NOWHERE
    return value


def _spelled(part: str, wanted: Mapping[str, JSON], given: Mapping[str, JSON]) -> Iterator[Difference]:
    for name, value in wanted.items():
        yield from _compared(part, name, value, given.get(name, NOWHERE), _same_spelling)


def _compared(
    part: str, name: str, wanted: JSON, given: JSON, same: Callable[[JSON, JSON], bool]
) -> Iterator[Difference]:
    if given is NOWHERE:
        yield Difference(part, name, wanted, absent=True)
    elif not same(wanted, given):
        yield Difference(part, name, wanted, given)


def _same_spelling(wanted: JSON, given: JSON) -> bool:
    """As a parameter says it, which has no types of its own."""
    if isinstance(given, list) and not isinstance(wanted, list):
        return any(_same_spelling(wanted, each) for each in given)
    if isinstance(given, list) and isinstance(wanted, list):
        return len(given) == len(wanted) and all(map(_same_spelling, wanted, given))
    return is_same(wanted, given) or _text(wanted) == _text(given)


def is_same(wanted: JSON, given: JSON) -> bool:
    """Equal as JSON: 1 is 1.0, but true is not 1."""
    if isinstance(wanted, Mapping) and isinstance(given, Mapping):
        return wanted.keys() == given.keys() and all(is_same(wanted[name], given[name]) for name in wanted)
    if isinstance(wanted, list) and isinstance(given, list):
        return len(wanted) == len(given) and all(map(is_same, wanted, given))
    return isinstance(wanted, bool) == isinstance(given, bool) and bool(wanted == given)


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _shown(value: JSON) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
