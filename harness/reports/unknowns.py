"""What could not be told, gathered for people: one reason has often stood in the way of many things."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import takewhile

from harness.findings import CouldNotTell


@dataclass(slots=True)
class Unknown:
    """One reason. ``parts`` maps check and operation to what of it could not be tried, in words."""

    service: str
    reason: str
    remedy: str
    parts: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    count: int = 0

    @property
    def lines(self) -> list[str]:
        """What could not be tried, a line for each check."""
        checks: dict[str, list[str]] = {}
        for (check, operation), trying in self.parts.items():
            told = " ".join(part for part in (operation, _brief(trying)) if part)
            checks.setdefault(check, []).append(told)
        named = {check: "; ".join(each for each in told if each) for check, told in checks.items()}
        return [": ".join(part for part in pair if part) for pair in named.items() if any(pair)]


def gathered(results: Iterable[CouldNotTell]) -> list[Unknown]:
    """The results by service, reason and remedy, in the order in which each first came."""
    found: dict[tuple[str, str, str], Unknown] = {}
    for result in results:
        key = (result.service, result.reason, result.remedy)
        unknown = found.setdefault(key, Unknown(*key))
        unknown.count += 1
        trying = unknown.parts.setdefault((result.check, result.operation), [])
        if result.trying and result.trying not in trying:
            trying.append(result.trying)
    return list(found.values())


def remedies(unknowns: Iterable[Unknown]) -> dict[str, int]:
    """What to do, with how much of what could not be told each would help."""
    found: dict[str, int] = {}
    for unknown in unknowns:
        if unknown.remedy:
            found[unknown.remedy] = found.get(unknown.remedy, 0) + unknown.count
    return found


def _brief(trying: list[str]) -> str:
    """In brackets; what all begin with is said once."""
    words = [each.split(" ") for each in trying]
    alike = list(takewhile(lambda column: len(set(column)) == 1, zip(*words, strict=False)))
    shared = min(len(alike), *(len(each) - 1 for each in words)) if len(words) > 1 else 0
    rest = ", ".join(" ".join(each[shared:]) for each in words)
    return f"({' '.join([*words[0][:shared], rest])})" if rest else ""
