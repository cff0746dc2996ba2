"""What operations act on, read out of a contract of foreign making, and who may call them."""

from __future__ import annotations

from pathlib import Path

from harness.contract import load
from harness.contract.model import Contract
from harness.driving.actors import claims_for, needs_token
from harness.driving.anatomy import Address, Anatomy, ids_in
from harness.driving.scenarios import invalid_bodies, promising, scenarios
from tests.conftest import ROOT

ANN = "11111111-1111-4111-8111-111111111111"


def test_links_and_names_say_what_a_path_parameter_names(tickets: Contract) -> None:
    anatomy = Anatomy(tickets)
    assert anatomy.acts_on(tickets.operations["returnTicket"]) == Address("ticketId", "Ticket", "/id")
    assert anatomy.acts_on(tickets.operations["holdSeat"]) == Address("seatId", "Seat", "/id")
    assert anatomy.acts_on(tickets.operations["buyTicket"]) is None
    assert anatomy.acts_on(tickets.operations["listTickets"]) is None


def test_an_operation_may_drive_several_lifecycles(tickets: Contract) -> None:
    anatomy = Anatomy(tickets)
    driven = {(d.lifecycle.schema, d.expression): d for d in anatomy.driven(tickets.operations["buyTicket"])}
    assert set(driven) == {("Ticket", None), ("Seat", "$request.body#/seatId")}
    assert driven["Ticket", None].begins
    assert driven["Seat", "$request.body#/seatId"].sources == ("held",)
    assert driven["Seat", "$request.body#/seatId"].origin == "request"
    settled = anatomy.driven(tickets.message_operations["paymentSettled"])
    assert [(d.lifecycle.schema, d.origin) for d in settled] == [("Ticket", "message")]


def test_a_message_may_drive_all_that_have_a_value() -> None:
    scheduling = load(ROOT / "contracts" / "scheduling")
    driven = Anatomy(scheduling).driven(scheduling.message_operations["providerChanged"])
    said = [(each.lifecycle.schema, each.expression, each.each, each.origin) for each in driven]
    expression = "$message.payload#/id"
    assert said == [
        ("Slot", expression, "providerId", "message"),
        ("Appointment", expression, "providerId", "message"),
    ]


def test_a_get_that_answers_one_aggregate_reads_it(tickets: Contract) -> None:
    anatomy = Anatomy(tickets)
    reader = anatomy.reader("Ticket")
    assert reader is not None
    assert (reader[0].id, dict(reader[1])) == ("getTicket", {"ticketId": "/id"})
    assert [each.id for each in anatomy.creators("Ticket")] == ["buyTicket"]
    assert list(anatomy.creators("Seat")) == []


def test_states_that_no_transition_names_count_too(tickets: Contract) -> None:
    assert set(Anatomy(tickets).status_values(tickets.lifecycles["Seat"])) == {
        "free",
        "held",
        "sold",
        "broken",
    }


def test_examples_that_a_success_names_come_first(tickets: Contract) -> None:
    book = tickets.operations["buyTicket"]
    assert [each.name for each in scenarios(book)] == ["bought", "taken"]
    assert [each.name for each in promising(book)] == ["bought"]
    assert scenarios(tickets.operations["listTickets"])[0].query == {"owner": ANN}


def test_invalid_bodies_are_invalid_in_one_respect(tickets: Contract) -> None:
    bodies = dict(invalid_bodies(tickets.operations["buyTicket"]))
    assert "without 'seatId'" in bodies
    assert set(bodies["without 'seatId'"]) == {"owner"}
    assert bodies["a list instead of the documented body"] == []


def test_claims_are_those_that_the_contract_admits(tickets: Contract) -> None:
    buy, listing = tickets.operations["buyTicket"], tickets.operations["listTickets"]
    assert claims_for(buy, ANN) == {
        "actor": "patient",
        "sub": ANN,
        "patient": ANN,
        "scope": "user/Ticket.write",
    }
    assert claims_for(buy, ANN, "proxy")["proxy_for"] == [ANN]
    assert claims_for(listing, None)["actor"] == "staff"
    assert needs_token(buy)


def test_ids_are_texts_without_blanks() -> None:
    assert ids_in({"a": "short", "b": ["pat-4k7m2q9x1a", "two words"], "c": 5}) == {"pat-4k7m2q9x1a"}


def test_what_an_operation_addresses_goes_before_what_it_begins(tmp_path: Path) -> None:
    """A reply moves its thread and begins a message; whichever of the two the contract names first."""
    (tmp_path / "openapi.yaml").write_text(REPLIES)
    anatomy = Anatomy(load(tmp_path / "openapi.yaml"))
    reply = anatomy.contract.operations["reply"]
    assert [(d.lifecycle.schema, d.expression) for d in anatomy.driven(reply)] == [
        ("Message", None),
        ("Thread", None),
    ]
    own = anatomy.own(reply)
    assert own is not None
    assert (own.lifecycle.schema, own.sources) == ("Thread", ("open",))


REPLIES = """
openapi: 3.1.0
info: {title: Replies, version: '1'}
paths:
  /threads/{threadId}/messages:
    post:
      operationId: reply
      parameters: [{name: threadId, in: path, required: true, schema: {type: string}}]
      responses:
        '201':
          description: Sent
          content: {application/json: {schema: {$ref: '#/components/schemas/Message'}}}
components:
  schemas:
    Message:
      type: object
      properties: {id: {type: string}, status: {type: string}}
      x-lifecycle: {property: status, transitions: [{to: sent, by: reply}]}
    Thread:
      type: object
      properties: {id: {type: string}, status: {type: string}}
      x-lifecycle:
        property: status
        transitions: [{from: [open], to: open, by: reply, id: $request.path.threadId}]
"""
EXPORTS = """
openapi: 3.1.0
info: {title: Exports, version: '1'}
paths:
  /people/{personId}/exports:
    post:
      operationId: startExport
      parameters: [{name: personId, in: path, required: true, schema: {type: string}}]
      responses:
        '202':
          description: begun
          content: {application/json: {schema: {$ref: '#/components/schemas/Export'}}}
components:
  schemas:
    Export:
      type: object
      properties: {id: {type: string}, status: {enum: [begun]}, personId: {type: string}}
      x-lifecycle: {property: status, transitions: [{to: begun, by: startExport}]}
"""


def test_what_begins_a_lifecycle_acts_on_none_that_exists_whatever_it_answers(tmp_path: Path) -> None:
    (tmp_path / "openapi.yaml").write_text(EXPORTS, encoding="utf-8")
    exports = load(tmp_path)
    anatomy = Anatomy(exports)
    assert anatomy.acts_on(exports.operations["startExport"]) is None
    assert [each.id for each in anatomy.creators("Export")] == ["startExport"]
