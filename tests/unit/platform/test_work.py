"""What the platform keeps for every handler: access, If-Match, lifecycles, unique keys, documents."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import ModuleType

import pytest

from harness.contract.model import JSON
from harness.errors import ContractError, StateError
from harness.serving.exchange import Request
from harness.serving.problems import Problem
from reference_services.platform.work import Aggregate, Work
from tests.unit.platform.desk import ONE, STAFF, TICKET, TWO, Desk, Told, desk_module, running


def refused(
    desk: Desk, status: int, operation: str, claims: Mapping[str, JSON] = STAFF, **sent: JSON
) -> Problem:
    with pytest.raises(Problem) as caught:
        desk.call(operation, claims, **sent)
    assert caught.value.status == status
    return caught.value


def taken(desk: Desk, ticket: str = TICKET, seat: str = "sea-0001", **sent: JSON) -> JSON:
    return desk.call("takeTicket", path={"ticketId": ticket}, body={"seatId": seat}, **sent)


def test_what_is_not_yours_looks_like_nothing(desk: Desk) -> None:
    theirs = refused(desk, 404, "getTicket", TWO, path={"ticketId": TICKET})
    nothing = refused(desk, 404, "getTicket", TWO, path={"ticketId": "none"})
    assert (theirs.title, theirs.detail, theirs.headers) == (nothing.title, nothing.detail, nothing.headers)
    assert desk.call("getTicket", ONE, path={"ticketId": TICKET}).status == 200


def test_an_actor_whom_the_operation_does_not_admit_sees_nothing(desk: Desk) -> None:
    clinician = {"actor": "clinician", "treats": ["pat-1"], "sub": "c"}
    refused(desk, 404, "getTicket", clinician, path={"ticketId": TICKET})


def test_lists_and_totals_hold_what_the_caller_may_see(desk: Desk) -> None:
    desk.open("mine", "pat-1")
    body = desk.call("listTickets", ONE).body
    assert isinstance(body, dict)
    assert {each["patientId"] for each in body["items"]} == {"pat-1"}
    assert body["total"] == 2
    everybody = desk.call("listTickets").body
    assert isinstance(everybody, dict)
    assert everybody["total"] == 4


def test_created_is_201_with_its_place_and_version(desk: Desk) -> None:
    answer = desk.call(
        "openTicket",
        body={"title": "a", "patientId": "pat-1", "pin": "123"},
        headers={"idempotency-key": "k"},
    )
    assert answer.status == 201
    assert isinstance(answer.body, dict)
    assert answer.headers == {"ETag": '"1"', "Location": f"/v1/tickets/{answer.body['id']}"}
    assert answer.body["status"] == "open"


def test_private_and_write_only_properties_are_kept_but_not_shown(desk: Desk) -> None:
    answer = desk.call(
        "openTicket",
        body={"title": "a", "patientId": "pat-1", "pin": "123"},
        headers={"idempotency-key": "k"},
    )
    assert isinstance(answer.body, dict)
    assert {"pin", "_origin"} & answer.body.keys() == set()
    with desk.service.store.transaction(write=False) as transaction:
        from reference_services.platform import records

        kept = records.read(transaction, "Ticket", answer.body["id"])
    assert kept is not None
    assert (kept["pin"], kept["_origin"]) == ("123", "desk")


def test_if_match_is_asked_for_and_held(desk: Desk) -> None:
    path, body = {"ticketId": TICKET}, {"title": "b"}
    refused(desk, 428, "retitleTicket", path=path, body=body)
    refused(desk, 412, "retitleTicket", path=path, body=body, headers={"if-match": '"7"'})
    refused(desk, 412, "retitleTicket", path=path, body=body, headers={"if-match": 'W/"1"'})
    changed = desk.call("retitleTicket", path=path, body=body, headers={"if-match": '"1"'})
    assert changed.headers["ETag"] == '"2"'
    refused(desk, 412, "retitleTicket", path=path, body=body, headers={"if-match": '"1"'})
    assert desk.call("retitleTicket", path=path, body=body, headers={"if-match": '"1", "2"'}).status == 200
    assert desk.call("retitleTicket", path=path, body=body, headers={"if-match": "*"}).status == 200


def test_whether_it_exists_comes_before_if_match(desk: Desk) -> None:
    refused(desk, 404, "retitleTicket", TWO, path={"ticketId": TICKET}, body={"title": "b"})


def test_what_is_made_by_put_goes_by_the_etag_of_nothing(desk: Desk) -> None:
    path, body = {"patientId": "pat-9"}, {"tone": "soft"}
    refused(desk, 428, "setWishes", path=path, body=body)
    refused(desk, 412, "setWishes", path=path, body=body, headers={"if-match": '"1"'})
    refused(desk, 412, "setWishes", path=path, body=body, headers={"if-match": "*"})
    made = desk.call("setWishes", path=path, body=body, headers={"if-match": '"0"'})
    assert made.body == {"id": "pat-9", "tone": "soft"}
    refused(desk, 412, "setWishes", path=path, body=body, headers={"if-match": '"0"'})
    assert desk.call("setWishes", path=path, body=body, headers={"if-match": '"1"'}).headers["ETag"] == '"2"'


def test_only_what_the_lifecycle_allows_and_nothing_changes_otherwise(desk: Desk) -> None:
    assert taken(desk, headers={"if-match": '"1"'}).body["status"] == "taken"
    before = len(desk.events())
    refused(
        desk,
        409,
        "takeTicket",
        path={"ticketId": TICKET},
        body={"seatId": "sea-0002"},
        headers={"if-match": '"2"'},
    )
    assert len(desk.events()) == before
    assert desk.call("getTicket", path={"ticketId": TICKET}).headers["ETag"] == '"2"'
    with desk.service.store.transaction(write=False) as transaction:
        from reference_services.platform import records

        seat = records.read(transaction, "Seat", "sea-0002")
    assert seat is not None
    assert (seat.status, seat.version) == ("free", 1), "the seat's change was part of what was refused"


def test_of_many_who_take_one_seat_one_wins(desk: Desk) -> None:
    tickets = [desk.open(f"t{number}")["id"] for number in range(6)]
    statuses: list[int] = []
    barrier = threading.Barrier(len(tickets))

    def take(ticket: str) -> None:
        barrier.wait()
        try:
            statuses.append(taken(desk, ticket, headers={"if-match": '"1"'}).status)
        except Problem as problem:
            statuses.append(problem.status)

    threads = [threading.Thread(target=take, args=(ticket,)) for ticket in tickets]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(statuses) == [200, 409, 409, 409, 409, 409]


def test_of_many_who_change_one_version_one_wins(desk: Desk) -> None:
    statuses: list[int] = []
    barrier = threading.Barrier(6)

    def retitle(number: int) -> None:
        barrier.wait()
        try:
            desk.call(
                "retitleTicket",
                path={"ticketId": TICKET},
                body={"title": f"t{number}"},
                headers={"if-match": '"1"'},
            )
            statuses.append(200)
        except Problem as problem:
            statuses.append(problem.status)

    threads = [threading.Thread(target=retitle, args=(number,)) for number in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(statuses) == [200, 412, 412, 412, 412, 412]


def test_unique_keys_hold_through_changes_and_end_with_their_owner(desk: Desk) -> None:
    first = desk.open("same")
    with pytest.raises(Problem) as caught:
        desk.open("same")
    assert caught.value.status == 409
    assert "same" not in caught.value.detail.replace("the same", "")
    other = desk.open("other")
    with pytest.raises(Problem):
        desk.call(
            "retitleTicket",
            path={"ticketId": other["id"]},
            body={"title": "same"},
            headers={"if-match": '"1"'},
        )
    desk.call(
        "retitleTicket", path={"ticketId": first["id"]}, body={"title": "moved"}, headers={"if-match": '"1"'}
    )
    assert desk.open("same")["title"] == "same"
    desk.call("deleteTicket", path={"ticketId": first["id"]})
    assert desk.open("moved")["title"] == "moved"


def test_a_module_may_name_unique_keys_for_seeded_things_too() -> None:
    module = desk_module(Told())
    module.UNIQUE = {"Ticket": [("patientId", "title")]}  # type: ignore[attr-defined]
    with running(Desk(module=module)) as desk:
        with pytest.raises(Problem) as caught:
            desk.open("One", "pat-1")
        assert caught.value.status == 409


def test_deleting_answers_204_and_leaves_nothing(desk: Desk) -> None:
    assert desk.call("deleteTicket", path={"ticketId": TICKET}).status == 204
    refused(desk, 404, "getTicket", path={"ticketId": TICKET})


def with_handler(name: str, body: str) -> ModuleType:
    """The desk with another handler in place of ``name``."""
    module = desk_module(Told())
    made: dict[str, JSON] = {}
    exec(f"def {name}(work, request):\n    {body}", {"Aggregate": Aggregate}, made)  # noqa: S102
    setattr(module, name, made[name])
    return module


def test_a_handler_cannot_keep_what_breaks_the_schema() -> None:
    module = with_handler(
        "retitleTicket", "return work.save(work.get('Ticket', request.path['ticketId']), title=7)"
    )
    with running(Desk(module=module)) as desk, pytest.raises(ContractError, match="/title"):
        desk.call("retitleTicket", path={"ticketId": TICKET}, headers={"if-match": '"1"'})


def test_save_changes_no_status() -> None:
    module = with_handler(
        "retitleTicket", "return work.save(work.get('Ticket', request.path['ticketId']), status='closed')"
    )
    with running(Desk(module=module)) as desk, pytest.raises(TypeError, match="use change"):
        desk.call("retitleTicket", path={"ticketId": TICKET}, headers={"if-match": '"1"'})


def test_nothing_begins_by_a_cause_that_begins_nothing() -> None:
    module = with_handler("retitleTicket", "return work.create('Ticket', {'title': 'x'})")
    with running(Desk(module=module)) as desk, pytest.raises(ContractError, match="retitleTicket"):
        desk.call("retitleTicket", path={"ticketId": TICKET}, headers={"if-match": '"1"'})


def test_none_takes_a_property_out_unless_null_is_documented() -> None:
    module = with_handler(
        "retitleTicket",
        "return work.save(work.get('Ticket', request.path['ticketId']), rank=None, urgent=None)",
    )
    with running(Desk(module=module)) as desk:
        desk.service.control_face.change_state("Ticket", "setup", {"id": TICKET, "rank": 3, "urgent": True})
        body = desk.call("retitleTicket", path={"ticketId": TICKET}, headers={"if-match": '"1"'}).body
    assert isinstance(body, dict)
    assert "rank" not in body
    assert body["urgent"] is None


def test_a_get_that_writes_is_run_again_to_write() -> None:
    module = with_handler(
        "getTicket", "return work.save(work.get('Ticket', request.path['ticketId']), rank=1)"
    )
    with running(Desk(module=module)) as desk:
        assert desk.call("getTicket", path={"ticketId": TICKET}).headers["ETag"] == '"2"'
        assert desk.call("getTicket", path={"ticketId": TICKET}).headers["ETag"] == '"3"'


def test_ids_are_what_their_schema_asks_for(desk: Desk) -> None:
    kind = desk.service.knowledge.kind("Seat")
    made = {kind.new_id() for _ in range(50)}
    assert len(made) == 50
    assert all(kind.id_schema is not None and len(each) == 12 and each.startswith("sea-") for each in made)


def test_hidden_properties_stay_kept() -> None:
    module = with_handler("getTicket", "return work.get('Ticket', request.path['ticketId']).hide('title')")
    with running(Desk(module=module)) as desk:
        body = desk.call("getTicket", path={"ticketId": TICKET}).body
        listed = desk.call("listTickets").body
    assert isinstance(body, dict)
    assert isinstance(listed, dict)
    assert "title" not in body
    assert listed["items"][0]["title"] == "One"


def test_find_compares_scalars_of_any_depth_and_absence(desk: Desk) -> None:
    found: dict[str, list[str]] = {}

    def look(work: Work, request: Request) -> None:
        work.create("Paper", {"place": {"shelf": 3}, "tags": ["red", "old"], "on": True}, id="p1")
        work.create(
            "Paper", {"place": {"shelf": 12}, "tags": ["blue"], "due": "2031-01-01T02:00:00+02:00"}, id="p2"
        )
        asked: dict[str, dict[str, JSON]] = {
            "shelf": {"place.shelf": 3},
            "tag": {"tags": ["red", "blue"]},
            "flag": {"on": True},
            "absent": {"on": None},
            "instant": {"due": "2031-01-01T00:00:00Z"},
            "id": {"id": ["p2", "p3"]},
        }
        for name, where in asked.items():
            found[name] = [each.id for each in work.find("Paper", where)]

    module = desk_module(Told())
    module.deleteTicket = look  # type: ignore[attr-defined]
    with running(Desk(module=module)) as desk_with_look:
        desk_with_look.call("deleteTicket", path={"ticketId": TICKET})
    assert found == {
        "shelf": ["p1"],
        "tag": ["p1", "p2"],
        "flag": ["p1"],
        "absent": ["p2"],
        "instant": ["p2"],
        "id": ["p2"],
    }


def test_what_a_contract_calls_unique_is_so_an_item_at_a_time(desk: Desk) -> None:
    face = desk.service.control_face
    face.change_state("Ticket", "setup", {"id": TICKET, "tags": ["a", "b", "b"]})
    face.change_state("Ticket", "setup", {"tags": ["c"]})
    with pytest.raises(StateError, match="the same tags"):
        face.change_state("Ticket", "setup", {"tags": ["d", "b"]})
    face.change_state("Ticket", "setup", {"id": TICKET, "tags": ["a"]})
    held = face.change_state("Ticket", "setup", {"tags": ["d", "b"]})
    assert held.document is not None
    again = face.change_state("Ticket", "setup", {"title": "What no two may share is its own."})
    assert again.document is not None
    assert set(again.document.get("tags", ())).isdisjoint(["a", "b", "c", "d"])
