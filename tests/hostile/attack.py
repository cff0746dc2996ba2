"""What an attack is: a frozen record. A new one is one more entry in its module's tuple."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from tests.hostile.defender import Defender

Tries = Callable[[Defender], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Attack:
    """One hostile input, in all its shapes.

    ``tries`` makes every shape once and tells, for each, what came back (``400 closed``, ``dead letter:
    malformed``). ``answers`` are those that are documented; anything else was not survived. ``waits`` marks
    attacks that mostly wait for a time-out of the service, so that they run side by side.
    """

    name: str
    answers: frozenset[str]
    tries: Tries
    waits: bool = False


def answers(*allowed: str) -> frozenset[str]:
    return frozenset(allowed)
