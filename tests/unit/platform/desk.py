"""The handlers of the desk, and ways to call them without a socket."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
from sqlalchemy import select

from harness.contract import load
from harness.contract.model import JSON, Contract
from harness.kafka.broker import Broker
from harness.kafka.wire import Record
from harness.serving.exchange import Answer, Request
from harness.serving.keys import KeyStore
from harness.serving.problems import Problem
from reference_services.platform import tables
from reference_services.platform.accesses import Accesses
from reference_services.platform.endpoint import endpoint
from reference_services.platform.handlers import resolve
from reference_services.platform.operations import plan_of
from reference_services.platform.service import ReferenceService, build_service
from reference_services.platform.values import timestamp
from reference_services.platform.work import Aggregate, Between, IncomingMessage, Page, Work

FOLDER = Path(__file__).parent / "contract" / "desk"
TICKET = "00000000-0000-4000-8000-000000000001"
STAFF = {"actor": "staff", "sub": "staff-1"}
ONE = {"actor": "patient", "patient": "pat-1", "sub": "pat-1"}
TWO = {"actor": "patient", "patient": "pat-2", "sub": "pat-2"}


@dataclass
class Told:
    """What a message handler was told to do wrong, and what it saw."""

    failures: int = 0
    seen: list[str] = field(default_factory=list)
    before_commit: threading.Event | None = None


def desk_module(told: Told) -> ModuleType:
    """Handlers as a service writes them; ``told`` makes some fail."""
    module = ModuleType("desk_handlers")

    def openTicket(work: Work, request: Request) -> Aggregate:
        document = {**request.body, "opened": timestamp(work.now), "_origin": "desk"}
        return work.create("Ticket", document, unique=("title",), because="opened")

    def listTickets(work: Work, request: Request) -> Page:
        query = request.query
        where = {"status": query.get("status"), "opened": Between(query.get("from"))}
        return work.page("Ticket", request, where, order=query.get("order"), newest=bool(query.get("newest")))

    def getTicket(work: Work, request: Request) -> Aggregate:
        return work.get("Ticket", request.path["ticketId"])

    def retitleTicket(work: Work, request: Request) -> Aggregate:
        return work.save(work.get("Ticket", request.path["ticketId"]), title=request.body["title"])

    def deleteTicket(work: Work, request: Request) -> None:
        work.delete(work.get("Ticket", request.path["ticketId"]))

    def takeTicket(work: Work, request: Request) -> Aggregate:
        ticket = work.get("Ticket", request.path["ticketId"])
        seat = work.get("Seat", request.body["seatId"], internal=True)
        work.change(seat)
        return work.change(ticket, because="taken", seatId=seat.id)

    def setWishes(work: Work, request: Request) -> Aggregate:
        patient = request.path["patientId"]
        wishes = work.peek("Wishes", patient)
        if wishes is None:
            return work.create("Wishes", request.body, id=patient)
        return work.save(wishes, **request.body)

    def noteWritten(work: Work, message: IncomingMessage) -> None:
        told.seen.append(message.id)
        ticket = work.peek("Ticket", message.payload["ticketId"])
        if ticket is None:
            raise Problem(404)
        work.change(ticket, because="noted")
        if told.failures > 0:
            told.failures -= 1
            raise RuntimeError("not today")

    handlers = (
        openTicket, listTickets, getTicket, retitleTicket, deleteTicket, takeTicket, setWishes, noteWritten
    )  # fmt: skip
    for each in handlers:
        setattr(module, each.__name__, each)
    return module


class Desk:
    """A running service with shortcuts."""

    def __init__(
        self,
        told: Told | None = None,
        broker: Broker | None = None,
        url: str | None = None,
        module: Any = None,
        schema: str | None = None,
    ) -> None:
        self.contract: Contract = load(FOLDER)
        self.told = told or Told()
        self.module = module or desk_module(self.told)
        self.service: ReferenceService = build_service(
            self.contract,
            broker,
            KeyStore(),
            url or fresh(),
            handlers=self.module,
            schema=schema,
            validate_responses=True,
        )
        handlers = resolve(self.contract, self.module)
        self._plans = {
            each.id: plan_of(self.contract, each, handlers.operations[each.id])
            for each in self.contract.operations.values()
        }
        parts = (self.service.store, self.service.knowledge, self.service.clock)
        accesses = Accesses(*parts)
        self._endpoints = {name: endpoint(plan, *parts, accesses) for name, plan in self._plans.items()}
        self._numbers = itertools.count(1)

    def call(
        self,
        operation: str,
        claims: Mapping[str, JSON] = STAFF,
        *,
        path: Mapping[str, JSON] | None = None,
        query: Mapping[str, JSON] | None = None,
        body: JSON = None,
        headers: Mapping[str, str] | None = None,
        correlation: str = "corr-1",
    ) -> Answer:
        """What the platform answers to a request that passed serving."""
        request = Request(
            self.contract.operations[operation],
            self.contract.operations[operation].method,
            "http://desk",
            path or {},
            query or {},
            headers or {},
            body,
            claims=claims,
            correlation=correlation,
            traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )
        return self._endpoints[operation](request)

    def open(self, title: str, patient: str = "pat-1", key: str | None = None) -> Any:
        body = {"title": title, "patientId": patient}
        headers = {"idempotency-key": key or f"key-{next(self._numbers)}"}
        return self.call("openTicket", body=body, headers=headers).body

    def total(self) -> int:
        """How many tickets there are."""
        body = self.call("listTickets").body
        assert isinstance(body, dict)
        return int(body["total"])

    def events(self) -> list[tuple[str, str, dict[str, str], Any]]:
        """What waits in the outbox: topic, key, headers, payload."""
        with self.service.store.transaction(write=False) as transaction:
            rows = transaction.connection.execute(select(tables.outbox).order_by(tables.outbox.c.seq)).all()
        return [(row.topic, row.key, dict(orjson.loads(row.headers)), loaded(row.value)) for row in rows]


def loaded(value: bytes) -> Any:
    """JSON, or the bytes where it is none."""
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


@contextmanager
def running(desk: Desk) -> Iterator[Desk]:
    desk.service.start()
    desk.service.join()
    try:
        yield desk
    finally:
        desk.service.stop()


_offsets = itertools.count()


def own_file() -> None:
    """A temporary SQLite file."""


fresh: Callable[[], str | None] = own_file
"""The URL of a database for a desk that was given none; a fixture says which."""


def note(
    to: str = "draft",
    *,
    id: str = "e-1",
    sequence: int | None = 1,
    key: str = "not-1",
    ticket: str = TICKET,
    value: bytes | None = None,
    headers: Mapping[str, str] | None = None,
) -> Record:
    """A record on the topic that the desk listens to."""
    payload = {"id": key, "ticketId": ticket, "to": to}
    given = {
        "ce_id": id,
        "ce_type": "portal.notes.NoteWritten.v1",
        "ce_correlationid": "corr-note",
        "content-type": "application/json",
    }
    if sequence is not None:
        given["ce_sequence"] = str(sequence)
    said = given if headers is None else dict(headers)
    return Record(
        "portal.notes.note.v1",
        0,
        next(_offsets),
        key,
        tuple((name, text.encode()) for name, text in said.items()),
        orjson.dumps(payload) if value is None else value,
    )
