"""Transitions by ``{after: ...}``: which are running, and the thread that makes them when time is up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, insert, select, update

from harness.contract.lifecycles import Rules, waits_for
from harness.contract.lifecycles import due as due_of
from harness.contract.model import JSON, Transition
from harness.serving.outages import Outage
from harness.serving.spans import belongs_to
from reference_services.platform import tables
from reference_services.platform.aggregate import Aggregate
from reference_services.platform.clock import Clock
from reference_services.platform.failures import why
from reference_services.platform.store import Store, Transaction
from reference_services.platform.values import instant

LOG = logging.getLogger(__name__)

_T = tables.timers.c
_IDLE = 1.0
"""Seconds until another look at the table: another process may have begun a timer and have died since."""

_LAST = "9999"
_RETRY = 1.0

_STOP = delete(tables.timers).where(_T.row == bindparam("at"))
_STOP_ONE = delete(tables.timers).where(_T.row == bindparam("at"), _T.edge == bindparam("which"))
_PARK = update(tables.timers).where(_T.row == bindparam("at"), _T.edge == bindparam("which")).values(parked=1)
_UNPARK = update(tables.timers).where(_T.row == bindparam("at"), _T.parked == 1).values(parked=0)
_UNPARK_ALL = update(tables.timers).where(_T.parked == 1).values(parked=0)
_START = insert(tables.timers)
_NEXT = (
    select(_T.type, _T.id, _T.edge, _T.due, _T.row).where(_T.parked == 0).order_by(_T.due, _T.row).limit(1)
)
_RUNNING = select(_T.row).where(
    _T.row == bindparam("at"), _T.edge == bindparam("which"), _T.due == bindparam("due"), _T.parked == 0
)


@dataclass(frozen=True, slots=True)
class Due:
    """A timer that runs out at ``due`` (as ``values.instant`` writes it)."""

    type: str
    id: str
    edge: str
    due: str
    row: int


def restart(
    transaction: Transaction, aggregate: Aggregate, rules: Rules, now: datetime, *, new: bool = False
) -> None:
    """The aggregate has come into its status: stop its timers, start those of that status."""
    if not rules.timed:
        return
    if not new:
        transaction.connection.execute(_STOP, {"at": aggregate.row})
    running = [
        (key, edge)
        for key, edge in rules.timers_in(aggregate.status)
        if waits_for(edge, rules.status, aggregate.document) is not None
    ]
    _start(transaction, aggregate, running, now)


def look_again(
    transaction: Transaction, aggregate: Aggregate, rules: Rules, before: Mapping[str, JSON], now: datetime
) -> None:
    """The aggregate has changed within its status: a timer runs from when its ``when`` has come to hold, and
    to another moment if that was changed.

    ``before`` is the document as it was.
    """
    if not rules.timed:
        return
    if transaction.connection.execute(_UNPARK, {"at": aggregate.row}).rowcount:
        transaction.wake("timers")
    begun = []
    for key, edge in rules.timers_in(aggregate.status):
        was, waits = (waits_for(edge, rules.status, each) for each in (before, aggregate.document))
        if was != waits:
            transaction.connection.execute(_STOP_ONE, {"at": aggregate.row, "which": key})
            begun += [(key, edge)] if waits is not None else []
    _start(transaction, aggregate, begun, now)


def _start(
    transaction: Transaction, aggregate: Aggregate, edges: Sequence[tuple[str, Transition]], now: datetime
) -> None:
    running = [
        {
            "row": aggregate.row,
            "edge": key,
            "type": aggregate.type,
            "id": aggregate.id,
            "due": instant(due_of(edge, aggregate.document, now)),
            "parked": 0,
        }
        for key, edge in edges
    ]
    if running:
        transaction.connection.execute(_START, running)
        transaction.wake("timers", min(str(each["due"]) for each in running))


def done(transaction: Transaction, due: Due) -> None:
    transaction.connection.execute(_STOP_ONE, {"at": due.row, "which": due.edge})


def park(transaction: Transaction, due: Due) -> None:
    """Its transition failed: it waits for the aggregate's next change, or the service's next start."""
    transaction.connection.execute(_PARK, {"at": due.row, "which": due.edge})


def runs(transaction: Transaction, due: Due) -> bool:
    """Whether this very timer still runs: the state may have been left since, and entered anew."""
    asked = {"at": due.row, "which": due.edge, "due": due.due}
    return transaction.connection.execute(_RUNNING, asked).one_or_none() is not None


def next_due(transaction: Transaction) -> Due | None:
    """The timer that runs out first."""
    found = transaction.connection.execute(_NEXT).one_or_none()
    return None if found is None else Due(*found)


class Timers:
    """Works timers off in the order in which they run out: on its own thread, and when the clock is moved.

    ``fire`` makes one transition in a transaction of its own and ends the timer, or parks it.
    """

    def __init__(self, service: str, store: Store, clock: Clock, fire: Callable[[Due], None]) -> None:
        self._service, self._store, self._clock, self._fire = service, store, clock, fire
        self._outage = Outage(LOG)
        self._wake = threading.Event()
        self._awaited = ""
        self._ending = False
        self._turn = threading.Lock()
        self._thread: threading.Thread | None = None
        store.on_commit("timers", self._begun)

    def start(self) -> None:
        """Begin to work off timers, those too that failed when it last ran."""
        with self._store.transaction(write=True) as transaction:
            transaction.connection.execute(_UNPARK_ALL)
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="timers", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._ending = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def advance(self, to: datetime) -> None:
        """Move the clock forward to ``to`` step by step, so that each timer fires at its own time.

        All that fall due on the way are worked off before this returns, those that begin on the way too.
        """
        with self._turn:
            while (due := self._first()) is not None and due.due <= instant(to):
                moment = datetime.fromisoformat(due.due)
                if moment > self._clock.now():
                    self._clock.set(moment)
                self._fire(due)
            if to > self._clock.now():
                self._clock.set(to)

    def work_off(self) -> None:
        """Fire all that are due now."""
        with self._turn:
            while (due := self._first()) is not None and due.due <= instant(self._clock.now()):
                self._fire(due)

    def again(self) -> None:
        """The clock was set: see what is due."""
        self._wake.set()

    def _begun(self, due: str) -> None:
        """A timer has begun to run; only one that ends before all others changes what to wait for."""
        if due < self._awaited:
            self._wake.set()

    def _first(self) -> Due | None:
        with self._store.transaction(write=False) as transaction:
            return next_due(transaction)

    def _run(self) -> None:
        belongs_to(self._service)
        while not self._ending:
            self._wake.clear()
            self._awaited = _LAST
            try:
                self.work_off()
                wait = self._seconds_left()
                self._outage.over(f"{self._service}: timers are worked off again")
            except Exception as error:
                # Its timer is parked, or due still where the store is busy: the others are next.
                wait = _RETRY
                self._outage.failed(
                    f"{self._service}: timers cannot be worked off, in {self._store.place}: {why(error)}; "
                    f"tried again every {wait:g} s",
                    error,
                )
            if not self._ending:
                self._wake.wait(wait)

    def _seconds_left(self) -> float:
        first = self._first()
        if first is None:
            return _IDLE
        self._awaited = first.due
        left = (datetime.fromisoformat(first.due) - self._clock.now()).total_seconds()
        return min(max(left, 0.0), _IDLE)
