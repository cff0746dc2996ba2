"""Which transition a cause drives."""

from __future__ import annotations

import pytest

from harness.contract.expressions import Context
from harness.contract.lifecycles import Rules, Timed, pascal
from harness.contract.model import JSON, Lifecycle, Transition
from tests.unit.platform.desk import Desk


@pytest.fixture(scope="module")
def ticket() -> Rules:
    return Rules(Desk().contract.lifecycles["Ticket"])


@pytest.fixture(scope="module")
def seat() -> Rules:
    return Rules(Desk().contract.lifecycles["Seat"])


def reached(
    rules: Rules, driver: str | Timed, status: str, context: Context, id: str, wanted: JSON = None
) -> str | None:
    edge = rules.step(driver, status, {}, context, id, wanted)
    return None if edge is None else edge.to


def test_a_transition_moves_what_it_names_and_nothing_else(seat: Rules) -> None:
    context = Context(request_body={"seatId": "sea-0001"})
    assert reached(seat, "takeTicket", "free", context, "sea-0001") == "busy"
    assert reached(seat, "takeTicket", "free", context, "sea-0002") is None


def test_a_transition_of_each_moves_what_has_the_value_that_the_cause_names() -> None:
    away = Transition("away", ("here",), by="left", each=("ownerId", "$message.payload#/owner"))
    rules = Rules(Lifecycle("Thing", "state", (away,)))
    for owner, said, moves in (("p-1", "p-1", True), ("p-2", "p-1", False), (None, None, False)):
        context = Context(message_payload={"owner": said} if said else {})
        found = rules.step("left", "here", {"ownerId": owner} if owner else {}, context, "t-1")
        assert (found is away) == moves, (owner, said)
    assert (
        rules.step("left", "away", {"ownerId": "p-1"}, Context(message_payload={"owner": "p-1"}), "t") is None
    )


@pytest.mark.parametrize(("to", "expected"), [("final", "closed"), ("draft", "open"), ("odd", None)])
def test_when_decides_between_transitions_of_one_cause(ticket: Rules, to: str, expected: str | None) -> None:
    context = Context(message_payload={"ticketId": "t", "to": to})
    assert reached(ticket, "noteWritten", "open", context, "t") == expected


def test_a_status_that_the_caller_names_must_be_the_one(ticket: Rules) -> None:
    context = Context()
    assert reached(ticket, "takeTicket", "open", context, "t", "taken") == "taken"
    assert reached(ticket, "takeTicket", "open", context, "t", "closed") is None


def test_time_drives_its_own_transition_and_what_follows_it(ticket: Rules, seat: Rules) -> None:
    edge = next(each for each in ticket.timed.values() if each.after == 600)
    driver, context = Timed("Ticket", edge), Context(response_body={"seatId": "sea-0001"})
    assert reached(ticket, driver, "taken", context, "t") == "open"
    assert reached(ticket, driver, "open", context, "t") is None
    assert reached(seat, driver, "busy", context, "sea-0001") == "free"
    assert reached(seat, driver, "busy", context, "sea-0002") is None


def test_what_begins_begins_only_where_the_contract_says(ticket: Rules) -> None:
    begun = ticket.begins("openTicket", {}, Context())
    assert begun is not None
    assert begun.to == "open"
    assert ticket.begins("openTicket", {"status": "closed"}, Context()) is None
    assert ticket.begins("takeTicket", {}, Context()) is None


def test_names_of_timer_handlers() -> None:
    assert [pascal(each) for each in ("open", "checked-in", "in progress")] == [
        "Open",
        "CheckedIn",
        "InProgress",
    ]
