"""Each message has its effect once; what cannot be processed goes to the dead letter, never the loop."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from harness.contract.extent import MAX_MESSAGE
from harness.errors import ContractError
from harness.kafka.consuming import Verdict
from harness.kafka.wire import Record
from reference_services.platform import records, tables
from reference_services.platform.aggregate import Aggregate
from reference_services.platform.inbox import Inbox
from tests.unit.platform.desk import TICKET, Desk, note

DEAD = "portal.desk.dead-letter.v1"


def ticket(desk: Desk, id: str = TICKET) -> Aggregate:
    with desk.service.store.transaction(write=False) as transaction:
        found = records.read(transaction, "Ticket", id)
    assert found is not None
    return found


def dead(desk: Desk) -> list[tuple[str | None, dict[str, str], object]]:
    return [(key, headers, value) for topic, key, headers, value in desk.events() if topic == DEAD]


def test_a_message_moves_what_its_transition_names(desk: Desk) -> None:
    desk.service.taker.take(note("final", id="e-7"))
    assert ticket(desk).status == "closed"
    [(_, key, headers, payload)] = desk.events()
    assert (key, payload["to"]) == (TICKET, "closed")
    assert headers["ce_correlationid"] == "corr-note"
    assert headers["ce_causationid"] == "e-7"


def test_the_same_ce_id_has_no_second_effect(desk: Desk) -> None:
    for _ in range(3):
        desk.service.taker.take(note("draft", id="e-1"))
    assert ticket(desk).version == 2
    assert desk.told.seen == ["e-1"]


def test_the_same_ce_id_at_the_same_time_has_one_effect(desk: Desk) -> None:
    threads = [threading.Thread(target=desk.service.taker.take, args=(note("draft"),)) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert desk.told.seen == ["e-1"]


def test_what_was_taken_in_is_not_remembered_for_ever(desk: Desk) -> None:
    for number, days in enumerate((29, 2, 0)):
        desk.service.taker.take(note("draft", id=f"e-{number}", sequence=None))
        desk.service.control_face.advance(timedelta(days=days).total_seconds())
    with desk.service.store.transaction(write=False) as transaction:
        kept = transaction.connection.execute(select(tables.inbox.c.event).order_by(tables.inbox.c.event))
        assert kept.scalars().all() == ["e-1", "e-2"]


def test_a_key_does_not_go_back(desk: Desk) -> None:
    for id, sequence, key in (
        ("e-1", 5, "not-1"),
        ("e-2", 4, "not-1"),
        ("e-3", 4, "not-2"),
        ("e-4", 5, "not-1"),
        ("e-5", 10, "not-1"),
    ):
        desk.service.taker.take(note("draft", id=id, sequence=sequence, key=key))
    assert desk.told.seen == ["e-1", "e-3", "e-4", "e-5"], "numbers, not text; each key for itself"


def test_without_a_sequence_every_message_counts(desk: Desk) -> None:
    for id in ("e-1", "e-2"):
        desk.service.taker.take(note("draft", id=id, sequence=None))
    assert desk.told.seen == ["e-1", "e-2"]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (note(value=b"{"), "malformed"),
        (note(value=b"\xff\xfe"), "malformed"),
        (note(headers={}), "malformed"),
        (Record("portal.notes.note.v1", 0, 1, "not-1", (), None), "malformed"),
        (note(value=b"[]"), "invalid"),
        (note("unheard-of"), "invalid"),
        (note(key="wrong"), "invalid"),
        (note(headers={"ce_id": "e-1", "ce_type": "another"}), "invalid"),
        (
            note(headers={"ce_id": "e-1", "ce_type": "portal.notes.NoteWritten.v1", "ce_sequence": "x"}),
            "invalid",
        ),
        (note(value=b"[" * 900 + b"]" * 900), "malformed"),
        (note(value=b"[" + b"0," * 60_000 + b"0]"), "malformed"),
        (note(value=b"{}" + b" " * MAX_MESSAGE), "malformed"),
        (note(id="e" * 300), "invalid"),
        (note("odd"), "failed"),
        (note(ticket="none"), "failed"),
    ],
    ids=lambda given: given if isinstance(given, str) else None,
)
def test_what_cannot_be_processed_is_kept_unchanged_with_the_reason(
    desk: Desk, record: Record, reason: str
) -> None:
    desk.service.taker.take(record)
    [(key, headers, _)] = dead(desk)
    assert key == record.key
    assert headers["deadletter_reason"] == reason
    assert headers["deadletter_operation"] == "noteWritten"
    assert headers["deadletter_topic"] == record.topic
    assert headers["deadletter_offset"] == str(record.offset)
    assert {name: value.decode() for name, value in record.headers}.items() <= headers.items()
    assert ticket(desk).version == 1
    desk.service.taker.take(record)
    assert len(dead(desk)) == 1, "a redelivery is no second dead letter"


@pytest.mark.parametrize("forged", [8, 10**12, 10**18, 2**63, 10**40])
def test_a_forged_number_does_not_silence_what_follows(desk: Desk, forged: int) -> None:
    """A count is the aggregate's version, or it is not believed."""
    payload = b'{"id": "not-1", "ticketId": "%s", "to": "draft", "version": 7}' % TICKET.encode()
    desk.service.taker.take(note(id="e-1", sequence=forged, value=payload))
    assert [headers["deadletter_reason"] for _, headers, _ in dead(desk)] == ["invalid"]
    desk.service.taker.take(note(id="e-2", sequence=7, value=payload))
    assert desk.told.seen == ["e-2"]


def test_a_failure_undoes_everything_and_is_tried_as_often_as_the_contract_says(desk: Desk) -> None:
    desk.told.failures = 99
    record = note("draft")
    inbox = Inbox.__new__(Inbox)
    inbox._taker = desk.service.taker
    waits: list[float | Verdict] = []
    for attempt in (1, 2, 3):
        with pytest.raises(RuntimeError) as caught:
            desk.service.taker.take(record)
        waits.append(inbox._on_error(record, caught.value, attempt))
    assert waits == [0.01, 0.02, Verdict.GIVE_UP]
    assert ticket(desk).version == 1
    assert [headers["deadletter_reason"] for _, headers, _ in dead(desk)] == ["failed"]
    assert len(desk.events()) == 1, "what the attempts emitted went with them"


def test_after_a_failure_the_next_attempt_has_the_effect(desk: Desk) -> None:
    desk.told.failures = 1
    with pytest.raises(RuntimeError):
        desk.service.taker.take(note("draft"))
    desk.service.taker.take(note("draft"))
    assert ticket(desk).version == 2
    assert len(desk.events()) == 1


def test_a_refused_state_is_not_tried_again(desk: Desk) -> None:
    desk.service.taker.take(note("final", id="e-1"))
    desk.service.taker.take(note("final", id="e-2", sequence=2))
    assert [headers["deadletter_reason"] for _, headers, _ in dead(desk)] == ["failed"]
    assert ticket(desk).version == 2


def test_an_error_in_our_own_contract_is_an_error(desk: Desk) -> None:
    """What breaks our own event is no refusal: it is tried again, and then buried."""
    desk.service.control_face.change_state("Ticket", "setup", {"id": TICKET, "status": "open"})
    with desk.service.store.transaction(write=True) as transaction:
        kept = records.read(transaction, "Ticket", TICKET)
        assert kept is not None
        del kept.document["patientId"]
        records.replace(transaction, kept, kept.version)
    with pytest.raises(ContractError):
        desk.service.taker.take(note("draft"))
