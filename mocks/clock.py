"""The time that a mock lives in: real time, which tests may move."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def utc_now() -> datetime:
    """The wall clock's time, aware."""
    return datetime.now(UTC)


class Clock:
    """``now`` tells the date, ``reading`` the seconds by which waits are measured. Safe between threads."""

    def __init__(
        self, wall: Callable[[], datetime] = utc_now, ticking: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall, self._ticking = wall, ticking
        self._moved = timedelta()
        self._passed = 0.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The mock's date and time, aware."""
        return self._wall() + self._moved

    def reading(self) -> float:
        """Seconds that only go up: those of the machine, and those that were let pass."""
        return self._ticking() + self._passed

    def forward(self, seconds: float) -> None:
        """Let time pass: waits that are due by then may end."""
        with self._lock:
            self._passed += seconds
            self._moved += timedelta(seconds=seconds)

    def set_date(self, now: datetime) -> None:
        """Make it another date, without letting any wait pass."""
        with self._lock:
            self._moved = now.astimezone(UTC) - self._wall()

    def set_back(self) -> None:
        """The machine's date again."""
        with self._lock:
            self._moved = timedelta()
