"""What happens when a timed transition is due: its handler in a transaction, as any other cause."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping

from harness.contract.expressions import Context, evaluate
from harness.contract.lifecycles import Timed, time_may
from harness.contract.model import Transition
from harness.serving.emitting import Cause
from harness.serving.problems import Problem
from harness.serving.spans import spans_of, traceparent_here
from reference_services.platform import records, timers
from reference_services.platform.aggregate import Aggregate
from reference_services.platform.clock import Clock
from reference_services.platform.handlers import Function
from reference_services.platform.situation import Knowledge, Situation
from reference_services.platform.store import Store, Transaction
from reference_services.platform.timers import Due
from reference_services.platform.work import Work

LOG = logging.getLogger(__name__)


class Firing:
    """``functions`` are the handlers of timed transitions, by (schema, target); ``current``: whether all
    that was told of relations is known."""

    def __init__(
        self,
        store: Store,
        knowledge: Knowledge,
        clock: Clock,
        functions: Mapping[tuple[str, str], Function],
        current: Callable[[], bool],
    ) -> None:
        self._store, self._knowledge, self._clock, self._functions = store, knowledge, clock, functions
        self._current = current
        self._spans = spans_of(knowledge.contract.service)

    def fire(self, due: Due) -> None:
        """Make the transition and end the timer.

        Nothing happens if the timer was ended meanwhile. Raises what the handler raises, with the timer
        parked: it must not keep others waiting. Problem 503, where the store is busy, leaves it due.
        """
        try:
            with (
                self._spans.occasion(f"timer {due.type}"),
                self._store.transaction(write=True) as transaction,
            ):
                self._fire(transaction, due)
        except Exception as error:
            if isinstance(error, Problem) and error.status == 503:
                raise  # not the transition's fault: it must be tried again
            LOG.error("%s %s: the transition %s failed", due.type, due.id, due.edge)
            with self._store.transaction(write=True) as transaction:
                timers.park(transaction, due)
            raise

    def _fire(self, transaction: Transaction, due: Due) -> None:
        if not timers.runs(transaction, due):
            return
        rules = self._knowledge.kind(due.type).rules
        aggregate = records.read(transaction, due.type, due.id)
        edge = None if rules is None else rules.timed.get(due.edge)
        if aggregate is None or rules is None or edge is None or aggregate.status not in edge.sources:
            timers.done(transaction, due)
            return
        timers.done(transaction, due)
        if not time_may(edge, rules.status, aggregate.document):
            return  # it begins to run when that comes to hold
        work = Work(transaction, self._knowledge, self._situation(edge, aggregate))
        function = self._functions.get((due.type, edge.to), self._change)
        function(work, aggregate)

    def _situation(self, edge: Transition, aggregate: Aggregate) -> Situation:
        correlation = aggregate.correlation or str(uuid.uuid4())
        return Situation(
            driver=Timed(aggregate.type, edge),
            cause=Cause(correlation, aggregate.id, traceparent_here()),
            now=self._clock.now(),
            context=Context(response_body=aggregate.document),
            current=self._current(),
        )

    def _change(self, work: Work, aggregate: Aggregate) -> None:
        """What a service does that has no handler for it: the transition, and those that follow it."""
        driver = work.driver
        work.change(aggregate)
        for kind in self._knowledge.kinds.values():
            if kind.rules is None or not isinstance(driver, Timed):
                continue
            for edge in kind.rules.following(driver):
                context = Context(response_body=aggregate.document)
                named = evaluate(edge.id, context) if edge.id is not None else None
                other = work.peek(kind.name, named) if isinstance(named, str) else None
                if other is not None and work.can_change(other):
                    work.change(other)
