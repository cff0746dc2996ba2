"""Sums and shares of money, in whole minor units: nothing is lost, and nothing is rounded twice."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from harness.contract.model import JSON

Money = dict[str, JSON]
Priced = Mapping[str, Any]
"""What has an ``amount``: a line, an allocation."""


LARGEST = 999_999_999_999
"""The contract's ``maximum``."""


def money(value: int, currency: str) -> Money:
    return {"value": value, "currency": currency}


def total(priced: Iterable[Priced]) -> int:
    return sum(int(each["amount"]["value"]) for each in priced)


def others(priced: Sequence[Priced], currency: str) -> list[int]:
    """The places of what is in another currency."""
    return [place for place, each in enumerate(priced) if each["amount"]["currency"] != currency]


def open_of(whole: int, *paid: int) -> int:
    """What nobody has paid of a whole; who has paid too much owes nothing."""
    return max(0, whole - sum(paid))


def instalments(amount: int, count: int, first: date) -> list[tuple[date, int]]:
    """So many equal parts, a month apart, that sum to the amount; the last takes the remainder."""
    part = amount // count
    parts = [part] * (count - 1)
    return [(months_on(first, n), each) for n, each in enumerate([*parts, amount - sum(parts)])]


def months_on(day: date, months: int) -> date:
    """The same day so many months later, the last one of a month that is too short for it."""
    year, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + year, month + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def taken_back(parts: Sequence[int], before: int, more: int) -> list[int]:
    """How much of each part ``more`` takes back, the last part first, when ``before`` was taken already."""
    found = [0] * len(parts)
    for place in reversed(range(len(parts))):
        gone = min(parts[place], before)
        before -= gone
        found[place] = min(parts[place] - gone, more)
        more -= found[place]
    return found
