"""Whether anything was lost, doubled or turned round: from the topics and the answers alone."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.kills.clients import COVERED, Told
from tests.kills.happened import APPOINTMENT, DELIVERY, ELIGIBILITY, SLOT, Event, Happened

STEPS = {ELIGIBILITY: ("queued", "complete"), DELIVERY: ("preparation", "in-progress", "completed")}
_NOT_SENT = {"completed": ("completed", "not-done")}


@dataclass(frozen=True, slots=True)
class Wrong:
    """``at``: the Unix time of what was lost, or of what should not be there."""

    at: float
    rule: str
    detail: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the services answer at the end: documents, and versions as their ETags say them."""

    appointments: Mapping[str, tuple[int, Mapping[str, Any]]]
    slots: Mapping[str, tuple[int, Mapping[str, Any]]]


def missing(happened: Happened, told: Told) -> list[Wrong]:
    """What must still come about: empty once all work is done."""
    effects = _by_cause(happened.events)
    return [*_without_effect(happened, told, effects), *_unfinished(happened)]


def judge(happened: Happened, told: Told, standing: Standing) -> list[Wrong]:
    """Everything that is wrong after a round, by time."""
    found = [
        *(Wrong(at, "answer", what) for at, what in told.complaints),
        *missing(happened, told),
        *_out_of_order(happened),
        *_doubled(happened),
        *_never_told(happened, told),
        *_dead(happened),
        *_standing(happened, told, standing),
    ]
    return sorted(found, key=lambda each: each.at)


def _by_cause(events: Iterable[Event]) -> Mapping[tuple[str, str], list[Event]]:
    """Events by (topic, ce_causationid)."""
    found: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in events:
        found[event.topic, event.causation].append(event)
    return found


def _without_effect(
    happened: Happened, told: Told, effects: Mapping[tuple[str, str], Sequence[Event]]
) -> Iterator[Wrong]:
    changes = happened.on(APPOINTMENT)
    begun = {each.key for each in changes if each.began}
    for booking in told.bookings:
        if booking.id not in begun:
            yield Wrong(booking.at, "lost", f"{booking.id} was answered 201, but no event tells of it")
    for change in changes:
        if asks(change) and not effects.get((ELIGIBILITY, change.id)):
            yield _lost(change, "no eligibility check")
        if tells(change) and not effects.get((DELIVERY, change.id)):
            yield _lost(change, "no delivery")
    plain = {each.id for each in told.bookings if not each.cancelled and not each.moved}
    for answer in happened.on(ELIGIBILITY):
        appointment = answer.payload.get("appointmentId")
        if answer.to == "complete" and appointment in plain and not effects.get((APPOINTMENT, answer.id)):
            yield _lost(answer, "no change of its appointment")


def asks(change: Event) -> bool:
    """Whether coverage must ask the payer because of this."""
    return change.to == "pending" and change.payload.get("pendingReason") == "awaiting-eligibility"


def tells(change: Event) -> bool:
    """Whether the patient must hear of this."""
    return change.to in {"pending", "booked", "cancelled"}


def _unfinished(happened: Happened) -> Iterator[Wrong]:
    """Checks and deliveries that did not come to their end."""
    for topic, steps in STEPS.items():
        by_key: dict[str, list[Event]] = defaultdict(list)
        for event in happened.on(topic):
            by_key[event.key].append(event)
        for key, events in by_key.items():
            went = tuple(each.to for each in sorted(events, key=lambda each: each.sequence))
            whole = len(went) >= len(steps) and all(
                step in _NOT_SENT.get(wanted, (wanted,)) for step, wanted in zip(went, steps, strict=False)
            )
            if not whole:
                yield Wrong(events[-1].at, "lost", f"{key} stopped at {' → '.join(went)}")


def _out_of_order(happened: Happened) -> Iterator[Wrong]:
    """Within a key each version follows the one before: none missing, none twice, none behind another."""
    last: dict[tuple[str, str], Event] = {}
    for event in happened.events:
        place = (event.topic, event.key)
        before = last.get(place)
        # A slot is made by control, which tells nobody: its first event is of version 2.
        expected = (2 if event.topic == SLOT else 1) if before is None else before.sequence + 1
        if event.sequence != expected:
            yield Wrong(event.at, "order", f"{event.key} version {event.sequence} where {expected} was due")
        last[place] = event


def _doubled(happened: Happened) -> Iterator[Wrong]:
    """One cause, one effect: two new things, or two changes of one thing, are one too many."""
    first: dict[tuple[str, str, str], Event] = {}
    for event in happened.events:
        if event.by_time:
            continue
        effect = (event.topic, event.causation, "new" if event.began else event.key)
        if effect in first:
            yield Wrong(
                event.at, "doubled", f"{first[effect].key} and {event.key} by one cause on {event.topic}"
            )
        first.setdefault(effect, event)


def _never_told(happened: Happened, told: Told) -> Iterator[Wrong]:
    """A client repeats until it is answered: whatever exists, exactly one answer named."""
    named = [each.id for each in told.bookings]
    for twice in {each for each in named if named.count(each) > 1}:
        yield Wrong(time.time(), "doubled", f"{twice} is the answer to two requests")
    for change in happened.on(APPOINTMENT):
        if change.began and change.key not in named:
            yield Wrong(change.at, "doubled", f"{change.key} was booked, and nobody was told so")


def _dead(happened: Happened) -> Iterator[Wrong]:
    for each in happened.dead:
        reason = each.header("deadletter_reason")
        yield Wrong(each.timestamp_ms / 1000, "dead letter", f"{each.topic}: {reason}")


def _standing(happened: Happened, told: Told, standing: Standing) -> Iterator[Wrong]:
    versions = {(each.topic, each.key): each.sequence for each in happened.events}
    for booking in told.bookings:
        version, found = standing.appointments[booking.id]
        if found.get("status") != (wanted := _wanted(booking.cancelled, booking.patient)):
            yield Wrong(booking.at, "lost", f"{booking.id} is {found.get('status')}, not {wanted}")
        if version != versions.get((APPOINTMENT, booking.id)):
            yield Wrong(booking.at, "lost", f"{booking.id} stands at version {version}, its events do not")
    taken = {each.slot: each for each in told.bookings if not each.cancelled}
    for slot, (version, found) in standing.slots.items():
        status = "busy" if slot in taken else "free"
        if found.get("status") != status:
            yield Wrong(time.time(), "lost", f"{slot} is {found.get('status')}, not {status}")
        if version != versions.get((SLOT, slot), 1):
            yield Wrong(time.time(), "lost", f"{slot} stands at version {version}, its events do not")


def _wanted(cancelled: bool, patient: str) -> str:
    if cancelled:
        return "cancelled"
    return "booked" if patient in COVERED else "pending"


def _lost(cause: Event, what: str) -> Wrong:
    return Wrong(cause.at, "lost", f"{cause.key} version {cause.sequence} ({cause.to}) has had {what}")
