"""Messages on a schedule: so many a second, with some irregularity, until they are stopped."""

from __future__ import annotations

import random
import threading
import time
import zlib
from dataclasses import dataclass, field

from harness.errors import HarnessError, UsageError
from mocks.journal import Journal
from mocks.later import Later
from mocks.speaking import Speaker, Wish

MOST_SCHEDULES = 100


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is said how often. ``rate`` is messages a second; ``jitter`` (0 to 1) the share by which each
    interval may be longer or shorter; ``count`` how many in all, None for no end."""

    id: str
    wish: Wish
    rate: float
    jitter: float = 0.0
    count: int | None = None


@dataclass(slots=True)
class Running:
    """A schedule at work."""

    schedule: Schedule
    chance: random.Random
    due: float
    said: int = 0
    failed: int = 0
    stopped: bool = False

    @property
    def ended(self) -> bool:
        return self.stopped or (self.schedule.count is not None and self.said >= self.schedule.count)

    def interval(self) -> float:
        """Seconds until the next message."""
        return (1 + self.schedule.jitter * self.chance.uniform(-1, 1)) / self.schedule.rate


@dataclass(slots=True)
class Schedules:
    """All schedules of one mock. Safe to use from several threads."""

    speaker: Speaker
    later: Later
    journal: Journal
    seed: int = 1
    _running: dict[str, Running] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, schedule: Schedule) -> Running:
        """Begin one, in place of the one with its id. Raises UsageError if it cannot be said or held."""
        self.speaker.check(schedule.wish)
        chance = random.Random((self.seed << 32) ^ zlib.crc32(schedule.id.encode()))  # noqa: S311
        with self._lock:
            self._stop(schedule.id)
            if len(self._running) >= MOST_SCHEDULES:
                raise UsageError("schedules", f"there are {MOST_SCHEDULES} of them", remedy="Stop some")
            running = Running(schedule, chance, time.monotonic())
            self._running[schedule.id] = running
        self._plan(running)
        return running

    def remove(self, id: str) -> bool:
        """Stop one; whether there was one with this id."""
        with self._lock:
            return self._stop(id)

    def clear(self) -> None:
        """Stop all."""
        with self._lock:
            for id in list(self._running):
                self._stop(id)

    def listed(self) -> list[Running]:
        """All of them, ended ones too, in the order in which they began."""
        with self._lock:
            return list(self._running.values())

    def new_id(self) -> str:
        """An id that no schedule has."""
        with self._lock:
            numbers = range(1, MOST_SCHEDULES + 2)
            return next(f"schedule-{n}" for n in numbers if f"schedule-{n}" not in self._running)

    def _stop(self, id: str) -> bool:
        running = self._running.pop(id, None)
        if running is not None:
            running.stopped = True
        return running is not None

    def _plan(self, running: Running) -> None:
        """The next message, counted from when the last one was due: lateness does not add up."""
        running.due = max(running.due + running.interval(), time.monotonic() - 1.0)
        self.later.after(max(0.0, running.due - time.monotonic()), lambda: self._say(running))

    def _say(self, running: Running) -> None:
        if running.ended:
            return
        running.said += 1
        try:
            self.speaker.say(running.schedule.wish)
        except HarnessError as error:
            running.failed += 1
            self.journal.note("failed", running.schedule.wish.operation, error.paragraph())
        if not running.ended:
            self._plan(running)
