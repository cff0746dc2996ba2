"""``load`` and ``load_system``: what a contract says arrives in the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.contract import load, load_system
from harness.contract.model import NOWHERE, Place, Relation
from tests.unit.contract.conftest import Write


def test_http_operations_arrive_whole(folder: Path) -> None:
    contract = load(folder / "tickets")
    assert (contract.service, contract.title, contract.version) == ("tickets", "Tickets", "1.2.0")
    assert list(contract.operations) == ["listTickets", "openTicket", "closeTicket"]
    opened = contract.operations["openTicket"]
    assert (opened.method, opened.path) == ("POST", "/v1/tickets")
    assert opened.body is not None and opened.body.required
    media = opened.body.content["application/json"]
    assert media.schema is not None and media.schema.name == "Ticket"
    assert [(each.name, each.value["id"]) for each in media.examples] == [("small", "t-1")]
    created = opened.responses["201"]
    assert created.headers["ETag"].required
    assert (created.links[0].operation, dict(created.links[0].parameters)) == (
        "closeTicket",
        {"ticketId": "$response.body#/id"},
    )
    assert list(contract.operations["listTickets"].responses) == ["200"]


def test_parameters_of_the_operation_win_over_those_of_its_path(folder: Path) -> None:
    listed = load(folder / "tickets").operations["listTickets"]
    assert [(each.name, each.location) for each in listed.parameters] == [
        ("X-Trace", "header"),
        ("limit", "query"),
    ]
    trace = listed.parameter("header", "x-trace")
    assert trace is not None and trace.required and trace.schema.raw == {"type": "string", "format": "uuid"}
    limit = listed.parameter("query", "limit")
    assert limit is not None and (limit.style, limit.explode) == ("form", True)


def test_security_comes_from_the_document_unless_the_operation_says_otherwise(folder: Path) -> None:
    contract = load(folder / "tickets")
    assert contract.operations["listTickets"].security == ({"portal": ("tickets.read",)},)
    assert contract.operations["openTicket"].security == ()
    scheme = contract.security_schemes["portal"]
    assert (scheme.kind, scheme.scopes) == ("oauth2", ("tickets.read", "tickets.write"))


def test_extension_words_arrive(folder: Path) -> None:
    contract = load(folder / "tickets")
    opened = contract.operations["openTicket"]
    assert opened.subject == "$request.body#/ownerId"
    assert dict(opened.access) == {"patient": "own", "staff": "any"}
    assert opened.requires == ("mail",)
    assert contract.operations["listTickets"].requires is None
    lifecycle = contract.lifecycles["Ticket"]
    assert (lifecycle.status, lifecycle.emits) == ("state", "ticketChanged")
    assert dict(lifecycle.deadlines) == {"waiting": 86_400.0}
    assert lifecycle.states == ("open", "waiting", "closed")
    after = lifecycle.transitions[-1]
    assert (after.sources, after.to, after.by, after.after) == (("waiting",), "closed", None, 604_800.0)


def test_an_operation_emits_what_it_says_and_what_its_transitions_imply(folder: Path) -> None:
    contract = load(folder / "tickets")
    explicit, implied = contract.operations["openTicket"].emits
    assert (explicit.operation, explicit.statuses, explicit.within) == ("mailed", ("201",), 0.5)
    assert explicit.when == "$response.body#/state == 'open'"
    assert (implied.operation, implied.key, implied.count) == ("ticketChanged", "$response.body#/id", 1)
    assert [edge.to for edge in implied.transitions] == ["open"]
    (closing,) = contract.operations["closeTicket"].emits
    assert closing.key == "$request.path.ticketId"  # success has no body
    (answered,) = contract.message_operations["mailAnswered"].emits
    assert (answered.key, answered.when) == (None, "$message.payload#/ok == false")


def test_transitions_that_move_different_aggregates_are_different_emissions(
    folder: Path, write: Write
) -> None:
    text = (folder / "tickets/openapi.yaml").read_text()
    more = """\
          - {from: [closed], to: open, by: openTicket, id: $request.body#/ownerId}
          - {from: [waiting], to: open, by: openTicket, id: $request.body#/ownerId, when: $statusCode == 201}
"""
    write("contracts/tickets/openapi.yaml", text + more)
    _, plain, other = load(folder / "tickets").operations["openTicket"].emits
    assert (plain.key, len(plain.transitions)) == ("$response.body#/id", 1)
    assert (other.key, len(other.transitions), other.when) == ("$request.body#/ownerId", 2, None)


def test_messages_arrive_whole(folder: Path) -> None:
    contract = load(folder / "tickets")
    sent = contract.sends["ticketChanged"]
    assert (sent.channel.address, sent.channel.partitions) == ("portal.tickets.ticket.v1", 3)
    (message,) = sent.messages
    assert message.name == "ticketChanged"
    assert message.content_type == "application/vnd.ticket+json"
    assert message.correlation == "$message.header#/ce_correlationid"
    assert message.subject == "$message.payload#/ownerId"
    assert message.key is not None and message.key.raw == {"type": "string"}
    assert [(each.name, each.payload) for each in message.examples] == [("opened", {"id": "t-1"})]


def test_one_send_operation_may_be_the_record_of_accesses(folder: Path) -> None:
    contract = load(folder / "tickets")
    assert contract.sends["ticketChanged"].records is None
    assert contract.access_record is contract.sends["mailed"]


def test_a_channel_may_stand_in_another_service(folder: Path) -> None:
    contract = load(folder / "tickets")
    received = contract.receives["mailAnswered"]
    assert received.channel.address == "portal.mail.answer.v1"
    assert [message.name for message in received.messages] == ["answered"]
    assert (received.attempts, received.backoff, received.group) == (5, 0.2, "portal.tickets")
    assert received.relation == Relation(
        "granted",
        "$message.payload#/by",
        "$message.payload#/to",
        "$message.payload#/ok",
        "!$message.payload#/ok",
        5.0,
        received.relation.place if received.relation else NOWHERE,
    )
    assert received.dead_letter is contract.channels["dead"]


def test_a_system_has_services_people_pacts_and_owners_of_topics(folder: Path) -> None:
    system = load_system(folder)
    assert list(system.contracts) == ["mail", "tickets"]
    (ada,) = system.personas
    assert (ada.key, ada.id, ada.facts["born"]) == ("ada", "p-1", "1990-02-03")
    assert [path.name for path in system.pacts] == ["web-tickets.json"]
    owner = system.sender_of("portal.mail.answer.v1")
    assert owner is not None and owner[0].service == "mail"
    assert set(system.topics) == {
        "portal.mail.answer.v1",
        "portal.tickets.ticket.v1",
        "portal.tickets.dead-letter.v1",
    }


@pytest.mark.parametrize("path", ["tickets", "tickets/openapi.yaml"])
def test_one_service_makes_a_system_of_one(folder: Path, path: str) -> None:
    assert list(load_system(folder / path).contracts) == ["tickets"]


def test_everything_knows_where_it_is_written(folder: Path) -> None:
    contract = load(folder / "tickets")
    path = folder / "tickets/openapi.yaml"
    lines = path.read_text().splitlines()

    def at(place: Place) -> str:
        assert place.file == str(path)
        return lines[place.line - 1].strip()

    opened = contract.operations["openTicket"]
    assert at(opened.place) == "post:"
    assert at(opened.responses["201"].place) == "'201':"
    assert at(opened.responses["201"].links[0].place).startswith("links:")
    assert at(contract.schemas["Ticket"].place) == "Ticket:"
    assert at(contract.lifecycles["Ticket"].transitions[1].place).startswith("- {from: [open], to: waiting")


def test_a_recursive_schema_is_read(write: Write) -> None:
    path = write(
        "tree.yaml",
        """\
        openapi: 3.1.0
        info: {title: t, version: '1'}
        paths: {}
        components:
          schemas:
            Node: {type: object, properties: {child: {$ref: '#/components/schemas/Node'}}}
        """,
    )
    assert load(path).schemas["Node"].raw["properties"]["child"] == {"$ref": "#/components/schemas/Node"}  # type: ignore[index]


def test_operations_without_or_with_the_same_id_are_all_there(write: Write) -> None:
    path = write(
        "api.yaml",
        """\
        openapi: 3.0.3
        info: {title: t, version: '1'}
        paths:
          /a: {get: {responses: {}}, put: {operationId: same, responses: {}}}
          /b: {get: {operationId: same, responses: {}}}
        """,
    )
    assert list(load(path).operations) == ["GET /a", "same", "GET /b"]


def test_a_transition_may_follow_another_lifecycles_timer(folder: Path, write: Write) -> None:
    text = (folder / "tickets/openapi.yaml").read_text()
    more = (
        "          - {from: [open], to: closed, by: {after: PT2H, of: Room}, id: $response.body#/ticketId}\n"
    )
    write("contracts/tickets/openapi.yaml", text + more)
    edge = load(folder / "tickets").lifecycles["Ticket"].transitions[-1]
    assert (edge.follows, edge.by, edge.after) == (("Room", 7200.0), None, None)
    assert edge.id == "$response.body#/ticketId"


def test_a_transition_may_move_all_that_have_a_value(folder: Path, write: Write) -> None:
    text = (folder / "tickets/openapi.yaml").read_text()
    more = "          - {from: [open], to: closed, by: mailAnswered, each: {ownerId: $message.payload#/id}}\n"
    write("contracts/tickets/openapi.yaml", text + more)
    contract = load(folder / "tickets")
    edge = contract.lifecycles["Ticket"].transitions[-1]
    assert (edge.each, edge.id) == (("ownerId", "$message.payload#/id"), None)
    one, many = contract.receives["mailAnswered"].emits
    assert [each.transitions for each in (one, many)] == [
        (contract.lifecycles["Ticket"].transitions[1],),
        (edge,),
    ]
    assert many.key is None, "whatever moves has a key of its own"


def test_two_channels_may_name_one_message_differently(write: Write) -> None:
    path = write(
        "asyncapi.yaml",
        """\
        asyncapi: 3.0.0
        info: {title: t, version: '1'}
        channels:
          a: {address: a, messages: {one: {$ref: '#/components/messages/M'}}}
          b: {address: b, messages: {two: {$ref: '#/components/messages/M'}}}
        operations:
          send:
            action: send
            channel: {$ref: '#/channels/b'}
            messages: [{$ref: '#/channels/b/messages/two'}]
        components: {messages: {M: {payload: {type: string}}}}
        """,
    )
    assert [message.name for message in load(path).sends["send"].messages] == ["two"]


@pytest.mark.parametrize(
    ("url", "path"),
    [("/v1", "/v1/a"), ("https://x.example/v1/", "/v1/a"), ("v1", "/v1/a"), ("/", "/a"), ("", "/a")],
)
def test_the_servers_path_comes_first(write: Write, url: str, path: str) -> None:
    text = "openapi: 3.1.0\ninfo: {}\nservers: [{url: '%s'}]\npaths: {/a: {get: {operationId: a}}}\n"
    assert load(write("openapi.yaml", text % url)).operations["a"].path == path


def test_a_link_may_refer_to_its_operation_by_pointer(folder: Path, write: Write) -> None:
    text = (folder / "tickets/openapi.yaml").read_text()
    pointer = "operationRef: '#/paths/~1tickets~1{ticketId}/delete'"
    write("contracts/tickets/openapi.yaml", text.replace("operationId: closeTicket,", f"{pointer},", 1))
    contract = load(folder / "tickets")
    assert contract.operations["openTicket"].responses["201"].links[0].operation == "closeTicket"
    assert [source.id for source, _, _ in contract.links_to("closeTicket")] == ["openTicket"]
