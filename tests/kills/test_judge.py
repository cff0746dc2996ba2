"""The judge of the kills against histories that were made up, one wrong each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import orjson
import pytest

from harness.contract.model import JSON
from harness.kafka.wire import Record
from tests.kills.clients import COVERED, Booking, Told
from tests.kills.happened import APPOINTMENT, DEAD, DELIVERY, ELIGIBILITY, SLOT, happened
from tests.kills.judge import Standing, judge, missing

NOW = time.time()
BOOKED, SLOT_ID = "apt-1", "slt-1"
Records = list[Record]


def record(topic: str, key: str, version: int, cause: str, to: str, **payload: JSON) -> Record:
    """One event; its id says what it tells."""
    headers = {"ce_id": f"{key}/{version}", "ce_causationid": cause, "ce_sequence": str(version)}
    return Record(
        topic,
        0,
        0,
        key,
        tuple((name, value.encode()) for name, value in headers.items()),
        orjson.dumps({"id": key, "version": version, "to": to, **payload}),
        int(NOW * 1000),
    )


def delivery(key: str, cause: str) -> Records:
    """A delivery that was made because of ``cause``."""
    begun = record(DELIVERY, key, 1, cause, "preparation")
    return [begun, record(DELIVERY, key, 2, key, "in-progress"), record(DELIVERY, key, 3, key, "completed")]


def story() -> Records:
    """All that a booking causes, as it should be."""
    asked = {"pendingReason": "awaiting-eligibility"}
    return [
        record(SLOT, SLOT_ID, 2, "hold", "busy-tentative"),
        record(SLOT, SLOT_ID, 3, "book", "busy"),
        record(APPOINTMENT, BOOKED, 1, "book", "pending", **asked),
        record(ELIGIBILITY, "elg-1", 1, "apt-1/1", "queued", appointmentId=BOOKED),
        record(ELIGIBILITY, "elg-1", 2, "elg-1", "complete", appointmentId=BOOKED),
        record(APPOINTMENT, BOOKED, 2, "elg-1/2", "booked"),
        *delivery("dlv-1", "apt-1/1"),
        *delivery("dlv-2", "apt-1/2"),
    ]


def told() -> Told:
    return Told(bookings=[Booking(BOOKED, COVERED[0], SLOT_ID, NOW)], free={"slt-2"})


STANDING = Standing(
    {BOOKED: (2, {"status": "booked"})}, {SLOT_ID: (3, {"status": "busy"}), "slt-2": (1, {"status": "free"})}
)


def rules(records: Sequence[Record], standing: Standing = STANDING, known: Told | None = None) -> set[str]:
    """What the judge finds wrong with records in this order."""
    placed = [replace(each, offset=offset) for offset, each in enumerate(records)]
    return {each.rule for each in judge(happened(placed), known or told(), standing)}


def without(key: str, version: int) -> Records:
    return [each for each in story() if each.header("ce_id") != f"{key}/{version}"]


def test_a_whole_story_is_right() -> None:
    assert rules(story()) == set()


def test_what_comes_again_is_no_fault() -> None:
    again = happened([replace(each, offset=n) for n, each in enumerate([*story(), *story()])])
    assert rules([*story(), *story()]) == set()
    assert len(again.again) == len(story())


@pytest.mark.parametrize(
    ("key", "version"),
    [(BOOKED, 1), (BOOKED, 2), ("elg-1", 1), ("elg-1", 2), ("dlv-1", 1), ("dlv-2", 3), (SLOT_ID, 3)],
)
def test_an_event_that_is_missing_is_lost(key: str, version: int) -> None:
    assert rules(without(key, version)) & {"lost", "order"}


@pytest.mark.parametrize("gone", ["elg-1", "dlv-1", "dlv-2"])
def test_an_effect_that_never_came_is_missed_while_there_is_time(gone: str) -> None:
    known = [each for each in story() if each.key != gone]
    assert not missing(happened(replace(each, offset=n) for n, each in enumerate(story())), told())
    assert missing(happened(replace(each, offset=n) for n, each in enumerate(known)), told())


def _second_delivery(records: Records) -> Records:
    return [*records, *delivery("dlv-3", "apt-1/1")]


def _second_check(records: Records) -> Records:
    again = [("queued", 1, "apt-1/1"), ("complete", 2, "elg-2")]
    return [
        *records,
        *(record(ELIGIBILITY, "elg-2", n, cause, to, appointmentId=BOOKED) for to, n, cause in again),
    ]


def _answered_twice(records: Records) -> Records:
    return [*records, record(APPOINTMENT, BOOKED, 3, "elg-1/2", "pending")]


def _booked_twice(records: Records) -> Records:
    return [*records, record(APPOINTMENT, "apt-2", 1, "book", "pending")]


DOUBLES: Sequence[Callable[[Records], Records]] = (
    _second_delivery, _second_check, _answered_twice, _booked_twice
)  # fmt: skip


@pytest.mark.parametrize("double", DOUBLES, ids=lambda each: each.__name__)
def test_two_effects_of_one_cause_are_doubled(double: Callable[[Records], Records]) -> None:
    assert "doubled" in rules(double(story()))


def test_what_nobody_was_told_of_is_doubled() -> None:
    assert "doubled" in rules([*story(), record(APPOINTMENT, "apt-2", 1, "another request", "proposed")])


def test_one_answer_to_two_requests_is_doubled() -> None:
    known = told()
    assert "doubled" in rules(story(), known=Told(known.bookings * 2, known.free))


def test_a_version_behind_a_later_one_is_out_of_order() -> None:
    records = story()
    records[3], records[4] = records[4], records[3]
    assert rules(records) == {"order"}


def test_two_events_of_one_version_are_out_of_order() -> None:
    twin = record(DELIVERY, "dlv-1", 3, "dlv-1", "completed")
    other = replace(twin, headers=(("ce_id", b"another"), *twin.headers[1:]))
    assert rules([*story(), other]) == {"order"}


def test_a_dead_letter_is_told() -> None:
    assert rules([*story(), record(DEAD[0], BOOKED, 1, "", "")]) == {"dead letter"}


@pytest.mark.parametrize(
    "standing",
    [
        replace(STANDING, appointments={BOOKED: (2, {"status": "pending"})}),
        replace(STANDING, appointments={BOOKED: (3, {"status": "booked"})}),
        replace(STANDING, appointments={BOOKED: (0, {})}),
        replace(STANDING, slots={**STANDING.slots, SLOT_ID: (3, {"status": "free"})}),
        replace(STANDING, slots={**STANDING.slots, "slt-2": (1, {"status": "busy"})}),
        replace(STANDING, slots={**STANDING.slots, "slt-2": (2, {"status": "free"})}),
    ],
)
def test_what_stands_otherwise_than_it_was_answered_is_lost(standing: Standing) -> None:
    assert rules(story(), standing) == {"lost"}


def test_a_client_that_complains_is_heard() -> None:
    known = told()
    known.complaints.append((NOW, "refused"))
    assert rules(story(), known=known) == {"answer"}
