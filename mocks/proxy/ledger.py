"""What a proxy found out, each thing told once, however often it comes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from harness.findings import (
    CheckFinished,
    CheckStarted,
    CouldNotTell,
    Event,
    Finding,
    Passed,
    Reported,
    Result,
    RunFinished,
    RunStarted,
)

CHECK = "proxy"
_MOST = 1000
"""Different findings that are kept; of the rest only the number."""


class Ledger:
    """Findings, what could not be told, and how many exchanges kept the contract, by operation.

    ``tell`` is called for each new result. Safe to use from several threads.
    """

    def __init__(self, service: str, tell: Callable[[Result], None] = lambda _: None) -> None:
        self.service = service
        self._tell = tell
        self._results: dict[tuple[str, ...], Result] = {}
        self._times: dict[tuple[str, ...], int] = {}
        self._kept: dict[str, int] = {}
        self._more = 0
        self._lock = threading.Lock()
        self._began = time.monotonic()

    def add(self, result: Finding | CouldNotTell) -> None:
        """One more thing that was found."""
        if isinstance(result, Finding):
            key: tuple[str, ...] = ("finding", result.operation, result.title, str(result.where))
        else:
            key = ("unknown", result.operation, result.reason)
        with self._lock:
            self._times[key] = self._times.get(key, 0) + 1
            if key in self._results:
                return
            if len(self._results) >= _MOST:
                self._times.pop(key)
                self._more += 1
                return
            self._results[key] = result
        self._tell(result)

    def kept(self, operation: str) -> None:
        """An exchange that kept the contract."""
        with self._lock:
            self._kept[operation] = self._kept.get(operation, 0) + 1

    def results(self) -> list[Result]:
        """Everything, in the order in which it came; nothing at all could not be told."""
        with self._lock:
            found = list(self._results.values())
            for operation, cases in self._kept.items():
                title = "exchanges kept the contract in both directions"
                found.append(Passed(CHECK, self.service, operation, title, cases))
        if not found:
            why = "no request came through the proxy"
            found.append(
                CouldNotTell(CHECK, self.service, "", why, "Send the consumer's requests through it")
            )
        if self._more:
            why = f"{self._more} more results were found than are kept"
            found.append(CouldNotTell(CHECK, self.service, "", why))
        return found

    def repeated(self) -> int:
        """How many findings were not told because they had been told already."""
        with self._lock:
            return sum(times - 1 for key, times in self._times.items() if key[0] == "finding")

    def events(self) -> Iterator[Event]:
        """As a run's events, for reports."""
        seconds = time.monotonic() - self._began
        yield RunStarted({self.service: (CHECK,)})
        yield CheckStarted(self.service, CHECK)
        for result in self.results():
            yield Reported(result)
        yield CheckFinished(self.service, CHECK, seconds)
        yield RunFinished(seconds)
