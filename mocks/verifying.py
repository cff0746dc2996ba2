"""Whether something was called, or sent, as often as it should have been; and if not, what came closest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.contract.model import JSON
from mocks.journal import Entry, Journal, Noted
from mocks.journal_view import Filter, View
from mocks.matching import Difference, Match

Outcome = Literal["kept", "broken", "unknown"]

NEAREST = 3
"""Near misses that are told."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """How often entries that ``among`` takes and ``match`` fits are expected; None is no bound."""

    among: Filter
    match: Match
    least: int | None = None
    most: int | None = None

    @property
    def text(self) -> str:
        """How often, in words."""
        if self.least is not None and self.least == self.most:
            return f"exactly {_times(self.least)}"
        bounds = []
        if self.least is not None:
            bounds.append(f"at least {_times(self.least)}")
        if self.most is not None:
            bounds.append(f"at most {_times(self.most)}")
        return " and ".join(bounds)


@dataclass(frozen=True, slots=True)
class _Miss:
    entry: Entry
    differences: tuple[Difference, ...]


def verify(journal: Journal, view: View, expected: Expectation) -> dict[str, JSON]:
    """The verdict in JSON: ``outcome``, ``count``, ``detail`` and the ``nearest`` misses.

    Where the ring has forgotten what might have counted, what cannot be told is ``unknown``.
    """
    entries, forgotten = journal.entries()
    counted, misses = [], list[_Miss]()
    for entry in entries:
        if not expected.among.takes(entry) or not _happened(entry):
            continue
        differences = tuple(expected.match.differences(view.seen(entry)))
        if differences:
            misses.append(_Miss(entry, differences))
        else:
            counted.append(entry)
    outcome = _outcome(expected, len(counted), forgotten)
    return {
        "outcome": outcome,
        "count": len(counted),
        "detail": _detail(expected, len(counted), forgotten, outcome),
        "matching": [each.number for each in counted[-100:]],
        "nearest": [] if outcome == "kept" else [_told(each, view) for each in _closest(misses)],
    }


def _happened(entry: Entry) -> bool:
    return not isinstance(entry, Noted) or entry.kind in ("received", "rejected", "published")


def _outcome(expected: Expectation, count: int, forgotten: int) -> Outcome:
    if expected.most is not None and count > expected.most:
        return "broken"
    if expected.least is not None and count < expected.least:
        return "unknown" if forgotten else "broken"
    return "unknown" if expected.most is not None and forgotten else "kept"


def _detail(expected: Expectation, count: int, forgotten: int, outcome: Outcome) -> str:
    what = expected.among.operation or "anything"
    number = expected.match.conditions
    conditions = f" with {number} condition{'s' if number > 1 else ''}" if number else ""
    text = f"Expected {what}{conditions} {expected.text}; the journal has it {_times(count)}."
    if outcome == "unknown":
        text += (
            f" {forgotten} older entries had to make room, so this cannot be told: clear the journal before"
            " the test, or keep more entries."
        )
    return text


def _closest(misses: list[_Miss]) -> list[_Miss]:
    """Those with the fewest differences, the newest of equals first."""
    return sorted(misses, key=lambda each: (len(each.differences), -each.entry.number))[:NEAREST]


def _told(miss: _Miss, view: View) -> dict[str, JSON]:
    return {
        "number": miss.entry.number,
        "operation": miss.entry.operation or None,
        "differences": [view.told(miss.entry, each) for each in miss.differences[:20]],
    }


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
