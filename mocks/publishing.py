"""Sends the events that a mock's contract says a cause has, in order, each one valid."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime

from harness.contract.model import Contract, Message
from harness.contract.schema import says
from harness.errors import BrokerError, ContractError, HarnessError
from harness.kafka.broker import Broker
from harness.kafka.dead_letters import Headers
from harness.kafka.wire import Publisher, Record
from harness.serving.emitting import Cause, make_event
from harness.serving.spans import spans_of
from mocks.clock import utc_now
from mocks.event_faults import Carrier, Outgoing
from mocks.events import Draft, payload_of
from mocks.fault_rules import FaultRules
from mocks.journal import Journal
from mocks.later import Later
from mocks.sessions import KAFKA_HEADER
from mocks.timers import Stay

LOG = logging.getLogger("portal.mocks")
REMEMBERED = 10_000
"""Aggregates whose last version is known; the one that changed longest ago is forgotten first."""


NextVersion = Callable[[tuple[str, str | None], int], int]
"""From a topic and key, and the version that a document has, to the one that its event gets."""


class Outlet:
    """Where a mock's events leave it. Safe to use from several threads.

    ``entered`` hears of every aggregate that an event told of, unless a state holds it; ``faults`` say what
    goes wrong on the way. ``later`` is the thread for what is done after a while.
    """

    def __init__(
        self,
        contract: Contract,
        broker: Broker,
        journal: Journal,
        now: Callable[[], datetime] = utc_now,
        faults: FaultRules | None = None,
        entered: Callable[[Stay], None] = lambda _: None,
    ) -> None:
        self._contract = contract
        self._entered = entered
        self._journal = journal
        self._now = now
        self.spans = spans_of(contract.service)
        self.later = Later(f"mock-{contract.service}-later")
        self._carrier = Carrier(Publisher(broker), faults or FaultRules(), self.later, self.spans)
        self._versions: OrderedDict[tuple[str, str | None], int] = OrderedDict()

    def stop(self) -> None:
        """Wait until everything sent has arrived. Raises BrokerError if it has not."""
        self._carrier.close()

    def publish(self, drafts: Iterable[Draft], cause: Cause) -> None:
        """Send the events of one cause. What cannot be made or sent is journalled and logged, never raised:
        the cause has happened."""
        waiting = iter(drafts)
        while True:
            name = ""
            try:
                draft = next(waiting, None)
                if draft is None:
                    return
                name = draft.send.id
                self._send(draft, cause)
            except (BrokerError, ContractError) as error:
                self.failed(name, error, cause.correlation)

    def failed(self, operation: str, error: HarnessError, correlation: str) -> None:
        """Journal and log that a message of a send operation could not be made or sent."""
        self._journal.note("failed", operation, error.paragraph(), correlation)
        LOG.error("%s", error.paragraph())

    def forward(self, topic: str, key: str | None, headers: Headers, value: bytes | None) -> None:
        """Send a dead letter, without its value if it is too large. Raises BrokerError."""
        self._carrier.record(topic, key, headers, value)

    def say(self, make: Callable[[NextVersion, datetime], tuple[Outgoing, str]]) -> Outgoing:
        """Send a message that nothing caused. ``make`` makes it, with its correlation id, from what numbers
        it and the time. Raises BrokerError, and what ``make`` raises."""
        with self._carrier.lock:
            event, correlation = make(self._next, self._now())
            self._carry(event, correlation)
        return event

    def _carry(self, event: Outgoing, correlation: str) -> None:
        record = Record(event.topic, -1, -1, event.key, event.headers, event.value)
        fault = self._carrier.carry(event)
        self._journal.note("published", event.operation, event.topic, correlation, record=record, fault=fault)

    def _send(self, draft: Draft, cause: Cause) -> None:
        now = self._now()
        traced = Cause(draft.correlation or cause.correlation, cause.causation, cause.traceparent)
        with self._carrier.lock:  # the order of versions is the order on the topic
            version = self._version(draft)
            message, payload = payload_of(draft, version, now)
            event = make_event(
                self._contract,
                draft.send,
                payload,
                key=draft.key,
                cause=traced,
                sequence=version,
                now=now,
                message=message.name,
            )
            headers = event.headers + session_headers(draft.session, message)
            outgoing = Outgoing(draft.send.id, message, event.topic, event.key, headers, event.value)
            self._carry(outgoing, traced.correlation)
        if not draft.kept:
            self._entered(Stay(draft.change, traced.correlation, traced.traceparent))

    def _version(self, draft: Draft) -> int:
        """What a state holds has a version of its own; of all else the versions are counted here."""
        at = (draft.send.channel.address, draft.key)
        return draft.change.version if draft.kept else self._next(at, draft.change.version)

    def _next(self, at: tuple[str, str | None], least: int) -> int:
        """The document's version the first time, then ever higher, so that no consumer takes it for old.

        ``at`` is a topic and a key.
        """
        version = max(least, self._versions.pop(at, 0) + 1)
        self._versions[at] = version
        if len(self._versions) > REMEMBERED:
            self._versions.popitem(last=False)
        return version


def session_headers(session: str, message: Message) -> tuple[tuple[str, bytes], ...]:
    """The header that says which session a message is of, where the message's headers have room for it."""
    if not session:
        return ()
    schema, words = message.headers, ("additionalProperties", "unevaluatedProperties")
    room = schema is None or all(says(schema, word) is not False for word in words)
    return ((KAFKA_HEADER, session.encode()),) if room else ()
