"""Regular expressions (ECMA-262) that somebody else wrote, matched within bounds.

``jsonschema_rs`` runs them: in linear time where they need no look-around and no backreference, with a
limit to backtracking where they do. Python's own ``re`` has no such limit, so it is given none of them.
"""

from __future__ import annotations

import re
from functools import lru_cache

import jsonschema_rs

from harness.errors import ContractError

MAX_STEPS = 100_000
"""Steps back in one match; beyond, we could not tell. Some 10 ms of work."""

MAX_COMPILED = 1024 * 1024
"""Bytes of a compiled pattern: repetitions within repetitions grow without end."""

_LIMITS = jsonschema_rs.FancyRegexOptions(backtrack_limit=MAX_STEPS, size_limit=MAX_COMPILED)
_ESCAPE_OR_CLASS = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\.", re.DOTALL)
_ANY = r"[^\n\r\u2028\u2029]"
"""What ``.`` is in ECMA-262 (LineTerminator); to the engine that runs here it is all but ``\\n``."""


class RegexError(ContractError):
    """A regular expression does not compile, or takes too long on this text."""


def found_in(pattern: str, text: str) -> bool:
    """Whether the pattern matches anywhere in the text. Raises RegexError."""
    compiled = _compiled(pattern)
    if compiled.is_valid(text):
        return True
    for error in compiled.iter_errors(text):
        if "backtrack" in error.message:
            found = f"the regular expression '{_shown(pattern)}' takes too long to match"
            raise RegexError("", found, f"one that needs fewer than {MAX_STEPS:,} steps back")
    return False


def compiles(pattern: str) -> None:
    """Raises RegexError unless the pattern compiles within bounds."""
    _compiled(pattern)


def of_json_path(pattern: str, whole: bool) -> str:
    """An I-Regexp (RFC 9485) as ECMA-262 writes it: ``.`` leaves out line ends; ``whole`` anchors it."""
    text = _with_any(pattern, r"[^\n\r]")
    return f"^(?:{text})$" if whole else text


@lru_cache(maxsize=4096)
def to_run(pattern: str) -> str:
    """A pattern of ECMA-262 as ``jsonschema_rs`` has to be given it, so that it means what it does there."""
    return _with_any(pattern, _ANY) if "." in pattern else pattern


def as_written(pattern: str) -> str:
    """What was given to ``to_run``, or says the same."""
    return pattern.replace(_ANY, ".")


def _with_any(pattern: str, any_character: str) -> str:
    return _ESCAPE_OR_CLASS.sub(lambda match: any_character if match[0] == "." else match[0], pattern)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> jsonschema_rs.Draft202012Validator:
    try:
        return jsonschema_rs.Draft202012Validator(
            {"pattern": to_run(pattern)}, pattern_options=_LIMITS, offline=True
        )
    except ValueError as error:
        found = f"'{_shown(pattern)}' is no regular expression, or a very large one"
        raise RegexError("", found, "a pattern as ECMA-262 defines it") from error


def _shown(pattern: str) -> str:
    return pattern if len(pattern) <= 80 else f"{pattern[:80]}…"
