"""ISO 8601 durations to seconds."""

from __future__ import annotations

import re

_DURATION = re.compile(
    r"P(?=[0-9T])(?:(?P<w>\d+)W)?(?:(?P<d>\d+)D)?"
    r"(?:T(?=[0-9])(?:(?P<h>\d+)H)?(?:(?P<m>\d+)M)?(?:(?P<s>\d+(?:\.\d+)?)S)?)?\Z"
)
_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}


def seconds_of(duration: str) -> float:
    """``PT10M`` → 600.0. Raises ValueError; years and months are refused, for their length varies."""
    match = _DURATION.match(duration)
    if match is None:
        raise ValueError(duration)
    return sum(float(match[unit] or 0) * seconds for unit, seconds in _SECONDS.items())
