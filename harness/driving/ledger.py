"""Who caused what: every cause that we set, the events that it must have, and what was seen beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from harness.driving.bench import Bench
from harness.driving.messages import CAUSATION, EVENT_ID
from harness.driving.watching import Expected, correlation_of, is_effect, payload_of
from harness.kafka.wire import Record

Kind = Literal["success", "refusal", "repeat", "timer"]


@dataclass(frozen=True)
class Cause:
    """One thing that we did. ``title`` says what, ``reproduce`` how to do it again.

    ``given_up`` says that it is right to find it on the dead-letter topic.
    """

    operation: str
    kind: Kind
    title: str
    correlation: str
    expected: Sequence[Expected] = ()
    reproduce: str = ""
    given_up: bool = False
    effects: list[tuple[Expected, Record]] = field(default_factory=list, compare=False)


@dataclass(frozen=True, slots=True)
class Surplus:
    """An event that nobody declared: ``cause`` is what caused it, None if nothing that we did."""

    record: Record
    cause: Cause | None
    dead_letter: bool = False


class Ledger:
    """Causes by their correlation, and which records each accounts for."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.causes: dict[str, Cause] = {}
        self._timed: set[tuple[str | None, ...]] = set()
        self._dead = {
            receive.dead_letter.address
            for receive in bench.contract.receives.values()
            if receive.dead_letter is not None
        }

    def enter(self, cause: Cause) -> Cause:
        self.causes[cause.correlation] = cause
        return cause

    def of(self, operation: str) -> list[Cause]:
        return [cause for cause in self.causes.values() if cause.operation == operation]

    def settle(self, records: Sequence[Record]) -> Iterator[Surplus]:
        """Give every record to the cause that declared it; what is left over is surplus.

        The same event delivered again (its ``ce_id``) counts once. What time alone brings about afterwards
        is declared by the lifecycle, and no surplus.
        """
        for record in _once(records):
            cause = self.cause_of(record)
            dead = record.topic in self._dead
            if cause is not None and (self._accounted(cause, record) or (dead and cause.given_up)):
                continue
            if not dead and self._by_time(record):
                continue
            if cause is None and self._preparing(record):
                continue
            if cause is not None or self.bench.alone:
                yield Surplus(record, cause, dead)

    def cause_of(self, record: Record) -> Cause | None:
        """The cause whose correlation a record carries, or that expects one under another correlation."""
        for send in self.bench.contract.sends.values():
            if send.channel.address == record.topic:
                found = self.causes.get(correlation_of(record, send) or "")
                if found is not None:
                    return found
        found = self.causes.get(correlation_of(record, None) or "")
        if found is not None:
            return found
        expecting = (
            cause
            for cause in self.causes.values()
            for expected in cause.expected
            if is_effect(self.bench, record, expected)
        )
        return next(expecting, None)

    def _accounted(self, cause: Cause, record: Record) -> bool:
        candidates = [e for e in cause.expected if is_effect(self.bench, record, e)]
        candidates.sort(key=lambda e: e.key != record.key)
        for expected in candidates:
            taken = sum(1 for each, _ in cause.effects if each is expected)
            if taken < expected.emission.count:
                cause.effects.append((expected, record))
                if any(edge.timed or edge.follows for edge in expected.emission.transitions):
                    self._first(record)
                return True
        return False

    def _by_time(self, record: Record) -> bool:
        """Whether a record is what a lifecycle's timer causes, told for the first time.

        Its causation is the aggregate whose time was up: its own, unless it follows another.
        """
        causation, to = record.header(CAUSATION), _state(record, "to")
        for lifecycle in self.bench.contract.lifecycles.values():
            send = self.bench.contract.message_operations.get(lifecycle.emits or "")
            if send is None or send.channel.address != record.topic:
                continue
            for edge in lifecycle.transitions:
                own = edge.timed and causation in (None, record.key)
                follows = edge.follows is not None and causation != self._correlation(record)
                if (own or follows) and to in (None, edge.to):
                    return self._first(record)
        return False

    def _first(self, record: Record) -> bool:
        """Whether this change of this aggregate was not told before; its timer runs once only."""
        change = (record.topic, record.key, _state(record, "from"), _state(record, "to"))
        if change in self._timed:
            return False
        self._timed.add(change)
        return True

    def _preparing(self, record: Record) -> bool:
        """Whether a request of ours caused it that only made what another one needs."""
        return self._correlation(record) in self.bench.caller.correlations

    def _correlation(self, record: Record) -> str | None:
        return correlation_of(record, None)


def _once(records: Sequence[Record]) -> Iterator[Record]:
    seen: set[tuple[str, str]] = set()
    for record in records:
        event = record.header(EVENT_ID)
        if event is not None:
            if (record.topic, event) in seen:
                continue
            seen.add((record.topic, event))
        yield record


def _state(record: Record, which: Literal["from", "to"]) -> str | None:
    """The state that an event tells of, as far as it says so."""
    payload = payload_of(record)
    state = payload.get(which) if isinstance(payload, Mapping) else None
    return state if isinstance(state, str) else None
