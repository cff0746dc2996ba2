"""The broker as a victim: killed while everybody uses it, and brought back on what it holds."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tests.kills.members import Struck
from tests.kills.schedule import BROKER, Kill

AWAY = 0.5
"""Seconds that it stays away, beside the time that it takes to start."""

_GRACE = 15.0


class Cluster(Protocol):
    """A broker that remembers: ``start`` brings it back with all that it held, at the same address."""

    def kill(self) -> None: ...

    def start(self) -> None: ...


@dataclass
class BrokerKeeper:
    cluster: Cluster
    struck: list[Struck] = field(default_factory=list)
    _back: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    def away(self) -> bool:
        """Whether a service may be excused for not reaching it: it is away, or came back a moment ago."""
        return time.monotonic() < self._back + _GRACE

    def keep(self, kills: Sequence[Kill]) -> None:
        """Kill it as the schedule says and bring it back each time. Blocks until it is back for good."""
        for kill in kills:
            if self._stop.wait(kill.after):
                return
            self._back = float("inf")
            self.cluster.kill()
            self.struck.append(Struck(kill, BROKER, time.time()))
            time.sleep(AWAY)
            self.cluster.start()
            self._back = time.monotonic()

    def end(self) -> None:
        self._stop.set()
