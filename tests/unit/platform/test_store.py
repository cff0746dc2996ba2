"""Many writers, one truth."""

from __future__ import annotations

import sqlite3
import threading
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from harness.serving.exchange import Request
from harness.serving.problems import Problem
from reference_services.platform import records, tables
from reference_services.platform.engine import open_database
from reference_services.platform.events import put
from reference_services.platform.store import Conflict, WriteWanted
from reference_services.platform.work import Aggregate, Work
from tests.unit.platform.desk import TICKET, Desk, Told, desk_module, running

_F = tables.fields.c


def ticket(desk: Desk) -> Aggregate:
    with desk.service.store.transaction(write=False) as transaction:
        found = records.read(transaction, "Ticket", TICKET)
    assert found is not None
    return found


def test_what_has_changed_since_it_was_read_is_not_overwritten(desk: Desk) -> None:
    kept = ticket(desk)
    with pytest.raises(Conflict), desk.service.store.transaction(write=True) as transaction:
        records.replace(transaction, kept, kept.version + 1)
    with pytest.raises(Conflict), desk.service.store.transaction(write=True) as transaction:
        kept.version = 7
        records.remove(transaction, kept)
    assert ticket(desk).version == 1


def test_after_a_conflict_the_handler_runs_again() -> None:
    module = desk_module(Told())
    runs: list[int] = []

    def retitleTicket(work: Work, request: Request) -> Aggregate:
        runs.append(1)
        if len(runs) < 3:
            raise Conflict
        return work.save(work.get("Ticket", request.path["ticketId"]), title="b")

    module.retitleTicket = retitleTicket  # type: ignore[attr-defined]
    with running(Desk(module=module)) as desk:
        desk.call("retitleTicket", path={"ticketId": TICKET}, headers={"if-match": '"1"'})
        assert len(runs) == 3
        assert ticket(desk).version == 2


def test_an_error_of_the_database_repeats_nothing_that_is_kept(desk: Desk) -> None:
    kept = replace(ticket(desk), document={"title": "Kowalczyk"})
    with pytest.raises(records.Taken) as caught, desk.service.store.transaction(write=True) as transaction:
        records.add(transaction, kept)
    assert caught.value.__cause__ is not None
    assert "Kowalczyk" not in str(caught.value.__cause__)


MANY, LONG = 3_000, 4_000


def test_of_all_in_order_only_some_are_held_at_once(desk: Desk) -> None:
    """Whatever their number, and whatever the order in which they were put in."""
    ranks = [(place * 7) % MANY for place in range(MANY)]
    tickets = [
        Aggregate("Ticket", f"t-{rank}", 1, {"rank": rank, "words": "x" * LONG}, entered_at="")
        for rank in ranks
    ]
    with desk.service.store.transaction(write=True) as transaction:
        records.add_all(transaction, tickets)
    del tickets
    with desk.service.store.transaction(write=False) as transaction:
        tracemalloc.start()
        try:
            read = [each["rank"] for each in records.in_order(transaction, "Ticket", "rank")]
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert read == sorted(ranks)
    assert peak < MANY * LONG / 3


def test_who_reads_cannot_write(desk: Desk) -> None:
    kept = ticket(desk)
    with pytest.raises(WriteWanted), desk.service.store.transaction(write=False) as transaction:
        records.replace(transaction, kept, kept.version)


def test_what_is_told_is_written(desk: Desk) -> None:
    """A GET that emits is run again to write: its event goes into the outbox."""
    with pytest.raises(WriteWanted), desk.service.store.transaction(write=False) as transaction:
        put(transaction, "portal.desk.ticket.v1", None, [], b"{}")


@pytest.mark.parametrize(
    "text", ["\x00", "a\x00b", "\x01", "\x00\x01\x02\x00\x00", "\x01\x01", "Zoë", "x" * 200]
)
def test_every_text_is_kept_and_found_as_it_is(desk: Desk, text: str) -> None:
    made = desk.call("setWishes", path={"patientId": text}, body={"tone": text}, headers={"if-match": '"0"'})
    assert made.body == {"id": text, "tone": text}
    with desk.service.store.transaction(write=False) as transaction:
        found = records.read(transaction, "Wishes", text)
        missing = records.read(transaction, "Wishes", text + "\x00")
        [same] = records.search(transaction, [records.has_field("Wishes", "tone", _F.value == text)], None)
    assert found == same
    assert (same.id, same.document["tone"]) == (text, text)
    assert missing is None


def test_two_processes_write_one_database_at_the_same_time(url: str) -> None:
    """Two stores share nothing but the file, as two processes do."""
    with running(Desk(url=url)) as one, running(Desk(url=url)) as other:
        refused: list[Problem] = []

        def write(desk: Desk, name: str) -> None:
            for number in range(20):
                try:
                    desk.open(f"{name}{number}", key=f"{name}{number}")
                except Problem as problem:
                    refused.append(problem)

        threads = [
            threading.Thread(target=write, args=(desk, name)) for desk, name in ((one, "a"), (other, "b"))
        ]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert refused == []
        body = one.call("listTickets").body
        assert isinstance(body, dict)
        assert body["total"] == 43


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_replica_waits_while_another_is_the_first_to_write_to_their_database(tmp_path: Path) -> None:
    first = sqlite3.connect(tmp_path / "desk.db", isolation_level=None, check_same_thread=False)
    first.execute("BEGIN IMMEDIATE")
    letting_go = threading.Timer(0.3, first.close)
    letting_go.start()

    open_database(f"sqlite:///{tmp_path}/desk.db").close()

    letting_go.join()


def test_a_transaction_reads_one_state_of_things(desk: Desk) -> None:
    with desk.service.store.transaction(write=False) as transaction:
        before = records.count(transaction, [])
        desk.open("meanwhile")
        assert records.count(transaction, []) == before


def test_a_get_is_one_statement(desk: Desk) -> None:
    said: list[str] = []
    engine = desk.service.store.database.reading

    def note(*arguments: object) -> None:
        if threading.current_thread() is threading.main_thread():  # the timers' thread reads too
            said.append(str(arguments[2]))

    event.listen(engine, "before_cursor_execute", note)
    desk.call("getTicket", path={"ticketId": TICKET})
    assert [each.split()[0] for each in said if each != "BEGIN"] == ["SELECT"]


def test_what_is_not_running_says_so() -> None:
    with pytest.raises(Problem) as caught:
        Desk().call("getTicket", path={"ticketId": TICKET})
    assert caught.value.status == 503
