"""What a change tells: exactly the declared events, in its transaction, with its cause."""

from __future__ import annotations

import pytest

from harness.contract.schema import compile_schema
from harness.errors import ContractError
from harness.serving.exchange import Request
from harness.serving.problems import Problem
from reference_services.platform.work import Aggregate, Work
from tests.unit.platform.desk import TICKET, Desk, Told, desk_module, running


def test_a_transition_emits_one_event_with_its_cause(desk: Desk) -> None:
    ticket = desk.open("a")
    [(topic, key, headers, payload)] = desk.events()
    assert (topic, key) == ("portal.desk.ticket.v1", ticket["id"])
    assert payload == {
        "id": ticket["id"],
        "version": 1,
        "from": None,
        "to": "open",
        "reason": "opened",
        "occurredAt": ticket["opened"],
        "confidentiality": "N",
        "patientId": "pat-1",
    }
    assert headers["ce_type"] == "portal.desk.TicketChanged.v1"
    assert headers["ce_source"] == "/portal/desk"
    assert headers["ce_subject"] == ticket["id"]
    assert (headers["ce_correlationid"], headers["ce_causationid"]) == ("corr-1", "corr-1")
    assert headers["ce_sequence"] == "1"
    assert headers["traceparent"].startswith("00-4bf92f3577b34da6a3ce929d0e0e4736-")
    schema = desk.contract.sends["ticketChanged"].messages[0].payload
    assert schema is not None
    assert compile_schema(schema).is_valid(payload)


def test_one_request_may_move_two_aggregates(desk: Desk) -> None:
    desk.call(
        "takeTicket", path={"ticketId": TICKET}, body={"seatId": "sea-0001"}, headers={"if-match": '"1"'}
    )
    told = [(topic, key, payload["from"], payload["to"]) for topic, key, _, payload in desk.events()]
    assert told == [
        ("portal.desk.seat.v1", "sea-0001", "free", "busy"),
        ("portal.desk.ticket.v1", TICKET, "open", "taken"),
    ]


def test_an_explicit_emission_has_its_own_key_and_only_its_properties(desk: Desk) -> None:
    desk.call("retitleTicket", path={"ticketId": TICKET}, body={"title": "b"}, headers={"if-match": '"1"'})
    [(topic, key, headers, payload)] = desk.events()
    assert (topic, key, headers["ce_type"]) == (
        "portal.desk.ticket.v1",
        "pat-1",
        "portal.desk.TicketRetitled.v1",
    )
    assert payload.keys() == {"id", "version", "occurredAt"}
    assert (payload["id"], payload["version"]) == (TICKET, 2)


def test_what_is_refused_emits_nothing(desk: Desk) -> None:
    with pytest.raises(Problem):
        desk.call(
            "takeTicket", path={"ticketId": TICKET}, body={"seatId": "none"}, headers={"if-match": '"1"'}
        )
    with pytest.raises(Problem):
        desk.call("retitleTicket", path={"ticketId": TICKET}, body={"title": "b"})
    assert desk.events() == []


def test_states_and_seeds_emit_nothing(desk: Desk) -> None:
    desk.service.control_face.change_state("Ticket", "setup", {"status": "taken"})
    desk.service.control_face.reset(seed=True)
    assert desk.events() == []


def test_the_patient_s_own_words_never_become_an_event_s_reason(desk: Desk) -> None:
    face = desk.service.control_face
    face.change_state("Ticket", "setup", {"id": TICKET, "reason": "it hurts", "status": "taken"})
    face.advance(600)
    [(_, _, _, payload)] = desk.events()
    assert payload["to"] == "open"
    assert "reason" not in payload


def test_an_event_that_would_break_its_contract_is_never_written() -> None:
    module = desk_module(Told())

    def openTicket(work: Work, request: Request) -> Aggregate:
        document = {"title": "x", "patientId": "p", "opened": "2031-01-01T00:00:00Z"}
        return work.create("Ticket", document, because="?")

    module.openTicket = openTicket  # type: ignore[attr-defined]
    with running(Desk(module=module)) as desk:
        with pytest.raises(ContractError, match="ticketChanged") as caught:
            desk.open("a")
        assert "/reason" in caught.value.found
        assert desk.events() == []
        assert desk.call("listTickets").body["total"] == 3  # type: ignore[index,call-overload]
