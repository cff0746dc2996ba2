"""Text that matches a regular expression, for patterns as contracts write them."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence, Set
from functools import lru_cache, partial
from random import Random
from typing import Any

_PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F))
_DIGITS = "0123456789"
_WORD = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
_CATEGORIES = {"DIGIT": _DIGITS, "WORD": _WORD, "SPACE": " "}
_ECMA = (  # what ECMA-262 writes otherwise than Python
    (re.compile(r"\\/"), "/"),
    (re.compile(r"\(\?<(?![=!])"), "(?P<"),
    (re.compile(r"\\p\{(?:L|Letter|Lu|Ll|Alphabetic)\}"), "A-Za-z"),
    (re.compile(r"\\p\{(?:N|Nd|Number)\}"), "0-9"),
)
_TRIES = 40


class CannotWrite(ValueError):
    """The pattern uses what this generator does not know, or nothing of the wanted length matches."""


@lru_cache(maxsize=1024)
def _parsed(pattern: str) -> tuple[Sequence[Any], re.Pattern[str]]:
    text = pattern
    for ecma, python in _ECMA:
        text = ecma.sub(partial(_within_set, python), text)
    try:
        # Python's own parser is private but has had this shape since 2.0; writing a second one is worse.
        return importlib.import_module("re._parser").parse(text), re.compile(text)
    except (re.error, OverflowError) as error:
        raise CannotWrite(str(error)) from error


def _within_set(python: str, match: re.Match[str]) -> str:
    """``\\p{L}`` becomes a range inside brackets, and brackets of its own elsewhere."""
    before = match.string[: match.start()]
    inside = before.rfind("[") > before.rfind("]")
    return python if inside or len(python) < 3 or python.startswith("(") else f"[{python}]"


def matching_text(pattern: str, random: Random, shortest: int = 0, longest: int | None = None) -> str:
    """Text in which the pattern is found, of a length between the two bounds. Raises CannotWrite."""
    tree, compiled = _parsed(pattern)
    for attempt in range(_TRIES):
        fewest = len(_Writer(random, 0, False).sequence(tree))
        least = max(shortest, fewest)
        wanted = random.randint(least, max(least, least + 4 if longest is None else min(longest, least + 8)))
        text = _Writer(random, wanted - fewest, greedy=attempt % 2 == 1).sequence(tree)
        if len(text) < shortest and not pattern.endswith("$"):
            text += "".join(random.choice(_WORD) for _ in range(shortest - len(text)))
        fits = len(text) >= shortest and (longest is None or len(text) <= longest)
        if fits and compiled.search(text):
            return text
    raise CannotWrite(f"nothing of {shortest} to {longest} characters was found")


class _Writer:
    """``spare`` is how many repetitions there may be beyond the fewest, shared out or to the first."""

    def __init__(self, random: Random, spare: int, greedy: bool) -> None:
        self.random, self.spare, self.greedy = random, spare, greedy
        self.groups: dict[int, str] = {}

    def sequence(self, tree: Any) -> str:
        return "".join(self.part(str(operator), argument) for operator, argument in tree)

    def part(self, operator: str, argument: Any) -> str:
        match operator:
            case "LITERAL":
                return chr(argument)
            case "NOT_LITERAL":
                return self.choice(set(_WORD) - {chr(argument)})
            case "ANY":
                return self.random.choice(_WORD)
            case "IN":
                return self.choice(self.members(argument))
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                fewest, most, inner = argument
                more = min(int(most) - fewest, self.spare)
                more = more if self.greedy else self.random.randint(0, more)
                self.spare -= more
                return "".join(self.sequence(inner) for _ in range(fewest + more))
            case "BRANCH":
                return self.sequence(self.random.choice(argument[1]))
            case "SUBPATTERN":
                return self.remember(argument[0], self.sequence(argument[-1]))
            case "ATOMIC_GROUP":
                return self.sequence(argument)
            case "GROUPREF":
                return self.groups.get(argument, "")
            case "AT" | "ASSERT" | "ASSERT_NOT":
                return ""  # the result is searched with the whole pattern before it is used
        raise CannotWrite(operator)

    def remember(self, group: int | None, text: str) -> str:
        if group is not None:
            self.groups[group] = text
        return text

    def choice(self, characters: Set[str]) -> str:
        if not characters:
            raise CannotWrite("an empty character class")
        return self.random.choice(_written(frozenset(characters)))

    def members(self, items: Any) -> frozenset[str]:
        return _members(tuple(items))


@lru_cache(256)
def _written(characters: frozenset[str]) -> list[str]:
    """Those that read well, in order; all of them if none does."""
    return sorted(characters & set(_WORD)) or sorted(characters)


@lru_cache(256)
def _members(items: tuple[Any, ...]) -> frozenset[str]:
    """The characters of a class, which is spelled out once and not for every character of a text."""
    found: set[str] = set()
    negated = False
    for operator, argument in items:
        match str(operator):
            case "NEGATE":
                negated = True
            case "LITERAL":
                found.add(chr(argument))
            case "RANGE":
                low, high = argument
                found |= {chr(code) for code in range(low, min(high, low + 512) + 1)}
            case "CATEGORY":
                found |= _category(str(argument))
    return frozenset(set(_PRINTABLE) - found if negated else found)


def _category(name: str) -> set[str]:
    """``CATEGORY_NOT_DIGIT`` and its like."""
    without = name.removeprefix("CATEGORY_")
    members = set(_CATEGORIES.get(without.removeprefix("NOT_"), _WORD))
    return set(_PRINTABLE) - members if without.startswith("NOT_") else members
