"""What fails again and again is told in one line, once in a while: an outage must not fill the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

EVERY = 60.0
"""Seconds in which the same outage is not told again."""


class Outage:
    """One thing that may fail for a time. For one thread at a time; ``clock`` tells seconds."""

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log, self._clock = log, clock
        self._began: float | None = None
        self._told = 0.0

    def failed(self, text: str, error: BaseException | None = None) -> None:
        """It failed, or failed again: what, where, and when it is tried again. A traceback only at debug."""
        now = self._clock()
        if self._began is None or now - self._told >= EVERY:
            self._log.warning("%s", text)
            self._told = now
        self._began = now if self._began is None else self._began
        if error is not None:
            self._log.debug("%s", text, exc_info=error)

    def over(self, text: str) -> None:
        """It goes well, as usual or again; after an outage that is told too."""
        if self._began is not None:
            self._log.warning("%s, after %.0f s", text, self._clock() - self._began)
            self._began = None
