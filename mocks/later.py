"""Things that are done after a while, in one thread: late events, and messages on a schedule."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

from harness.errors import HarnessError, UsageError

LOG = logging.getLogger("portal.mocks")

MOST_WAITING = 10_000

Work = Callable[[], None]


class Later:
    """Does work when its time has come, in the order of its time. The thread begins with the first work.

    Safe to use from several threads.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._due: list[tuple[float, int, Work]] = []
        self._count = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopped = False

    def after(self, seconds: float, work: Work) -> None:
        """Have it done in so many seconds; never once stopped. Raises UsageError if too much waits."""
        with self._changed:
            if self._stopped:
                return
            if len(self._due) >= MOST_WAITING:
                raise UsageError(self._name, f"{MOST_WAITING} things wait to be done", remedy="Wait for them")
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._count), work))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify()

    def stop(self) -> None:
        """What waits is not done any more; returns when what is under way is done."""
        with self._changed:
            self._stopped = True
            self._due.clear()
            self._changed.notify()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._stopped:
                    return
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                    continue
                _, _, work = heapq.heappop(self._due)
            try:
                work()
            except HarnessError as error:
                LOG.error("%s", error.paragraph())
            except Exception:  # one thing's trouble stops no other
                LOG.exception("what had to be done later could not be done")
