"""Provider states for every schema, by partial instances."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from harness.contract.schema import compile_schema
from harness.errors import HarnessError
from reference_services.platform import tables
from reference_services.platform.control import ServiceControl
from tests.unit.platform.desk import TICKET, Desk, note


@pytest.fixture
def face(desk: Desk) -> Iterator[ServiceControl]:
    yield desk.service.control_face


def test_a_state_is_whole_and_contains_what_was_asked_for(desk: Desk, face: ServiceControl) -> None:
    held = face.change_state("Ticket", "setup", {"patientId": "pat-7", "status": "taken"})
    assert held.document is not None
    assert held.version == 1
    assert {"patientId": "pat-7", "status": "taken"}.items() <= held.document.items()
    assert compile_schema(desk.contract.schemas["Ticket"]).is_valid(held.document)
    assert desk.call("getTicket", path={"ticketId": held.document["id"]}).body == held.document


def test_each_state_without_an_id_is_another_one(face: ServiceControl) -> None:
    made = [face.change_state("Ticket", "setup", {}).document for _ in range(3)]
    assert len({each["id"] for each in made if each is not None}) == 3


def test_the_same_id_is_replaced_and_begins_anew(desk: Desk, face: ServiceControl) -> None:
    path = {"ticketId": TICKET}
    desk.call("retitleTicket", path=path, body={"title": "b"}, headers={"if-match": '"1"'})
    assert face.change_state("Ticket", "setup", {"id": TICKET, "status": "closed"}).version == 1
    answer = desk.call("getTicket", path=path)
    assert answer.headers["ETag"] == '"1"'
    assert isinstance(answer.body, dict)
    assert answer.body["status"] == "closed"


def test_what_has_no_id_of_its_own_has_its_patient_s(desk: Desk, face: ServiceControl) -> None:
    face.change_state("Wishes", "setup", {"id": "pat-5", "tone": "loud"})
    changed = desk.call(
        "setWishes", path={"patientId": "pat-5"}, body={"tone": "soft"}, headers={"if-match": '"1"'}
    )
    assert changed.headers["ETag"] == '"2"'


def test_teardown_removes_it_and_may_come_twice(desk: Desk, face: ServiceControl) -> None:
    for _ in range(2):
        held = face.change_state("Ticket", "teardown", {"id": TICKET})
        assert (held.document, held.version) == (None, 0)
    assert desk.call("listTickets").body["total"] == 2  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    ("schema", "partial", "said"),
    [
        ("Tickett", {}, "Ticket"),
        ("TicketChanged", {}, "nothing of that kind"),
        ("Ticket", {"status": "lost"}, "Ticket"),
        ("Ticket", {"unheard": "of"}, "Ticket"),
    ],
)
def test_what_cannot_be_made_says_why(
    face: ServiceControl, schema: str, partial: dict[str, str], said: str
) -> None:
    with pytest.raises(HarnessError) as caught:
        face.change_state(schema, "setup", partial)
    assert said in caught.value.paragraph()


def test_reset_forgets_everything_and_puts_the_examples_back(desk: Desk, face: ServiceControl) -> None:
    desk.open("a", key="k1")
    desk.service.taker.take(note("draft"))
    face.reset(seed=True)
    body = desk.call("listTickets").body
    assert isinstance(body, dict)
    assert [each["title"] for each in body["items"]] == ["One", "Two", "Nine"]
    desk.service.taker.take(note("draft"))
    assert desk.told.seen == ["e-1", "e-1"], "the inbox is empty too"
    assert desk.open("another", key="k1")["title"] == "another"


def test_reset_without_seed_leaves_nothing(desk: Desk, face: ServiceControl) -> None:
    desk.open("a")
    face.reset(seed=False)
    with desk.service.store.transaction(write=False) as transaction:
        for table in tables.metadata.sorted_tables:
            left = transaction.connection.execute(select(func.count()).select_from(table)).scalar_one()
            assert left == 0, table.name


def test_an_empty_store_begins_with_the_examples_and_a_used_one_keeps_its_own(url: str) -> None:
    from tests.unit.platform.desk import running

    with running(Desk(url=url)) as first:
        first.open("kept")
        first.call("deleteTicket", path={"ticketId": TICKET})
    with running(Desk(url=url)) as second:
        body = second.call("listTickets").body
    assert isinstance(body, dict)
    assert [each["title"] for each in body["items"]] == ["Two", "Nine", "kept"]


def test_it_is_healthy(face: ServiceControl) -> None:
    assert face.healthy()
