"""Integers as they may be written: 35.0 is one (JSON Schema Validation 2020-12, 6.1.1)."""

from __future__ import annotations

import re

from harness.contract.model import JSON

_EXACT = 2**53
"""From here on a double may stand for a neighbour."""

_FRACTION, _EXPONENT = re.compile(rb"\.[0-9]"), re.compile(rb"[eE][-+0-9]")
"""What a number that is no plain integer has in it; a string may have it, too."""


def whole(number: float) -> int | float:
    """The integer that a number is, itself if it is none, or one so large that digits may be lost."""
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


def whole_in(value: JSON, text: bytes) -> JSON:
    """A value, decoded from this text, with each number in it as ``whole`` has it: who counts by one that
    keeps its schema must not fail for how it was written."""
    return _whole_in(value) if _FRACTION.search(text) or _EXPONENT.search(text) else value


def _whole_in(value: JSON) -> JSON:
    if isinstance(value, float):
        return whole(value)
    if isinstance(value, dict):
        return {name: _whole_in(each) for name, each in value.items()}
    return [_whole_in(each) for each in value] if isinstance(value, list) else value
