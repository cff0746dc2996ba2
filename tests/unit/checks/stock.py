"""What the ticket shop keeps, its rules and its events."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from harness.kafka.broker import Broker
from harness.kafka.wire import Publisher, Record

SEATS, TICKETS, PAYMENTS = "shop.tickets.seat.v1", "shop.tickets.ticket.v1", "shop.payments.payment.v1"
JSON = Any


class Refused(Exception):
    def __init__(self, status: int, detail: str = "") -> None:
        self.status, self.detail = status, detail


@dataclass
class Thing:
    type: str
    document: dict[str, JSON]
    version: int = 1
    entered: datetime = field(default_factory=lambda: datetime.now(UTC))
    correlation: str = ""


@dataclass(frozen=True)
class Asked:
    operation: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: JSON
    claims: Mapping[str, JSON]
    correlation: str


class Shop:
    """State and rules. One lock: a request is one transaction."""

    def __init__(self, broker: Broker | None = None, faults: frozenset[str] = frozenset()) -> None:
        self.faults, self.broker = faults, broker
        self.lock = threading.RLock()
        self.things: dict[tuple[str, str], Thing] = {}
        self.answers: dict[str, tuple[str, tuple[int, JSON, dict[str, str]]]] = {}
        self.seen: set[str] = set()
        self.offset = timedelta()
        self.publisher = Publisher(broker) if broker else None

    def now(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def get(self, type: str, id: str) -> Thing:
        if (type, id) not in self.things:
            raise Refused(404)
        return self.things[type, id]

    def put(self, type: str, document: dict[str, JSON], version: int = 1) -> Thing:
        thing = Thing(type, document, version, self.now())
        self.things[type, document["id"]] = thing
        return thing

    def move(
        self, thing: Thing, sources: tuple[str, ...], to: str, correlation: str, causation: str, **more: JSON
    ) -> None:
        before = thing.document.get("status")
        if before not in sources and "event-on-refusal" in self.faults:
            self.emit(thing, before, correlation, causation)
        if before not in sources and "illegal-transition" not in self.faults:
            if "changes-on-refusal" in self.faults:
                thing.version += 1
            raise Refused(409, "wrong status")
        thing.document |= {"status": to, **more}
        thing.version += 1
        thing.entered, thing.correlation = self.now(), correlation
        self.emit(thing, before, correlation, causation)

    def emit(self, thing: Thing, before: str | None, correlation: str, causation: str) -> None:
        topic = SEATS if thing.type == "Seat" else TICKETS
        if self.publisher is None or (f"swallow:{topic}" in self.faults):
            return
        payload = {
            "id": thing.document["id"],
            "version": thing.version,
            "from": before,
            "to": thing.document["status"],
            "occurredAt": self.now().isoformat(),
        }
        if "drop-field" in self.faults:  # a field that the payload's schema requires
            del payload["occurredAt"]
        if "phi-in-event" in self.faults:  # a property that the contract marks x-phi
            payload["note"] = thing.document.get("note", "")
        headers = {
            "ce_specversion": "1.0",
            "ce_id": str(uuid.uuid4()),
            "ce_type": f"shop.{thing.type.lower()}.changed",
            "ce_source": "/tickets",
            "ce_time": self.now().isoformat(),
            "ce_correlationid": str(uuid.uuid4()) if "lost-correlation" in self.faults else correlation,
            "ce_causationid": "somebody else" if "wrong-causation" in self.faults else causation,
            "content-type": "text/plain" if "wrong-content-type" in self.faults else "application/json",
        }
        if "header-missing" in self.faults:
            del headers["ce_source"]
        key = str(uuid.uuid4()) if "wrong-key" in self.faults else thing.document["id"]
        if "phi-in-key" in self.faults:
            key = thing.document.get("note") or key
        if "foreign-topic" in self.faults:
            topic = PAYMENTS
        for _ in range(2 if "double-event" in self.faults else 1):
            headers["ce_id"] = str(uuid.uuid4())
            self.publisher.send(topic, key, headers, json.dumps(payload).encode())
        self.publisher.flush()

    def settled(self, record: Record) -> None:
        """A payment message."""
        payload, event = record.json(), record.header("ce_id") or ""
        if "deaf" in self.faults or record.header("ce_type") != "shop.payment.settled":
            return
        with self.lock:
            if event in self.seen and "no-inbox" not in self.faults:
                return
            self.seen.add(event)
            thing = self.things.get(("Ticket", payload.get("ticketId", "")))
            if thing is None or (payload.get("outcome") != "settled" and "any-payment" not in self.faults):
                return
            if thing.document["status"] == "pending" or "no-inbox" in self.faults:
                self.move(thing, ("pending", "paid"), "paid", record.header("ce_correlationid") or "", event)

    def advance(self, seconds: float) -> None:
        with self.lock:
            self.offset += timedelta(seconds=seconds)
            if "no-timers" in self.faults:
                return
            for thing in list(self.things.values()):
                age = (self.now() - thing.entered).total_seconds()
                id, status = thing.document["id"], thing.document["status"]
                if thing.type == "Seat" and status == "held" and age >= 600:
                    if "double-timer" in self.faults:
                        self.emit(Thing("Seat", {"id": id, "status": "free"}), status, thing.correlation, id)
                    self.move(thing, ("held",), "free", thing.correlation, id, heldBy=None)
                elif thing.type == "Ticket" and status == "pending" and age >= 86400:
                    self.move(thing, ("pending",), "void", thing.correlation, id)

    def state(self, wish: Mapping[str, JSON]) -> JSON:
        type, document = wish["state"].split()[0], dict(wish["parameters"])
        with self.lock:
            thing = self.put(type, document)
            return {"type": type, "document": thing.document, "version": thing.version}

    def reset(self) -> None:
        with self.lock:
            self.things.clear()
            self.answers.clear()
            self.offset = timedelta()
            self.put("Seat", {"id": "55555555-5555-4555-8555-555555555555", "status": "free"})
