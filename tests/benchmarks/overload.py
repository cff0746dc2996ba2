"""A reference service at three times what it can do: ``python -m tests.benchmarks.overload [ROUNDS]``.

Scheduling, on a SQLite file and a broker of its own, is asked over sockets: four reads to one booking. Each
round has a fresh service and three parts: one client alone (unloaded), a few who keep it busy (its
capacity), and three times that many requests a second, which come whether or not anybody answers.

Afterwards nothing accepted may be lost: what every 201 made is read again by GET, and the topic tells of each
exactly once and of nothing else; refused bookings are sent again with the same Idempotency-Key and accepted.
Exit code 1 if that is not so. Times are printed and nothing is asserted of them: other people's load is in
them. The aim is that the p99 of what was accepted is at most 5 times the unloaded one.
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx
from rich.console import Console

from harness.contract import load_system
from harness.kafka.broker import Broker
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.listening import Listener
from harness.processes import Child
from harness.serving.keys import KeyStore
from harness.serving.overload import VARIABLE
from tests.benchmarks.open_loop import Ask, Heard, Told, at_a_rate, each_once, in_turns
from tests.benchmarks.others import had_by_others
from tests.benchmarks.overload_figures import KINDS, Figures, table

ROUNDS = 3
TIMES = 3
LINE = "5"
"""Milliseconds that a standing line may take, for short waits; the default refuses fewer."""

CLIENTS = 2
"""Who keep the service busy: as many as may be there in any case, with a line as short as this."""

SECONDS = {"unloaded": 4.0, "capacity": 4.0, "overload": 20.0}
SHOWN = 10
"""Faults."""

AGAIN = 20
"""Refused bookings that are sent again with the same key."""

_CONTRACTS = Path(__file__).parents[2] / "contracts"
_TOPIC = "portal.scheduling.appointment.v1"
_PATIENT = "pat-4k7m2q9x1a"
_SLOTS = tuple(f"slt-1000000{number}" for number in range(1, 9))
_SETTLING = 15.0
"""Seconds in which the last event is on its topic."""


@dataclass
class Service:
    """The service under load, what may still be booked there, and what was."""

    port: int
    control: str
    pid: int
    token: str
    core: int
    free: deque[str] = field(default_factory=deque)
    made: list[str] = field(default_factory=list)
    refused: deque[Ask] = field(default_factory=lambda: deque(maxlen=AGAIN))
    dice: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - no secret

    def ask(self) -> Ask:
        """The next request of the mixture."""
        kind = self.dice.choice(KINDS)
        if kind == "getSlot":
            return Ask(kind, self._raw("GET", f"/slots/{self.dice.choice(_SLOTS)}"))
        if kind == "searchSlots":
            return Ask(kind, self._raw("GET", "/slots?status=free"))
        slot = self.free.popleft()
        body = json.dumps({"patientId": _PATIENT, "slotId": slot})
        key = f"Idempotency-Key: {uuid.uuid4()}\r\nContent-Type: application/json\r\n"
        return Ask(kind, self._raw("POST", "/appointments", key, body), slot)

    def told(self, told: Told) -> None:
        """Keep what was made, and what was refused."""
        if told.status == 201:
            self.made.append(json.loads(told.body)["id"])
        elif told.status == 503 and told.ask.thing:
            if len(self.refused) == AGAIN:
                self.free.append(self.refused[0].thing)
            self.refused.append(told.ask)

    def reading(self, id: str) -> Ask:
        return Ask("getAppointment", self._raw("GET", f"/appointments/{id}"), id)

    def make_slots(self, number: int) -> None:
        """Held for the patient, until there are so many."""
        with httpx.Client() as client:
            while len(self.free) < number:
                held = {"status": "busy-tentative", "heldFor": _PATIENT}
                body = {"state": "Slot exists", "action": "setup", "parameters": held}
                answer = client.post(f"{self.control}/states", json=body).raise_for_status()
                self.free.append(answer.json()["document"]["id"])

    def _raw(self, method: str, path: str, headers: str = "", body: str = "") -> bytes:
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        head = f"{method} /v1{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.token}\r\n"
        return f"{head}{headers}{length}\r\n{body}".encode()


def main(rounds: int) -> int:
    """Print what was measured; the exit code."""
    console, found, wrong = Console(width=120), list[Figures](), list[str]()
    for number in range(rounds):
        with _service() as (service, broker):
            figures, faults = _round(service, broker)
        found.append(figures)
        wrong += faults
        console.print(f"round {number + 1}: {figures.line()}", highlight=False)
    console.print(table(found))
    for fault in wrong[:SHOWN]:
        console.print(fault, style="red")
    if len(wrong) > SHOWN:
        console.print(f"and {len(wrong) - SHOWN} more of the kind", style="red")
    return 1 if wrong else 0


def _round(service: Service, broker: Broker) -> tuple[Figures, list[str]]:
    with Listener(broker, [_TOPIC]) as heard:
        service.make_slots(1500)
        in_turns(service.port, service.ask, service.told, CLIENTS, 1.0)  # warm
        unloaded = _part(service, heard, partial(in_turns, clients=1), "unloaded")
        service.make_slots(2500)
        full = _part(service, heard, partial(in_turns, clients=CLIENTS), "capacity")
        capacity = sum(each.status < 300 for each in full.told) / full.seconds
        service.make_slots(int(capacity * SECONDS["overload"] / len(KINDS) * 1.3) + 1500)
        before = had_by_others(service.core, service.pid)
        loaded = _part(service, heard, partial(at_a_rate, rate=TIMES * capacity), "overload")
        others = (had_by_others(service.core, service.pid) - before) / loaded.seconds
        faults = [*_wrong_answers(loaded), *_lost(service, heard)]
    return Figures(capacity, unloaded, loaded, others), faults


def _part(service: Service, heard: Listener, how: Callable[..., Heard], name: str) -> Heard:
    told = how(service.port, service.ask, service.told, seconds=SECONDS[name])
    heard.mark()  # the broker keeps only so much
    return told


def _wrong_answers(loaded: Heard) -> Iterator[str]:
    """A request is done, or refused with a time to come back."""
    for told in loaded.told:
        if told.status == 503:
            if b"\r\nretry-after: " not in told.head or json.loads(told.body)["status"] != 503:
                yield f"{told.ask.kind} was refused without saying when to come back: {told.head!r}"
        elif told.status not in (200, 201):
            yield f"{told.ask.kind} was answered {told.status} {told.body[:300]!r}"


def _lost(service: Service, heard: Listener) -> Iterator[str]:
    """What was accepted and is not there, or was told of otherwise than once."""
    for told in each_once(service.port, list(service.refused), 1):
        service.told(told)
        if told.status != 201:
            yield f"a refused booking, sent again with its key, was answered {told.status} {told.body!r}"
    for told in each_once(service.port, [service.reading(each) for each in service.made], CLIENTS):
        if told.status != 200 or json.loads(told.body)["id"] != told.ask.thing:
            yield f"{told.ask.thing} was answered 201 and cannot be read: {told.status}"
    heard.wait_for(
        lambda record: json.loads(record.value or b"{}").get("from") is None, _SETTLING, 0, len(service.made)
    )
    begun = (json.loads(each.value or b"{}") for each in heard.records)
    events = Counter(str(each["id"]) for each in begun if each.get("from") is None)
    for id, times in (events - Counter(service.made)).items():
        yield f"the topic tells of {id} {times} times too often"
    for id in Counter(service.made) - events:
        yield f"{id} was answered 201, and the topic does not tell of it"


@contextmanager
def _service() -> Iterator[tuple[Service, Broker]]:
    """Alone on the first core; the broker is with us on another."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    apart = len(cores) > 1
    topics = {each.address: each.partitions for each in load_system(_CONTRACTS).topics.values()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys = KeyStore(folder / "state")
        token = keys.mint({"actor": "staff", "sub": "staff-1", "scope": _SCOPES})
        try:
            if apart:
                os.sched_setaffinity(0, cores[1:])
            with EmbeddedBroker(topics) as embedded:
                if apart:
                    os.sched_setaffinity(0, cores[:1])  # what is started now inherits it
                ready = folder / "ready.json"
                argv = [sys.executable, "-m", "harness.cli.main", "serve", "scheduling"]
                argv += ["--contracts", str(_CONTRACTS), "--kafka", embedded.bootstrap]
                argv += ["--data", str(folder / "data"), "--ready-file", str(ready)]
                bounds = {"PORTAL_STATE": str(folder / "state"), VARIABLE: LINE}
                child = Child(argv, bounds, "portal serve")
                if apart:
                    os.sched_setaffinity(0, cores[1:])
                with child:
                    child.await_ready(ready, 60.0)
                    port = int(child.ready["services"]["scheduling"].rpartition(":")[2])
                    control = child.ready["control"]["scheduling"]
                    yield Service(port, control, child.pid, token, cores[0]), embedded.broker
        finally:
            if apart:
                os.sched_setaffinity(0, cores)


_SCOPES = "patient/Slot.read patient/Slot.write patient/Appointment.read patient/Appointment.write"

if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
