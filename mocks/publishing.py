"""Sends the events that a mock's contract says a cause has, in order, each one valid."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from harness.contract.model import Contract, Transition
from harness.errors import BrokerError, ContractError, RecordTooLarge
from harness.kafka.broker import Broker
from harness.kafka.dead_letters import Headers, lighter
from harness.kafka.wire import Publisher
from harness.serving.emitting import Cause, make_event
from mocks.changes import Changes
from mocks.events import Draft, payload_of
from mocks.journal import Journal
from mocks.timers import Stay, Timers

LOG = logging.getLogger("portal.mocks")
REMEMBERED = 10_000
"""Aggregates whose last version is known; the one that changed longest ago is forgotten first."""


def utc_now() -> datetime:
    """The wall clock's time, aware."""
    return datetime.now(UTC)


class Outlet:
    """Where a mock's events leave it. Safe to use from several threads; usable once started.

    ``changes`` tells what the transitions that time makes do.
    """

    def __init__(
        self,
        contract: Contract,
        broker: Broker,
        changes: Changes,
        journal: Journal,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._contract = contract
        self._changes = changes
        self._journal = journal
        self._now = now
        self._publisher = Publisher(broker)
        self._versions: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._lock = threading.Lock()
        self._timers = Timers(self._elapsed)

    def start(self) -> None:
        """Begin to play timers."""
        self._timers.start(f"mock-{self._contract.service}-timers")

    def stop(self) -> None:
        """Stop the timers, then wait until everything sent has arrived. Raises BrokerError if it has not."""
        self._timers.stop()
        with self._lock:
            self._publisher.close()

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
                self._journal.note("failed", name, error.paragraph(), cause.correlation)
                LOG.error("%s", error.paragraph())

    def forward(self, topic: str, key: str | None, headers: Headers, value: bytes | None) -> None:
        """Send a dead letter, without its value if it is too large. Raises BrokerError."""
        with self._lock:
            try:
                self._publisher.send(topic, key, headers, value)
            except RecordTooLarge:
                self._publisher.send(topic, *lighter(key, headers), None)

    def _send(self, draft: Draft, cause: Cause) -> None:
        now = self._now()
        traced = Cause(draft.correlation or cause.correlation, cause.causation, cause.traceparent)
        with self._lock:  # the order of versions is the order on the topic
            version = self._next_version(draft)
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
            self._publisher.send(event.topic, event.key, event.headers, event.value)
        self._journal.note("published", draft.send.id, event.topic, traced.correlation)
        self._timers.entered(Stay(draft.change, traced.correlation, traced.traceparent))

    def _next_version(self, draft: Draft) -> int:
        """The document's version the first time, then ever higher, so that no consumer takes it for old."""
        at = (draft.send.channel.address, draft.key)
        version = max(draft.change.version, self._versions.pop(at, 0) + 1)
        self._versions[at] = version
        if len(self._versions) > REMEMBERED:
            self._versions.popitem(last=False)
        return version

    def _elapsed(self, stay: Stay, edge: Transition) -> None:
        cause = Cause(stay.correlation, stay.change.id, stay.traceparent)
        self.publish(self._changes.of_timer(stay.change, edge), cause)
