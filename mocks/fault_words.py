"""What can go wrong on purpose, and how it is written.

The same words stand in ``portal.toml``, in the control API and in ``X-Portal-Fault``, separated by ``;``:

    latency=300                     milliseconds (also 300ms, 1.5s); the work is done, its answer is late
    latency=uniform(100,300)        anything between
    latency=lognormal(90,0.3)       with this median and sigma: the long tail of real networks
    status=503; retry-after=2       an answer of this status, the documented one where there is one; the work
                                    is not done. 429 and 503 say 'retry-after=1' unless told otherwise
                                    ('retry-after=none' leaves it out)
    reset                           the work is done, then the connection is reset (RST)
    empty                           closed without a byte
    drop                            closed while the head is under way
    hang                            silent for 60 s, then closed
    truncate=50%, truncate=100      the body stops there (bytes) and the connection is closed, or reset with
                                    'truncate=50%; reset'
    trickle=5s                      the body comes in pieces, over this time
    malformed                       the body is no JSON
    invalid, invalid=/items/0/id    the body breaks its schema, somewhere or there
    content-type=text/html          the wrong content type
    event=lost                      of the events that it causes: none comes,
    event=late; latency=8s          it comes late (6 s unless told otherwise),
    event=doubled                   it comes again as another event (a second ce_id),
    event=redelivered               it comes again as the same event,
    event=reordered                 it comes after the next one with its key,
    event=invalid                   its payload breaks its schema,
    event=malformed                 its payload cannot be decoded
    none                            no fault, whatever the rules say
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, cast, get_args

from harness.contract.nearest import did_you_mean
from harness.errors import UsageError

LONGEST = 60.0
"""Seconds that anything is delayed at most."""

LONGEST_TEXT = 300
"""Characters of a fault as it is written."""

End = Literal["reset", "empty", "drop", "hang"]
EventFault = Literal["lost", "late", "doubled", "redelivered", "reordered", "invalid", "malformed"]

_NUMBER = r"(\d{1,9}(?:\.\d{1,6})?)"
_TIME = re.compile(rf"{_NUMBER}(ms|s)?")
_SPREAD = re.compile(rf"(uniform|lognormal)\(\s*{_NUMBER}\s*,\s*{_NUMBER}\s*\)")
_SHARE = re.compile(r"(\d{1,9})(%?)")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+")
_RETRIED = frozenset({429, 503})


@dataclass(frozen=True, slots=True)
class Latency:
    """How long; ``first`` and ``second`` are seconds, but a lognormal's sigma has no unit."""

    kind: Literal["fixed", "uniform", "lognormal"]
    first: float
    second: float = 0.0

    def seconds(self, chance: random.Random) -> float:
        """One delay, never longer than ``LONGEST``."""
        if self.kind == "uniform":
            drawn = chance.uniform(self.first, self.second)
        elif self.kind == "lognormal":
            drawn = self.first * math.exp(min(chance.gauss(0.0, self.second), 50.0))
        else:
            drawn = self.first
        return min(drawn, LONGEST)


@dataclass(frozen=True, slots=True)
class Effects:
    """What goes wrong with one exchange or event. ``text`` is how it was written.

    ``truncate`` is a number of bytes, or a share from 0 to 1 if it is a float. ``trickle`` is seconds.
    ``invalid`` is a JSON pointer, ``"*"`` for anywhere. ``retry_after`` is ``""`` for none.
    """

    text: str = ""
    latency: Latency | None = None
    status: int | None = None
    retry_after: str | None = None
    end: End | None = None
    truncate: int | float | None = None
    trickle: float | None = None
    malformed: bool | None = None
    invalid: str | None = None
    content_type: str | None = None
    event: EventFault | None = None

    @property
    def on_exchange(self) -> bool:
        """Whether an HTTP exchange itself is concerned, and not just the events that it causes."""
        return self.event is None and bool(self.text)

    def and_(self, other: Effects) -> Effects:
        """Both; where they contradict each other this one holds."""
        if self.event is not None or other.event is not None:
            return self if self.text else other
        gaps = {
            each.name: getattr(other, each.name)
            for each in fields(Effects)
            if each.name != "text" and getattr(self, each.name) is None
        }
        return replace(self, **gaps, text="; ".join(filter(None, (self.text, other.text))))


NOTHING = Effects()


def effects_of(text: str, where: str) -> Effects:
    """Read what is written. Raises UsageError: what is wrong, and what could be meant."""
    if len(text) > LONGEST_TEXT:
        raise UsageError(where, f"this fault is longer than {LONGEST_TEXT} characters")
    words: dict[str, str] = {}
    for part in filter(None, (each.strip() for each in text.split(";"))):
        word, _, value = (each.strip() for each in part.partition("="))
        if word in words:
            raise UsageError(where, f"'{word}' is said twice")
        if word not in _WORDS:
            raise UsageError(where, f"there is no fault '{word}'", *_remedy(word, _WORDS))
        words[word] = value
    if not words:
        raise UsageError(where, "no fault is named", f"one of {', '.join(_WORDS)}")
    if "none" in words:
        if len(words) > 1:
            raise UsageError(where, "'none' stands beside other faults", "'none' alone")
        return NOTHING
    found = Effects(text="; ".join(f"{word}={value}" if value else word for word, value in words.items()))
    for word, value in words.items():
        found = replace(found, **_WORDS[word](word, value, where))
    return _agreeing(found, set(words), where)


def _agreeing(found: Effects, words: set[str], where: str) -> Effects:
    ends = sorted(words & set(get_args(End)))
    if len(ends) > 1:
        raise UsageError(where, f"a connection cannot end twice: {' and '.join(ends)}", "one of them")
    if found.event is not None and words - {"event", "latency"}:
        raise UsageError(where, "'event' stands beside a fault of an HTTP answer", "'event' and 'latency'")
    if found.end is not None and found.end != "reset" and words & {"truncate", "trickle"}:
        raise UsageError(where, f"after '{found.end}' no body comes", "a body's fault, or 'reset' after it")
    if found.retry_after is not None and found.status is None:
        raise UsageError(where, "'retry-after' goes with a status", "e.g. status=503; retry-after=2")
    if found.status in _RETRIED and found.retry_after is None:
        return replace(found, retry_after="1")
    return found


def _remedy(word: str, known: Mapping[str, object]) -> tuple[str, str]:
    return f"one of {', '.join(known)}", did_you_mean(word, known)


def _time(value: str) -> float | None:
    """Seconds, None for what is no time from 0 to ``LONGEST``."""
    found = _TIME.fullmatch(value)
    if found is None:
        return None
    seconds = float(found[1]) / (1.0 if found[2] == "s" else 1000.0)
    return seconds if seconds <= LONGEST else None


def _latency(word: str, value: str, where: str) -> dict[str, Any]:
    fixed, spread = _time(value), _SPREAD.fullmatch(value)
    expected = "milliseconds up to 60000, uniform(least,most) or lognormal(median,sigma)"
    if fixed is not None:
        return {word: Latency("fixed", fixed)}
    if spread is None:
        raise UsageError(where, f"'{word}={value}' is no latency", expected)
    kind, first, second = spread[1], float(spread[2]) / 1000, float(spread[3])
    if first > LONGEST or (kind == "uniform" and not first <= second / 1000 <= LONGEST) or second > 60_000:
        raise UsageError(where, f"'{word}={value}' is no latency", expected)
    if kind == "uniform":
        return {word: Latency("uniform", first, second / 1000)}
    return {word: Latency("lognormal", first, min(second, 10.0))}


def _status(word: str, value: str, where: str) -> dict[str, Any]:
    if not re.fullmatch("[2-5][0-9][0-9]", value):
        raise UsageError(where, f"'{word}={value}' is no status", "a number from 200 to 599")
    return {word: int(value)}


def _retry_after(word: str, value: str, where: str) -> dict[str, Any]:
    if value == "none":
        return {"retry_after": ""}
    if not re.fullmatch("[0-9]{1,6}", value):
        raise UsageError(where, f"'{word}={value}' is no time", "whole seconds, or none")
    return {"retry_after": value}


def _end(word: str, value: str, where: str) -> dict[str, Any]:
    return {"end": word, **_bare(word, value, where)}


def _bare(word: str, value: str, where: str) -> dict[str, Any]:
    if value:
        raise UsageError(where, f"'{word}' takes no value", f"{word} alone")
    return {}


def _malformed(word: str, value: str, where: str) -> dict[str, Any]:
    return {word: True, **_bare(word, value, where)}


def _truncate(word: str, value: str, where: str) -> dict[str, Any]:
    found = _SHARE.fullmatch(value or "50%")
    if found is None or (found[2] and int(found[1]) > 99):
        raise UsageError(where, f"'{word}={value}' is no part of a body", "bytes, or a share up to 99%")
    return {word: int(found[1]) / 100 if found[2] else int(found[1])}


def _trickle(word: str, value: str, where: str) -> dict[str, Any]:
    seconds = _time(value or "5s")
    if seconds is None:
        raise UsageError(where, f"'{word}={value}' is no time", "milliseconds up to 60000, or e.g. 5s")
    return {word: seconds}


def _invalid(word: str, value: str, where: str) -> dict[str, Any]:
    if value and not value.startswith("/"):
        raise UsageError(where, f"'{word}={value}' is no JSON pointer", "e.g. invalid=/items/0/id")
    return {word: value or "*"}


def _content_type(_word: str, value: str, where: str) -> dict[str, Any]:
    if value and not _MEDIA_TYPE.fullmatch(value):
        raise UsageError(where, f"'{value}' is no content type", "e.g. text/html")
    return {"content_type": value or "text/html"}


def _event(word: str, value: str, where: str) -> dict[str, Any]:
    known = get_args(EventFault)
    if value not in known:
        expected, remedy = _remedy(value, dict.fromkeys(known))
        raise UsageError(where, f"there is no fault '{word}={value}'", expected, remedy)
    return {word: cast(EventFault, value)}


_WORDS: Mapping[str, Callable[[str, str, str], dict[str, Any]]] = {
    "latency": _latency,
    "status": _status,
    "retry-after": _retry_after,
    "reset": _end,
    "empty": _end,
    "drop": _end,
    "hang": _end,
    "truncate": _truncate,
    "trickle": _trickle,
    "malformed": _malformed,
    "invalid": _invalid,
    "content-type": _content_type,
    "event": _event,
    "none": _bare,
}
