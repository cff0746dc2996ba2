"""Regular expressions: that they are some, and that none takes for ever."""

from __future__ import annotations

from collections.abc import Iterator

from harness.contract.node import Node
from harness.findings import Finding
from harness.lint.regex_cost import explodes
from harness.lint.regex_syntax import NoRegex, parse
from harness.lint.rule import Rule, finding
from harness.lint.source import Source

_SHOWN = 100


def _patterns(source: Source) -> Iterator[tuple[Node, str]]:
    """Node and text of every ``pattern``, and of every key of ``patternProperties``."""
    for piece in source.walk.of("Schema"):
        value = piece.node.value
        if not isinstance(value, dict):
            continue
        if isinstance(value.get("pattern"), str):
            yield piece.node.child("pattern"), value["pattern"]
        named = value.get("patternProperties")
        for text in named if isinstance(named, dict) else ():
            yield piece.node.child("patternProperties").child(text), text


def compiling(source: Source) -> Iterator[Finding]:
    """What ECMA-262 does not take for a regular expression."""
    for node, text in _patterns(source):
        try:
            parse(text)
        except NoRegex as error:
            yield finding(
                "pattern",
                source,
                node.place,
                "this is no regular expression",
                received=f"{_shown(text)} ({error.why}, at character {error.at + 1})",
                documented="a regular expression as ECMA-262 defines it",
            )


def bounded(source: Source) -> Iterator[Finding]:
    """Patterns for which a text was found that takes exponentially many steps."""
    for node, text in _patterns(source):
        if explodes(text):
            yield finding(
                "pattern-cost",
                source,
                node.place,
                "this regular expression explodes",
                received=_shown(text),
                documented="repetitions of which no two can take the same text",
            )


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


RULES = (
    Rule(
        "pattern",
        "every pattern is a regular expression of ECMA-262",
        source=compiling,
        why="Validators refuse the whole schema, or leave the pattern out.",
        mend="Write it in JavaScript's dialect: no inline flags, no possessive quantifiers, (?<name>…).",
    ),
    Rule(
        "pattern-cost",
        "no pattern takes exponential time",
        source=bounded,
        why="A short text that somebody sends on purpose keeps a backtracking matcher busy for years.",
        mend="Let no repetition hold another that may read the same text; a maxLength limits the harm.",
    ),
)
