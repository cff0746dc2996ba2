"""The inbox: each message has its effect once, in one transaction with the note that it had it.

Seen before (``ce_id``): dropped. Older than what its key has already had (``ce_sequence``): dropped, so
that nothing goes back. Not to be processed: copied to the dead letter, with where it lay and a coded reason
in its headers. Nothing ends the loop.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import bindparam, delete, insert, select, update

from harness.contract.expressions import Context
from harness.contract.model import Contract, MessageOperation
from harness.kafka.broker import Broker
from harness.kafka.consuming import Consumption, Verdict, doubled
from harness.kafka.dead_letters import letter_headers
from harness.kafka.following import Following
from harness.kafka.rights import group_of
from harness.kafka.wire import Record
from harness.serving.emitting import Cause
from harness.serving.problems import Problem
from harness.serving.relations import told
from harness.serving.spans import Span, Spans, belongs_to, spans_of
from reference_services.platform import relations, tables
from reference_services.platform.clock import Clock
from reference_services.platform.events import put
from reference_services.platform.handlers import Function
from reference_services.platform.reading import (
    LONGEST_ID,
    MessagePlan,
    Reason,
    Refused,
    chosen,
    plans_by_topic,
    read_message,
)
from reference_services.platform.situation import IncomingMessage, Knowledge, Situation
from reference_services.platform.store import Store, Transaction
from reference_services.platform.values import instant
from reference_services.platform.work import Work

LOG = logging.getLogger(__name__)

REMEMBERED = timedelta(days=30)
"""How long a ``ce_id`` is known: longer than topics usually keep their records."""

_JOIN = 5.0

_SEEN = select(tables.inbox.c.outcome).where(
    tables.inbox.c.operation == bindparam("operation"), tables.inbox.c.event == bindparam("event")
)
_NOTE = insert(tables.inbox)
_FIRST = insert(tables.received)
_FORGET = delete(tables.inbox).where(tables.inbox.c.at < bindparam("before"))
_R = tables.received.c
_LAST = select(_R.last).where(
    _R.operation == bindparam("operation"), _R.topic == bindparam("topic"), _R.key == bindparam("key")
)
_ADVANCE = (
    update(tables.received)
    .where(_R.operation == bindparam("o"), _R.topic == bindparam("t"), _R.key == bindparam("k"))
    .values(last=bindparam("new"))
)


Counted = Callable[[MessageOperation, str], None]
"""Told of each message by its receive operation, and what became of it."""


@dataclass(frozen=True, slots=True)
class Taker:
    """What takes messages in: handlers by receive operation, over one store."""

    contract: Contract
    store: Store
    knowledge: Knowledge
    clock: Clock
    functions: Mapping[str, Function]
    plans: Mapping[str, tuple[MessagePlan, ...]]
    counted: Counted
    spans: Spans

    def take(self, record: Record) -> None:
        """Have a record's effect. Raises what the handler raises: then nothing has happened."""
        for plan in chosen(self.plans.get(record.topic, ()), record):
            with self.spans.message(record, plan.operation.id) as span:
                self._take(plan, record, span)

    def _take(self, plan: MessagePlan, record: Record, span: Span) -> None:
        try:
            message = read_message(plan, record)
        except Refused as refused:
            LOG.warning("%s: %r goes to the dead letter: %s", plan.operation.id, record, refused)
            span.failed(refused.reason)
            self.bury(plan.operation, record, refused.reason)
            return
        if span.traceparent:
            message = replace(message, traceparent=span.traceparent)
        try:
            self._handle(message)
        except Problem as problem:
            if problem.status >= 500:
                raise
            # A refusal: the next attempt would be refused again.
            LOG.warning("%s: %r was refused: %s", plan.operation.id, record, problem.title)
            span.failed("failed")
            self.bury(plan.operation, record, "failed")

    def _handle(self, message: IncomingMessage) -> None:
        operation = message.operation
        with self.store.transaction(write=True) as transaction:
            if _seen(transaction, operation.id, message.id):
                LOG.info("%s: a message came again and was dropped", operation.id)
                self.counted(operation, "again")
                return
            if self._goes_back(transaction, message):
                LOG.info("%s: an outdated message was dropped", operation.id)
                self._note(transaction, operation.id, message.id, "stale")
                self.counted(operation, "stale")
                return
            situation = self._situation(message)
            work = Work(transaction, self.knowledge, situation)
            if (said := told(operation, situation.context)) is not None:
                actor, subject = work.settled(said.actor), work.settled(said.subject)
                relations.note(transaction, operation.id, replace(said, actor=actor, subject=subject))
            if (function := self.functions.get(operation.id)) is not None:
                function(work, message)
            work.finish([each for each in operation.emits if not each.transitions], None, None)
            self._note(transaction, operation.id, message.id, "done")
        self.counted(operation, "done")

    def bury(self, operation: MessageOperation, record: Record, reason: Reason) -> None:
        """Copy a record to the operation's dead letter, through the outbox, once."""
        event = record.header("ce_id") or ""
        if not 0 < len(event) <= LONGEST_ID:
            event = f"{record.topic}/{record.partition}/{record.offset}"
        with self.store.transaction(write=True) as transaction:
            if _seen(transaction, operation.id, event):
                self.counted(operation, "again")
                return
            self._note(transaction, operation.id, event, "dead")
            self.counted(operation, "dead")
            if operation.dead_letter is None:
                LOG.error("%s: %r is lost: the contract names no x-dead-letter", operation.id, record)
                return
            headers = letter_headers(record, operation.id, reason)
            put(transaction, operation.dead_letter.address, record.key, headers, record.value)

    def _situation(self, message: IncomingMessage) -> Situation:
        context = Context(
            message_key=message.key, message_headers=message.headers, message_payload=message.payload
        )
        return Situation(
            driver=message.operation.id,
            cause=Cause(message.correlation, message.id, message.traceparent),
            now=self.clock.now(),
            context=context,
            message=message,
        )

    def _goes_back(self, transaction: Transaction, message: IncomingMessage) -> bool:
        """Whether something newer of the same key was taken in; remembers this one if not."""
        if message.sequence is None or message.key is None:
            return False
        place = {"operation": message.operation.id, "topic": message.topic, "key": message.key}
        last = transaction.connection.execute(_LAST, place).scalar_one_or_none()
        if last is None:
            row = {**place, "last": message.sequence}
            transaction.connection.execute(_FIRST, row)
        elif message.sequence < last:
            return True
        elif message.sequence > last:
            transaction.connection.execute(
                _ADVANCE,
                {"o": place["operation"], "t": place["topic"], "k": place["key"], "new": message.sequence},
            )
        return False

    def _note(self, transaction: Transaction, operation: str, event: str, outcome: str) -> None:
        """Remember what became of a message, and forget what came so long ago that it will not come again."""
        now = self.clock.now()
        row = {"operation": operation, "event": event, "outcome": outcome, "at": instant(now)}
        transaction.connection.execute(_FORGET, {"before": instant(now - REMEMBERED)})
        transaction.connection.execute(_NOTE, row)


def _seen(transaction: Transaction, operation: str, event: str) -> bool:
    found = transaction.connection.execute(_SEEN, {"operation": operation, "event": event})
    return found.scalar_one_or_none() is not None


class Inbox:
    """The threads that consume: one for each consumer group that the contract names."""

    def __init__(self, broker: Broker, taker: Taker) -> None:
        self._broker, self._taker = broker, taker
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._members: list[Consumption] = []
        receives = taker.contract.receives.values()
        self._followed = frozenset(each.channel.address for each in receives if each.relation)
        self._within = min((each.relation.within for each in receives if each.relation), default=0.0)

    def start(self) -> None:
        """Begin to consume; returns at once."""
        self._stop.clear()
        for group, topics in self._groups().items():
            member = Consumption(
                self._broker, group, topics, self._taker.take, self._stop, self._on_error,
                follows=self._followed.intersection(topics),
            )  # fmt: skip
            self._members.append(member)
            thread = threading.Thread(
                target=self._consume, args=(member,), name=f"inbox {group}", daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def ready(self, timeout: float = _JOIN) -> bool:
        """Wait (seconds) until every group is joined, and what tells of relations is read; False if not."""
        ends = time.monotonic() + timeout
        joined = all(each.assigned.wait(ends - time.monotonic()) for each in self._members)
        return joined and all(each.caught_up.wait(ends - time.monotonic()) for each in self._following())

    def current(self) -> bool:
        """Whether all is known that was told of relations as long ago as an end of them may stay unknown."""
        following = self._following()
        return bool(following) and all(
            time.monotonic() - each.current_at <= self._within for each in following
        )

    def _following(self) -> list[Following]:
        return [each.following for each in list(self._members) if each.following.topics]

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._threads.clear()
        self._members.clear()

    def _consume(self, member: Consumption) -> None:
        belongs_to(self._taker.contract.service)
        member.run()

    def _groups(self) -> dict[str, list[str]]:
        groups: dict[str, list[str]] = {}
        for operation in self._taker.contract.receives.values():
            group = group_of(self._taker.contract, operation)
            groups.setdefault(group, []).append(operation.channel.address)
        return groups

    def _on_error(self, record: Record, error: Exception, attempt: int) -> Verdict | float:
        """After the contract's attempts the dead letter; before that a wait that doubles each time."""
        plans = chosen(self._taker.plans.get(record.topic, ()), record)
        attempts = max((plan.operation.attempts for plan in plans), default=1)
        if isinstance(error, Problem) and error.status == 503:
            return Verdict.RETRY  # the store is busy: that is not the message's fault
        if attempt < attempts:
            return doubled(max(plan.operation.backoff for plan in plans), attempt)
        for plan in plans:
            self._taker.bury(plan.operation, record, "failed")
        return Verdict.GIVE_UP


def taker_of(
    contract: Contract,
    store: Store,
    knowledge: Knowledge,
    clock: Clock,
    functions: Mapping[str, Function],
    counted: Counted,
) -> Taker:
    spans = spans_of(contract.service)
    return Taker(contract, store, knowledge, clock, functions, plans_by_topic(contract), counted, spans)
