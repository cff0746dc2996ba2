"""Transitions by time, on the service's clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from harness.serving.exchange import Request
from harness.serving.problems import Problem
from reference_services.platform import records
from reference_services.platform.aggregate import Aggregate
from reference_services.platform.timers import next_due
from reference_services.platform.values import instant
from reference_services.platform.work import Work
from tests.unit.platform.desk import TICKET, Desk, Told, desk_module, note, running

MINUTE = 60.0


def kept(desk: Desk, type: str, id: str) -> Aggregate:
    with desk.service.store.transaction(write=False) as transaction:
        found = records.read(transaction, type, id)
    assert found is not None
    return found


def take(desk: Desk) -> None:
    desk.call(
        "takeTicket", path={"ticketId": TICKET}, body={"seatId": "sea-0001"}, headers={"if-match": '"1"'}
    )


def until(holds: Callable[[], bool], within: float = 10.0) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def test_before_its_time_nothing_happens(desk: Desk) -> None:
    take(desk)
    desk.service.control_face.advance(9.9 * MINUTE)
    assert kept(desk, "Ticket", TICKET).status == "taken"


def test_when_time_is_up_the_transition_is_made_once_with_what_follows_it(desk: Desk) -> None:
    take(desk)
    before = len(desk.events())
    desk.service.control_face.advance(10 * MINUTE)
    desk.service.control_face.advance(10 * MINUTE)
    assert kept(desk, "Ticket", TICKET).status == "open"
    assert kept(desk, "Seat", "sea-0001").status == "free"
    told = desk.events()[before:]
    assert [(topic, payload["from"], payload["to"]) for topic, _, _, payload in told] == [
        ("portal.desk.ticket.v1", "taken", "open"),
        ("portal.desk.seat.v1", "busy", "free"),
    ]
    assert {headers["ce_correlationid"] for _, _, headers, _ in told} == {"corr-1"}, "of what began the state"
    assert {headers["ce_causationid"] for _, _, headers, _ in told} == {TICKET}


def test_what_begins_on_the_way_runs_out_on_the_way(desk: Desk) -> None:
    began = desk.service.control_face.now()
    take(desk)
    desk.service.control_face.advance(24 * 60 * MINUTE + 11 * MINUTE)
    ticket = kept(desk, "Ticket", TICKET)
    assert ticket.status == "closed", "taken, open after ten minutes, closed a day after that"
    entered = datetime.fromisoformat(ticket.entered_at)
    assert timedelta(hours=24, minutes=10) <= entered - began < timedelta(hours=24, minutes=10, seconds=30)


def test_leaving_the_state_ends_its_timers(desk: Desk) -> None:
    desk.service.taker.take(note("final"))
    desk.service.control_face.advance(48 * 60 * MINUTE)
    assert kept(desk, "Ticket", TICKET).version == 2


def test_a_self_transition_happens_once_and_restarts_nothing(desk: Desk) -> None:
    desk.service.control_face.change_state(
        "Ticket", "setup", {"id": TICKET, "status": "open", "urgent": True}
    )
    desk.service.control_face.advance(30 * MINUTE)
    assert kept(desk, "Ticket", TICKET).version == 2, "one reminder, not thirty"
    desk.service.control_face.advance(23.6 * 60 * MINUTE)
    assert kept(desk, "Ticket", TICKET).status == "closed", (
        "a day after it was opened, not after the reminder"
    )


@pytest.fixture
def urgent() -> Iterator[Desk]:
    """A desk where a new title says whether a ticket is urgent; it holds one that is not."""
    module = desk_module(Told())

    def retitleTicket(work: Work, request: Request) -> Aggregate:
        said = request.body["title"] == "urgent"
        return work.save(work.get("Ticket", request.path["ticketId"]), urgent=said)

    module.retitleTicket = retitleTicket  # type: ignore[attr-defined]
    with running(Desk(module=module)) as desk:
        desk.service.control_face.change_state("Ticket", "setup", {"id": TICKET, "status": "open"})
        yield desk


def retitle(desk: Desk, title: str) -> None:
    desk.call("retitleTicket", path={"ticketId": TICKET}, body={"title": title}, headers={"if-match": "*"})


def test_a_timer_with_a_condition_counts_from_when_that_holds(urgent: Desk) -> None:
    advance = urgent.service.control_face.advance
    advance(2 * MINUTE)
    assert kept(urgent, "Ticket", TICKET).version == 1
    retitle(urgent, "urgent")
    advance(0.8 * MINUTE)
    retitle(urgent, "urgent")
    assert kept(urgent, "Ticket", TICKET).version == 3, "not yet, though it has been open for long"
    advance(0.3 * MINUTE)
    assert kept(urgent, "Ticket", TICKET).version == 4, "a minute, though it was said once more meanwhile"
    advance(5 * MINUTE)
    assert kept(urgent, "Ticket", TICKET).version == 4, "once"


def test_a_timer_ends_with_its_condition_and_begins_with_it_anew(urgent: Desk) -> None:
    advance = urgent.service.control_face.advance
    retitle(urgent, "urgent")
    advance(0.8 * MINUTE)
    retitle(urgent, "no matter")
    advance(5 * MINUTE)
    assert kept(urgent, "Ticket", TICKET).version == 3
    retitle(urgent, "urgent")
    advance(0.8 * MINUTE)
    assert kept(urgent, "Ticket", TICKET).version == 4
    advance(0.3 * MINUTE)
    assert kept(urgent, "Ticket", TICKET).version == 5


def test_a_transition_that_failed_is_tried_again_at_the_next_start(url: str) -> None:
    module = desk_module(Told())

    def afterTicketOpen(work: Work, ticket: Aggregate) -> None:
        raise RuntimeError("not today")

    module.afterTicketOpen = afterTicketOpen  # type: ignore[attr-defined]
    with running(Desk(url=url, module=module)) as broken:
        take(broken)
        with pytest.raises(RuntimeError):
            broken.service.control_face.advance(10 * MINUTE)
    with running(Desk(url=url)) as mended:
        mended.service.control_face.advance(10 * MINUTE)
        assert kept(mended, "Ticket", TICKET).status == "open"


def test_a_handler_adds_what_belongs_to_it() -> None:
    module = desk_module(Told())

    def afterTicketOpen(work: Work, ticket: Aggregate) -> None:
        work.change(ticket, because="expired", seatId=None)

    module.afterTicketOpen = afterTicketOpen  # type: ignore[attr-defined]
    with running(Desk(module=module)) as desk:
        take(desk)
        desk.service.control_face.advance(10 * MINUTE)
        assert "seatId" not in kept(desk, "Ticket", TICKET)
        assert desk.events()[-1][3]["reason"] == "expired"


def test_a_handler_that_fails_holds_up_no_other_timer() -> None:
    module = desk_module(Told())

    def afterTicketOpen(work: Work, ticket: Aggregate) -> None:
        raise RuntimeError("not today")

    module.afterTicketOpen = afterTicketOpen  # type: ignore[attr-defined]
    with running(Desk(module=module)) as desk:
        take(desk)
        desk.service.control_face.change_state("Ticket", "setup", {"id": TICKET, "status": "taken"})
        other = desk.service.control_face.change_state("Ticket", "setup", {"status": "open"})
        assert other.document is not None
        with pytest.raises(RuntimeError):
            desk.service.control_face.advance(10 * MINUTE)
        desk.service.control_face.advance(24 * 60 * MINUTE)
        assert kept(desk, "Ticket", TICKET).status == "taken"
        assert kept(desk, "Ticket", other.document["id"]).status == "closed"


def test_the_thread_fires_by_itself(desk: Desk) -> None:
    take(desk)
    clock = desk.service.clock
    clock.set(clock.now() + timedelta(minutes=10) - timedelta(seconds=0.2))
    desk.service.timers.again()
    assert kept(desk, "Ticket", TICKET).status == "taken"
    until(lambda: kept(desk, "Ticket", TICKET).status == "open")


def test_timers_survive_a_restart(url: str) -> None:
    with running(Desk(url=url)) as first:
        take(first)
    with running(Desk(url=url)) as second:
        assert kept(second, "Ticket", TICKET).status == "taken"
        second.service.control_face.advance(10 * MINUTE)
        assert kept(second, "Ticket", TICKET).status == "open"


def test_what_another_process_began_is_worked_off_when_that_is_gone(url: str) -> None:
    with running(Desk(url=url)) as left:
        with running(Desk(url=url)) as gone:
            take(gone)
        clock = left.service.clock
        clock.set(clock.now() + timedelta(minutes=11))  # nobody tells its thread
        until(lambda: kept(left, "Ticket", TICKET).status == "open")


def test_a_timer_that_was_ended_since_it_was_read_does_nothing(desk: Desk) -> None:
    take(desk)
    with desk.service.store.transaction(write=False) as transaction:
        read = next_due(transaction)
    assert read is not None
    desk.service.control_face.change_state("Ticket", "setup", {"id": TICKET, "status": "taken"})
    with desk.service.store.transaction(write=False) as transaction:
        again = next_due(transaction)
    assert again is not None
    assert again.due > read.due

    desk.service.fire(replace(again, due=read.due))
    assert kept(desk, "Ticket", TICKET).status == "taken"

    desk.service.fire(again)
    assert kept(desk, "Ticket", TICKET).status == "open"


def test_while_the_store_is_busy_a_timer_stays_due() -> None:
    module = desk_module(Told())
    busy = iter([True])

    def afterTicketOpen(work: Work, ticket: Aggregate) -> None:
        if next(busy, False):
            raise Problem(503)
        work.change(ticket, seatId=None)

    module.afterTicketOpen = afterTicketOpen  # type: ignore[attr-defined]
    with running(Desk(module=module)) as desk:
        take(desk)
        with pytest.raises(Problem):
            desk.service.control_face.advance(10 * MINUTE)
        desk.service.control_face.advance(10 * MINUTE)
        assert kept(desk, "Ticket", TICKET).status == "open"


def test_setting_the_clock_forward_passes_through_the_timers(desk: Desk) -> None:
    take(desk)
    face = desk.service.control_face
    later = face.now() + timedelta(minutes=11)
    face.set_now(later)
    assert kept(desk, "Ticket", TICKET).status == "open"
    assert abs((face.now() - later).total_seconds()) < 5
    earlier = datetime(2031, 1, 1, tzinfo=UTC) - timedelta(days=365 * 10)
    face.set_now(earlier)
    assert abs((face.now() - earlier).total_seconds()) < 5
    face.reset(seed=False)
    assert abs((face.now() - datetime.now(UTC)).total_seconds()) < 5


def test_instants_sort_as_time_does() -> None:
    moments = [datetime(2031, 1, 1, 12, tzinfo=UTC) + timedelta(microseconds=n * 7919) for n in range(200)]
    assert sorted(moments) == sorted(moments, key=instant)


def test_what_the_examples_show_stays_as_it_is(desk: Desk) -> None:
    desk.service.control_face.advance(48 * 60 * MINUTE)
    assert kept(desk, "Ticket", TICKET).status == "open"
    assert desk.events() == []


def ending(desk: Desk, **fields: str) -> None:
    parameters = {"id": TICKET, "status": "open", **fields}
    desk.service.control_face.change_state("Ticket", "setup", parameters)


def test_what_has_an_end_of_its_own_ends_then(desk: Desk) -> None:
    advance, began = desk.service.control_face.advance, desk.service.control_face.now()
    ending(desk, endsAt=(began + timedelta(hours=2)).isoformat())
    advance(118 * MINUTE)
    assert kept(desk, "Ticket", TICKET).status == "open"
    advance(3 * MINUTE)
    assert kept(desk, "Ticket", TICKET).status == "closed"


def test_an_end_that_is_over_is_at_once_and_without_one_there_is_none(desk: Desk) -> None:
    ending(desk)
    desk.service.control_face.advance(23 * 60 * MINUTE)
    assert kept(desk, "Ticket", TICKET).status == "open"
    ending(desk, endsAt="2001-01-01T00:00:00Z")
    desk.service.control_face.advance(0.0)
    assert kept(desk, "Ticket", TICKET).status == "closed"


@pytest.fixture
def moved() -> Iterator[Desk]:
    """A desk where a new title is the moment at which a ticket ends."""
    module = desk_module(Told())

    def retitleTicket(work: Work, request: Request) -> Aggregate:
        return work.save(work.get("Ticket", request.path["ticketId"]), endsAt=request.body["title"])

    module.retitleTicket = retitleTicket  # type: ignore[attr-defined]
    with running(Desk(module=module)) as desk:
        yield desk


def test_another_end_takes_the_place_of_the_one_before(moved: Desk) -> None:
    advance, began = moved.service.control_face.advance, moved.service.control_face.now()
    ending(moved, endsAt=(began + timedelta(hours=1)).isoformat())
    retitle(moved, (began + timedelta(hours=3)).isoformat())
    advance(120 * MINUTE)
    assert kept(moved, "Ticket", TICKET).status == "open"
    advance(61 * MINUTE)
    assert kept(moved, "Ticket", TICKET).status == "closed"
