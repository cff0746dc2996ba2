"""Puts events on their topics as faults will have it: not, late, twice, after the next one, or broken."""

from __future__ import annotations

import threading
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, replace

import orjson

from harness.contract.model import JSON, Message
from harness.errors import RecordTooLarge
from harness.kafka.dead_letters import Headers, lighter
from harness.kafka.wire import Publisher
from harness.serving.spans import Spans, sent_on
from mocks.breaking import broken
from mocks.fault_rules import FaultRules, Met
from mocks.fault_words import Effects
from mocks.later import Later
from mocks.matching import Seen

LATE = 6.0
"""Seconds that a late event is late: more than the five in which it is due unless a contract says more."""

HELD = 5.0
"""Seconds that an event waits for the next one of its key, to come after it."""

MOST_HELD = 1000

ASKED: ContextVar[Effects | None] = ContextVar("the fault that the request in hand asks for", default=None)
"""Set while a request is processed: what it causes then is caused in its task."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An event that is ready to be published. ``operation`` is the send operation."""

    operation: str
    message: Message | None
    topic: str
    key: str | None
    headers: tuple[tuple[str, bytes], ...]
    value: bytes | None


class Carrier:
    """The one way out for a mock's records. Safe to use from several threads; ``lock`` keeps the order of
    several records together."""

    def __init__(self, publisher: Publisher, rules: FaultRules, later: Later, spans: Spans) -> None:
        self.lock = threading.RLock()
        self._publisher, self._rules, self._later = publisher, rules, later
        self._spans = spans
        self._held: dict[tuple[str, str | None], Outgoing] = {}

    def carry(self, event: Outgoing) -> str:
        """Send an event, or what a fault makes of it; returns the fault in words, ``""`` without one.

        Raises BrokerError.
        """
        met = self._met(event)
        with self.lock:
            if met is None or met.effects.event is None:
                self._send(event)
                self._release(event)
                return ""
            return self._misbehave(event, met)

    def record(self, topic: str, key: str | None, headers: Headers, value: bytes | None) -> None:
        """Send a record that no fault concerns; without its value if it is too large. Raises BrokerError."""
        with self.lock:
            try:
                self._publisher.send(topic, key, headers, value)
            except RecordTooLarge:
                self._publisher.send(topic, *lighter(key, headers), None)

    def close(self) -> None:
        """Nothing more comes late; wait until all that was sent has arrived. Raises BrokerError if not."""
        self._later.stop()
        with self.lock:
            self._held.clear()
            self._publisher.close()

    def _met(self, event: Outgoing) -> Met | None:
        asked = ASKED.get()
        if asked is not None:
            return self._rules.asked(asked) if asked.event is not None else None
        if not self._rules.active:
            return None
        headers = {name: value.decode("utf-8", "replace") for name, value in event.headers}
        return self._rules.of_event(event.operation, Seen(headers=headers, body=_value(event), key=event.key))

    def _misbehave(self, event: Outgoing, met: Met) -> str:
        match met.effects.event:
            case "lost":
                pass
            case "late":
                self._later.after(met.delay or LATE, lambda: self._send_safely(event))
            case "doubled" | "redelivered" as how:
                self._send(event)
                self._send(_renewed(event) if how == "doubled" else event)
            case "reordered":
                return self._hold(event, met)
            case "malformed":
                self._send(
                    replace(event, value=(event.value or b"")[: len(event.value or b"") // 2] + b"\xff")
                )
            case _:
                return self._invalid(event, met.text)
        return met.text

    def _invalid(self, event: Outgoing, text: str) -> str:
        schema = event.message.payload if event.message is not None else None
        found = broken(_value(event), schema) if schema is not None else None
        if found is None:
            self._send(event)
            return f"{text} (nothing breaks the schema)"
        self._send(replace(event, value=orjson.dumps(found[0])))
        return f"{text} ({found[1]})"

    def _hold(self, event: Outgoing, met: Met) -> str:
        at = (event.topic, event.key)
        if at in self._held or len(self._held) >= MOST_HELD:  # this one is the next one of another
            self._send(event)
            self._release(event)
            return ""
        self._held[at] = event
        self._later.after(met.delay or HELD, lambda: self._release_safely(event))
        return met.text

    def _release(self, event: Outgoing) -> None:
        waiting = self._held.pop((event.topic, event.key), None)
        if waiting is not None:
            self._send(waiting)

    def _release_safely(self, event: Outgoing) -> None:
        with self.lock:
            if self._held.get((event.topic, event.key)) is event:
                self._release(event)

    def _send_safely(self, event: Outgoing) -> None:
        with self.lock:
            self._send(event)

    def _send(self, event: Outgoing) -> None:
        with self._spans.publishing(event.topic, event.headers) as span:
            self._publisher.send(event.topic, event.key, sent_on(span, event.headers), event.value)


def _renewed(event: Outgoing) -> Outgoing:
    """The same event once more, as if it had happened twice."""
    headers = tuple(
        (name, str(uuid.uuid4()).encode() if name == "ce_id" else value) for name, value in event.headers
    )
    return replace(event, headers=headers)


def _value(event: Outgoing) -> JSON:
    try:
        return orjson.loads(event.value or b"null")
    except orjson.JSONDecodeError:
        return None
