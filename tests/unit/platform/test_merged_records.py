"""What stays as it was written when records are merged, and how a list finds it nevertheless."""

from __future__ import annotations

from harness.contract.model import JSON
from harness.serving.exchange import Request
from reference_services.platform.work import Page, Work
from tests.unit.platform.desk import ONE, TICKET, Desk, Told, desk_module, running

SECOND, NINTH = TICKET[:-1] + "2", TICKET[:-1] + "9"


def _whose(desk: Desk) -> dict[str, JSON]:
    """What the first patient's list shows: ticket → whose it says it is."""
    body = desk.call("listTickets", ONE).body
    assert isinstance(body, dict)
    assert body["total"] == len(body["items"])
    return {each["id"]: each["patientId"] for each in body["items"]}


def test_what_is_left_stays_as_it_was_and_is_found_by_the_records_of_its_patient() -> None:
    known: list[list[str]] = []

    def merge(work: Work, request: Request) -> None:
        work.resettle("pat-2", "pat-1", leaving=("Ticket",))
        known.append(work.records_of("pat-1"))

    def merge_again(work: Work, request: Request) -> None:
        work.resettle("pat-1", "pat-3")
        known.extend(work.records_of(each) for each in ("pat-3", "pat-1", "pat-4"))

    def mine(work: Work, request: Request) -> Page:
        return work.page("Ticket", request, {"patientId": work.records_of("pat-1")}, internal=True)

    module = desk_module(Told())
    module.listTickets = mine  # type: ignore[attr-defined]
    module.deleteTicket = merge  # type: ignore[attr-defined]
    with running(Desk(module=module)) as desk:
        assert _whose(desk) == {TICKET: "pat-1"}
        desk.call("deleteTicket", path={"ticketId": TICKET})
        written = {TICKET: "pat-1", SECOND: "pat-2", NINTH: "pat-2"}
        assert _whose(desk) == written, "to the patient, too, whose list it is"
        assert desk.call("getTicket", path={"ticketId": SECOND}).headers["ETag"] == '"1"'

    module.deleteTicket = merge_again  # type: ignore[attr-defined]
    with running(Desk(module=module)) as desk:
        desk.call("deleteTicket", path={"ticketId": TICKET})
    assert known == [["pat-1", "pat-2"], ["pat-3", "pat-1"], [], ["pat-4"]]


def test_records_are_found_over_several_merges() -> None:
    known: list[list[str]] = []

    def merge(work: Work, request: Request) -> None:
        for old, new in (("pat-5", "pat-6"), ("pat-6", "pat-7"), ("pat-8", "pat-7")):
            work.resettle(old, new)
        known.append(work.records_of("pat-7"))

    module = desk_module(Told())
    module.deleteTicket = merge  # type: ignore[attr-defined]
    with running(Desk(module=module)) as desk:
        desk.call("deleteTicket", path={"ticketId": TICKET})
    assert [sorted(each) for each in known] == [["pat-5", "pat-6", "pat-7", "pat-8"]]
