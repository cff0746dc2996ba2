"""Which known name somebody probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher


def nearest(name: str, known: Iterable[str], closeness: float = 0.6) -> str | None:
    """The known name most like ``name`` (case aside), or None if none is at least that close (0 to 1)."""
    best, score = None, closeness
    for candidate in known:
        likeness = SequenceMatcher(None, name.lower(), candidate.lower()).ratio()
        if likeness >= score and (best is None or likeness > score):
            best, score = candidate, likeness
    return best


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question for the reader of an error, or a list of what there is; empty if there is nothing."""
    names = sorted(set(known))
    meant = nearest(name, names)
    if meant is not None:
        return f"Did you mean '{meant}'?"
    if not names:
        return ""
    shown = ", ".join(names[:8])
    return f"There is: {shown}{', …' if len(names) > 8 else ''}."
