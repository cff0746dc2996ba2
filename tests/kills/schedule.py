"""Who is killed, where and when: all of it follows from a seed."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tests.kills.points import PLACES

SERVICES = ("scheduling", "coverage", "notifications")
BROKER = "broker"
REPLICA = "replica"

DECK = (
    *SERVICES,
    *SERVICES,
    *SERVICES,
    *(("relay",) * 4),
    *(("consumer",) * 4),
    "request",
    *(("timer",) * 2),
)
"""The kinds of twenty kills. A service's own name: from outside, at any moment of its life."""

WORKERS: Mapping[str, Sequence[str]] = {
    "relay": SERVICES,
    "consumer": SERVICES,
    "request": ("scheduling",),
    "timer": ("coverage", "notifications"),
}
"""Whom a kind of kill can hit under this load: only scheduling is asked, its timers are too long."""

PASSAGES = 6
STARTING = 1.0
WORKING = 2.5
BROKER_LIVES = (4.0, 8.0)


@dataclass(frozen=True, slots=True)
class Kill:
    """The end of one life. Either ``place`` and its ``passage``, or from outside ``after`` so many seconds:
    since its start, or, if ``ready``, since it is ready."""

    kind: str
    victim: str
    place: str | None = None
    passage: int = 1
    after: float = 0.0
    ready: bool = False

    def __str__(self) -> str:
        if self.place is None:
            return f"{self.victim} {self.after:.2f} s after its {'being ready' if self.ready else 'start'}"
        return f"{self.victim} at {self.place}, passage {self.passage}"


def schedule(seed: int, count: int, broker: bool = False) -> dict[str, list[Kill]]:
    """``count`` kills by victim, in order; the same for the same seed. ``broker``: one in five is its."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    deck: list[str] = []
    while len(deck) < count:
        deck += chance.sample(DECK, len(DECK))
    lives: dict[str, list[Kill]] = {service: [] for service in SERVICES}
    if broker:
        lives[BROKER] = [
            Kill(BROKER, BROKER, after=chance.uniform(*BROKER_LIVES), ready=True) for _ in range(count // 5)
        ]
    for kind in deck[: count - len(lives.get(BROKER, ()))]:
        kill = _kill(kind, chance, lives)
        lives[kill.victim].append(kill)
    return lives


def spread(seed: int, count: int, members: Mapping[str, Sequence[str]]) -> dict[str, list[Kill]]:
    """``count`` kills of replicas, by member; ``members`` of each service. They are all of one kind."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    lives: dict[str, list[Kill]] = {}
    for service, kills in schedule(seed, count).items():
        for kill in kills:
            member = chance.choice(members[service])
            lives.setdefault(member, []).append(replace(kill, kind=REPLICA))
    return lives


def outside(victim: str, chance: random.Random) -> Kill:
    """A kill at any moment: one in four while it starts or joins its group, the others amid its work."""
    ready = chance.random() < 0.75
    return Kill(victim, victim, after=chance.uniform(0.0, WORKING if ready else STARTING), ready=ready)


def _kill(kind: str, chance: random.Random, lives: Mapping[str, Sequence[Kill]]) -> Kill:
    if kind in SERVICES:
        return outside(kind, chance)
    victim = min(WORKERS[kind], key=lambda each: (len(lives[each]), chance.random()))
    place = chance.choice([name for name in PLACES if name.startswith(f"{kind}:")])
    return Kill(kind, victim, place, chance.randint(1, PASSAGES))
