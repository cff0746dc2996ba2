"""A mock's Kafka face: messages that it receives are judged, journalled, and answered by events."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from harness.contract.expressions import Context, evaluate
from harness.contract.extent import MAX_MESSAGE, too_much
from harness.contract.integers import whole_in
from harness.contract.model import JSON, Contract, Message, MessageOperation
from harness.contract.schema import compile_schema
from harness.errors import ContractError, UsageError
from harness.kafka.broker import Broker
from harness.kafka.consuming import Consumption, Verdict, doubled
from harness.kafka.dead_letters import letter_headers
from harness.kafka.wire import Record, UndecodableValue
from harness.serving.emitting import Cause, sequence_of
from harness.serving.problems import MAX_REASONS, Problem, Reason
from harness.serving.spans import belongs_to, spans_of
from harness.serving.tracing import continued
from mocks.journal import Journal
from mocks.publishing import Outlet
from mocks.replying import Replier

LOG = logging.getLogger("portal.mocks")
REMEMBERED = 10_000
"""Message ids by which a redelivery is recognised; the oldest is forgotten first."""

AT_ONCE = 500
"""Records that are handled before they are committed, at most."""

_STOP_TIMEOUT = 10.0

DeadLetterReason = Literal["malformed", "invalid", "failed"]
"""Why a record is on the dead-letter topic: coded, so that it never repeats what was sent."""


Caused = Callable[[MessageOperation, Context, Cause], None]


@dataclass(frozen=True, slots=True)
class Taken:
    """A record that one of an operation's messages describes."""

    operation: MessageOperation
    message: Message
    payload: JSON
    headers: Mapping[str, str]


class Inlet:
    """Consumes what a contract receives, in a thread of its own and a consumer group for this run alone.

    ``caused`` does what a message causes. On a cluster that keeps its records, those from before ``start``
    are left alone.
    """

    def __init__(
        self,
        contract: Contract,
        broker: Broker,
        caused: Caused,
        outlet: Outlet,
        journal: Journal,
        replier: Replier | None = None,
    ) -> None:
        self._name = contract.service
        self._spans = spans_of(contract.service)
        self._receives = tuple(each for each in contract.receives.values() if each.channel.on_kafka)
        self._broker = broker
        self._caused = caused
        self._outlet = outlet
        self._replier = replier
        self._journal = journal
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._since_ms = 0
        self._group = f"portal-mock-{contract.service}-{uuid.uuid4().hex}"
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to consume; nothing to do for a contract that receives nothing."""
        if not self._receives:
            return
        if self._broker.capabilities.durable and not self._since_ms:
            self._since_ms = int(time.time() * 1000)
        consumption = Consumption(
            self._broker,
            self._group,
            [each.channel.address for each in self._receives],
            self.handle,
            self._stop,
            self._failed,
            at_once=AT_ONCE,
        )
        self._thread = threading.Thread(
            target=self._consume, args=(consumption,), name=f"mock-{self._name}-messages", daemon=True
        )
        self._thread.start()

    def _consume(self, consumption: Consumption) -> None:
        belongs_to(self._name)
        consumption.run()

    def take_over(self, before: Inlet) -> None:
        """Go on where another inlet ends, in its group: nothing is lost, and nothing taken twice."""
        self._group, self._since_ms, self._seen = before._group, before._since_ms, before._seen

    def stop(self) -> None:
        """Consume no more; returns when the record in hand is done."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_STOP_TIMEOUT)

    def forget(self) -> None:
        """What was received before is no repeat."""
        self._seen.clear()

    def handle(self, record: Record) -> None:
        """Judge one record, and publish the events that it causes."""
        if 0 <= record.timestamp_ms < self._since_ms:
            return
        operations = [each for each in self._receives if each.channel.address == record.topic]
        taken = [found for each in operations if (found := _taken(each, record)) is not None]
        if operations and not taken:
            with self._spans.message(record, operations[0].id) as span:
                reason = _fault(operations[0], record)
                span.failed(reason)
                self._give_up(operations[0], record, reason)
        elif taken and not self._is_repeated(record):
            for each in taken:
                with self._spans.message(record, each.operation.id) as span:
                    try:
                        self._answer(each, record, span.traceparent)
                    except Problem as refusal:
                        if refusal.status >= 500:
                            raise
                        span.failed("failed")  # the next attempt would be refused again
                        self._give_up(each.operation, record, "failed", refusal.errors)

    def _answer(self, taken: Taken, record: Record, traceparent: str) -> None:
        at, began = time.time(), time.perf_counter()
        context = Context(
            message_key=record.key, message_headers=taken.headers, message_payload=taken.payload
        )
        cause = _cause(taken, context, record, traceparent)
        self._caused(taken.operation, context, cause)
        self._reply(taken, context, cause)
        seconds, correlation = time.perf_counter() - began, cause.correlation
        self._journal.note(
            "received", taken.operation.id, record.topic, correlation, record=record, seconds=seconds, at=at
        )
        if taken.message.untold:
            self._journal.note("unjudged", taken.operation.id, taken.message.untold, cause.correlation)

    def _reply(self, taken: Taken, context: Context, cause: Cause) -> None:
        """What cannot be replied is noted: the message was taken all the same."""
        if self._replier is None:
            return
        try:
            self._replier.reply(taken.operation, taken.message, context)
        except (UsageError, ContractError) as error:
            self._journal.note("failed", taken.operation.id, error.paragraph(), cause.correlation)
            LOG.error("%s", error.paragraph())

    def _is_repeated(self, record: Record) -> bool:
        id = record.header("ce_id")
        if id is None:
            return False
        if id in self._seen:
            return True
        self._seen[id] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return False

    def _failed(self, record: Record, error: Exception, attempt: int) -> Verdict | float:
        """A record that could not be handled is tried again as ``x-retry`` says, then given up."""
        operation = next(each for each in self._receives if each.channel.address == record.topic)
        if attempt < operation.attempts:
            self._seen.pop(record.header("ce_id") or "", None)
            return doubled(operation.backoff, attempt)
        self._give_up(operation, record, "failed")
        return Verdict.GIVE_UP

    def _give_up(
        self,
        operation: MessageOperation,
        record: Record,
        reason: DeadLetterReason,
        wrong: tuple[Reason, ...] = (),
    ) -> None:
        correlation = record.header("ce_correlationid") or ""
        wrong = _violations(operation, record) if reason != "failed" else wrong
        self._journal.note("rejected", operation.id, reason, correlation, record=record, violations=wrong)
        LOG.warning("%s: %r is %s", operation.id, record, reason)
        if operation.dead_letter is None:
            return
        headers = letter_headers(record, operation.id, reason)
        self._outlet.forward(operation.dead_letter.address, record.key, headers, record.value)


def _taken(operation: MessageOperation, record: Record) -> Taken | None:
    """The record as the first of the operation's messages that describes it; None if none does."""
    headers = record.texts()
    for message, payload in _decoded(operation, record):
        if (
            message.payload is not None
            and not message.untold
            and not compile_schema(message.payload).is_valid(payload)
        ):
            continue
        if message.headers is not None and not compile_schema(message.headers).is_valid(headers):
            continue
        if message.key is not None and not compile_schema(message.key).is_valid(record.key):
            continue
        if not _counts(headers, payload):
            continue
        return Taken(operation, message, payload, headers)
    return None


def _counts(headers: Mapping[str, str], payload: JSON) -> bool:
    try:
        sequence_of(headers, payload)
    except ValueError:
        return False
    return True


def _decoded(operation: MessageOperation, record: Record) -> Iterator[tuple[Message, JSON]]:
    for message in operation.messages:
        if message.untold:  # it may be anything: the journal says so
            yield message, None
            continue
        try:
            yield message, _payload(record, message.content_type)
        except UndecodableValue:
            continue


def _payload(record: Record, content_type: str) -> JSON:
    value = record.value or b""
    if len(value) > MAX_MESSAGE:
        raise UndecodableValue(f"larger than {MAX_MESSAGE} bytes")
    payload = record.decoded(content_type)
    if (why := too_much(payload, value)) is not None:
        raise UndecodableValue(why)
    return whole_in(payload, value)


def _fault(operation: MessageOperation, record: Record) -> DeadLetterReason:
    return "invalid" if any(_decoded(operation, record)) else "malformed"


def _violations(operation: MessageOperation, record: Record) -> tuple[Reason, ...]:
    """What is wrong with a record, by the message that it breaks least; never with its values."""
    headers, wrong = record.texts(), list[list[Reason]]()
    for message in operation.messages:
        try:
            payload = None if message.untold else _payload(record, message.content_type)
        except UndecodableValue as error:
            wrong.append([Reason("", str(error))])
            continue
        found = []
        for schema, value, at in (
            (None if message.untold else message.payload, payload, ""),
            (message.headers, headers, "/headers"),
            (message.key, record.key, "/key"),
        ):
            if schema is not None:
                told = compile_schema(schema).violations(value)
                found += [Reason(f"{at}{each.pointer}", each.detail) for each in told]
        if not _counts(headers, payload):
            found.append(Reason("/headers/ce_sequence", "is not the number of this event"))
        wrong.append(found)
    return tuple(min(wrong, key=len, default=[])[:MAX_REASONS])


def _cause(taken: Taken, context: Context, record: Record, traceparent: str) -> Cause:
    """What events of this message go back to. One without CloudEvents headers is named by its place."""
    headers = taken.headers
    located = evaluate(taken.message.correlation, context) if taken.message.correlation else None
    correlation = headers.get("ce_correlationid") or (located if isinstance(located, str) else "")
    return Cause(
        correlation or str(uuid.uuid4()),
        headers.get("ce_id") or f"{record.topic}/{record.partition}/{record.offset}",
        traceparent or continued(headers.get("traceparent", "")),
    )
