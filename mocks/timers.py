"""Plays the transitions that time alone makes, for the aggregates that a mock keeps or has told about.

What is remembered of each is how it was last, and since when it is in this state.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from harness.contract.lifecycles import due, waits_for
from harness.contract.model import JSON, Transition
from mocks.clock import Clock
from mocks.events import Change

LOG = logging.getLogger("portal.mocks")
REMEMBERED = 10_000
"""Aggregates whose timers run; the one that changed longest ago is forgotten first."""

_PLAYED = -1
"""The number of a wait that is over: it comes again when the state is entered, or ``when`` holds, anew."""

_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Stay:
    """An aggregate in a state, and what its next event must carry on. ``session`` is the one it lives in."""

    change: Change
    correlation: str
    traceparent: str
    session: str = ""


@dataclass(slots=True)
class _Running:
    """A stay and the waits that run in it: the number of each in the queue, by its transition."""

    stay: Stay
    waits: dict[Transition, int] = field(default_factory=dict)


Elapsed = Callable[[Stay, Transition], None]
"""Called in the timers' thread when a stay has lasted as long as a transition asks."""


class Timers:
    """Calls ``elapsed`` for each ``after`` or ``at`` transition whose time has come.

    Time counts from entering the state, for a transition with ``when`` from when that has come to hold.
    Safe to use from several threads.
    """

    def __init__(self, elapsed: Elapsed, clock: Clock | None = None) -> None:
        self._elapsed = elapsed
        self._clock = clock or Clock()
        self._playing = threading.RLock()
        self._running: OrderedDict[_Key, _Running] = OrderedDict()
        self._due: list[tuple[float, int, _Key, Transition]] = []
        self._count = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self._thread: threading.Thread | None = None

    def start(self, name: str) -> None:
        """Begin to play, in a thread of that name."""
        self._thread = threading.Thread(target=self._play, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Play no more; returns when the thread has ended."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def advance(self, seconds: float) -> None:
        """Let time pass on the clock; what is due by then has been played, in order, when this returns."""
        with self._playing:
            end = self._clock.reading() + seconds
            while True:
                with self._changed:
                    due = self._due[0][0] if self._due else None
                    if due is None or due > end or self._stopped:
                        break
                    self._clock.forward(max(0.0, due - self._clock.reading()))
                    taken = self._taken()
                if taken is not None:
                    self._try(*taken)
            self._clock.forward(max(0.0, end - self._clock.reading()))
        with self._changed:
            self._changed.notify()

    def forget(self) -> None:
        """Nothing waits any more: there is nothing that could change."""
        with self._playing, self._changed:
            self._running.clear()
            self._due.clear()
            self._changed.notify()

    def left(self, session: str, schema: str, id: str) -> None:
        """An aggregate is no more."""
        with self._changed:
            self._running.pop((session, schema, id), None)

    def entered(self, stay: Stay) -> None:
        """An aggregate is as told from now on. One that stays in its state stays since when it did."""
        change = stay.change
        if change.lifecycle is None or change.state is None:
            return
        key = (stay.session, change.lifecycle.schema, change.id)
        with self._changed:
            running = self._running.pop(key, None)
            if running is None or running.stay.change.state != change.state:
                running = _Running(stay)
            else:  # the correlation stays that of what began the state
                for edge in _timed(change):
                    if _waits_for(edge, running.stay.change) != _waits_for(edge, change):
                        running.waits.pop(edge, None)
                running.stay = replace(running.stay, change=change)
            if any(_timed(change)) and not self._stopped:
                self._follow(key, running)

    def _follow(self, key: _Key, running: _Running) -> None:
        change, now, date = running.stay.change, self._clock.reading(), self._clock.now()
        self._running[key] = running
        for edge in _timed(change):
            if _waits_for(edge, change) is None:
                running.waits.pop(edge, None)
            elif edge not in running.waits:
                running.waits[edge] = next(self._count)
                left = max(0.0, (due(edge, change.document, date) - date).total_seconds())
                heapq.heappush(self._due, (now + left, running.waits[edge], key, edge))
        if len(self._running) > REMEMBERED:
            forgotten, _ = self._running.popitem(last=False)
            LOG.warning("too many timers run; that of %s %s is forgotten", *forgotten[1:])
        if len(self._due) > 8 * REMEMBERED:
            self._due = [each for each in self._due if self._runs(*each[1:])]
            heapq.heapify(self._due)
        self._changed.notify()

    def _runs(self, number: int, key: _Key, edge: Transition) -> bool:
        """Whether this very wait still runs: it may have ended, and begun anew."""
        running = self._running.get(key)
        return running is not None and running.waits.get(edge) == number

    def _play(self) -> None:
        while True:
            with self._changed:
                if self._stopped:
                    return
                wait = self._due[0][0] - self._clock.reading() if self._due else None
                if wait is None or wait > 0:
                    self._changed.wait(None if wait is None else min(wait, threading.TIMEOUT_MAX))
                    continue
            with self._playing:
                with self._changed:
                    due = self._due[0][0] if self._due else None
                    if self._stopped or due is None or due > self._clock.reading():
                        continue
                    taken = self._taken()
                if taken is not None:
                    self._try(*taken)

    def _taken(self) -> tuple[Stay, Transition] | None:
        """The wait that is over, taken from the queue; None if it had ended before."""
        _, number, key, edge = heapq.heappop(self._due)
        if not self._runs(number, key, edge):
            return None
        running = self._running[key]
        running.waits[edge] = _PLAYED
        return running.stay, edge

    def _try(self, stay: Stay, edge: Transition) -> None:
        try:
            self._elapsed(stay, edge)
        except Exception:  # one aggregate's trouble stops no other's clock
            LOG.exception("the transition to %s by time could not be played", edge.to)


def _waits_for(edge: Transition, change: Change) -> JSON:
    return None if change.lifecycle is None else waits_for(edge, change.lifecycle.status, change.document)


def _timed(change: Change) -> Iterator[Transition]:
    """The transitions out of a change's state that time alone makes."""
    for edge in change.lifecycle.transitions if change.lifecycle else ():
        if edge.timed and change.state in edge.sources:
            yield edge
