"""What was seen on the topics, as the judge reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.kafka.wire import Record

SLOT = "portal.scheduling.slot.v1"
APPOINTMENT = "portal.scheduling.appointment.v1"
ELIGIBILITY = "portal.coverage.eligibility.v1"
DELIVERY = "portal.notifications.delivery.v1"
DEAD = tuple(f"portal.{service}.dead-letter.v1" for service in ("scheduling", "coverage", "notifications"))
TOPICS = (SLOT, APPOINTMENT, ELIGIBILITY, DELIVERY, *DEAD)

PUBLISHERS = {
    SLOT: "scheduling",
    APPOINTMENT: "scheduling",
    ELIGIBILITY: "coverage",
    DELIVERY: "notifications",
}
READS = {"scheduling": (ELIGIBILITY,), "coverage": (APPOINTMENT,), "notifications": (APPOINTMENT,)}


@dataclass(frozen=True, slots=True)
class Event:
    """One event where it stood. ``at``: Unix seconds when it was published."""

    topic: str
    partition: int
    offset: int
    key: str
    id: str
    causation: str
    sequence: int
    at: float
    payload: dict[str, Any] = field(repr=False, default_factory=dict)

    @property
    def to(self) -> str:
        return str(self.payload.get("to"))

    @property
    def began(self) -> bool:
        """Whether its aggregate began with it."""
        return self.sequence == 1

    @property
    def by_time(self) -> bool:
        """Whether a timer caused it."""
        return self.causation == self.key


def event_of(record: Record) -> Event:
    payload = record.json()
    return Event(
        record.topic,
        record.partition,
        record.offset,
        record.key or "",
        record.header("ce_id") or "",
        record.header("ce_causationid") or "",
        int(record.header("ce_sequence") or 0),
        record.timestamp_ms / 1000,
        payload if isinstance(payload, dict) else {},
    )


@dataclass(frozen=True)
class Happened:
    """``events`` in order of offset within a partition, each ``ce_id`` once; ``again``: their repetitions.

    ``dead``: how many records lie on dead-letter topics.
    """

    events: Sequence[Event]
    again: Sequence[Event]
    dead: Sequence[Record]

    def on(self, topic: str) -> list[Event]:
        return [each for each in self.events if each.topic == topic]


def happened(records: Iterable[Record]) -> Happened:
    events: list[Event] = []
    again: list[Event] = []
    dead: list[Record] = []
    seen: set[tuple[str, str]] = set()
    for record in sorted(records, key=lambda each: (each.topic, each.partition, each.offset)):
        if record.topic in DEAD:
            dead.append(record)
            continue
        event = event_of(record)
        (again if (event.topic, event.id) in seen else events).append(event)
        seen.add((event.topic, event.id))
    return Happened(events, again, dead)
