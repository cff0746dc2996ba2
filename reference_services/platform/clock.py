"""The service's clock: real time plus an offset that the control endpoints set."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta


class Clock:
    """Time as this service knows it, UTC. Moving it moves timers, never tokens: those keep wall time."""

    def __init__(self) -> None:
        self._offset = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def set(self, now: datetime) -> None:
        """Make it ``now`` (aware), going on from there at its usual pace."""
        with self._lock:
            self._offset = now.astimezone(UTC) - datetime.now(UTC)

    def set_back(self) -> None:
        """Real time again."""
        with self._lock:
            self._offset = timedelta()
