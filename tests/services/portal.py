"""A running portal as a test drives it: the reference services on real sockets, over one broker."""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue
from typing import TypeVar

import httpx

from harness.contract import load_system
from harness.contract.model import JSON, Contract, System
from harness.kafka.broker import Broker
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.listening import Listener
from harness.kafka.wire import Publisher
from harness.serving.emitting import Cause, make_event
from harness.serving.keys import KeyStore
from harness.serving.server import Addresses, run
from reference_services.platform.peers import DevelopmentTokens, Peers
from reference_services.platform.service import ReferenceService, build_service
from reference_services.platform.values import timestamp

AMARA = "pat-4k7m2q9x1a"
BEN = "pat-8d3w6n5z0b"
CHLOE = "pat-2h9t4v7c6e"
DANIEL = "pat-6r1y8u3p5d"
ESTHER = "pat-9c5e2j7l4f"
FARAH = "pat-5x2q7d4h8j"

T = TypeVar("T")

STAFF: Mapping[str, JSON] = {"actor": "staff", "sub": "staff-1"}
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
START = 30.0


def patient(id: str) -> dict[str, JSON]:
    """Claims of a patient who acts for themselves."""
    return {"actor": "patient", "patient": id, "sub": id}


def list_for_proxies(contract: Contract, patient: str) -> str | None:
    """The path of a list of the patient's that a proxy may read; None where there is none."""
    for each in contract.operations.values():
        if each.method == "GET" and "{patientId}/" in each.path and "proxy" in each.access:
            return each.path.removeprefix("/v1").replace("{patientId}", patient)
    return None


def eventually(look: Callable[[], T | None], within: float = 10.0) -> T:
    """The first answer that is not None; AssertionError once ``within`` seconds are over."""
    deadline = time.monotonic() + within
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise AssertionError(f"nothing came within {within:g} s")
        time.sleep(0.02)
    return found


@dataclass
class Portal:
    """Addresses and the means to call them. ``scopes`` is everything that the contracts offer."""

    system: System
    addresses: Addresses
    broker: Broker
    keys: KeyStore
    scopes: str
    hosted: Mapping[str, ReferenceService]
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=10.0))

    def call(
        self,
        service: str,
        method: str,
        path: str,
        claims: Mapping[str, JSON],
        body: JSON = None,
        **headers: str,
    ) -> httpx.Response:
        """One request as this actor. Underscores in header names become hyphens."""
        token = self.keys.mint({"scope": self.scopes, **claims})
        sent = {"Authorization": f"Bearer {token}"}
        sent.update({name.replace("_", "-"): value for name, value in headers.items()})
        url = f"{self.addresses.services[service]}/v1{path}"
        return self.client.request(method, url, json=body, headers=sent)

    def get(self, service: str, path: str, claims: Mapping[str, JSON] = STAFF) -> JSON:
        """The body of a GET that must succeed."""
        answer = self.call(service, "GET", path, claims)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(
        self, service: str, path: str, claims: Mapping[str, JSON], body: JSON = None, **headers: str
    ) -> httpx.Response:
        return self.call(service, "POST", path, claims, body, **headers)

    def make(self, service: str, path: str, claims: Mapping[str, JSON], body: JSON) -> httpx.Response:
        """A POST that creates, with an Idempotency-Key of its own."""
        return self.post(service, path, claims, body, Idempotency_Key=str(uuid.uuid4()))

    def exists(self, service: str, schema: str, **parameters: JSON) -> dict[str, JSON]:
        """Make a state: an instance of the schema that contains the parameters."""
        body = {"state": f"{schema} exists", "action": "setup", "parameters": parameters}
        answer = self.client.post(f"{self.addresses.control[service]}/states", json=body)
        assert answer.status_code == 200, answer.text
        document = answer.json()["document"]
        assert isinstance(document, dict)
        return document

    def now(self, service: str) -> datetime:
        """The service's time."""
        answer = self.client.get(f"{self.addresses.control[service]}/clock")
        return datetime.fromisoformat(answer.json()["now"])

    def advance(self, service: str, by: str) -> None:
        """Let the service's time pass; what falls due has happened afterwards."""
        answer = self.client.post(f"{self.addresses.control[service]}/clock/advance", json={"by": by})
        assert answer.status_code == 200, answer.text

    def reset(self) -> None:
        for control in self.addresses.control.values():
            assert self.client.post(f"{control}/reset", json={"seed": True}).status_code == 204

    def listen(self, *topics: str) -> Listener:
        """A consumer that stands at the end of these topics, once all that has happened was told; use it as a
        context manager."""
        for service in {topic.partition(".")[0] for topic in topics} & self.addresses.services.keys():
            eventually(lambda name=service: self._waiting(name) == 0 or None)  # type: ignore[misc]
        return Listener(self.broker, [f"portal.{topic}.v1" for topic in topics])

    def _waiting(self, service: str) -> float:
        """How many of a service's events are not published yet."""
        text = self.client.get(f"{self.addresses.services[service]}/metrics").text
        (found,) = re.findall(r"^portal_outbox_waiting (\S+)$", text, re.MULTILINE)
        return float(found)

    def tell(self, service: str, send: str, **change: JSON) -> None:
        """Publish what this service would, whether or not it runs: an event of one of its send operations."""
        contract = self.system.contracts[service]
        now = datetime.now(UTC)
        payload: dict[str, JSON] = {
            "version": 1,
            "occurredAt": timestamp(now),
            "confidentiality": "N",
            **change,
        }
        event = make_event(
            contract,
            contract.sends[send],
            payload,
            key=str(payload["id"]),
            cause=Cause("a-test", "a-test", TRACE),
            sequence=int(payload["version"]),
            now=now,
        )
        with Publisher(self.broker) as publisher:
            publisher.send(event.topic, event.key, event.headers, event.value)
            publisher.flush(5.0)

    def free_slot(self, **parameters: JSON) -> str:
        """The id of a new free slot."""
        return str(self.exists("scheduling", "Slot", status="free", **parameters)["id"])

    def held_slot(self, holder: str) -> str:
        """The id of a slot that was free and is now held for this patient."""
        slot = self.free_slot()
        answer = self.post("scheduling", f"/slots/{slot}/hold", patient(holder), {"patientId": holder})
        assert answer.status_code == 200, answer.text
        return slot

    def booked(self, who: str) -> dict[str, JSON]:
        """A pending appointment that this patient has just asked for, in a slot of its own."""
        body = {"patientId": who, "slotId": self.held_slot(who)}
        answer = self.make("scheduling", "/appointments", patient(who), body)
        assert answer.status_code == 201, answer.text
        document = answer.json()
        assert isinstance(document, dict)
        return document


@contextmanager
def running(contracts: Path, *names: str, databases: Path | str | None = None) -> Iterator[Portal]:
    """As ``running_on``, on an embedded broker of their own; they end with the block."""
    system = load_system(contracts)
    with (
        EmbeddedBroker({c.address: c.partitions for c in system.topics.values()}) as embedded,
        running_on(embedded.broker, system, *names, databases=databases) as portal,
    ):
        yield portal


@contextmanager
def running_on(
    broker: Broker, system: System, *names: str, databases: Path | str | None = None
) -> Iterator[Portal]:
    """These reference services, seeded, on a broker that has the contracts' topics.

    databases: the folder of their files, which outlast what is stopped, or the URL of a PostgreSQL in which
    each has a schema; without it they are temporary.
    """
    keys = KeyStore()
    stop, outcome = threading.Event(), Queue[Addresses | BaseException]()
    peers = Peers(system.contracts, DevelopmentTokens(keys))
    hosted = [_built(system, name, broker, keys, databases, peers) for name in names]

    def answer(found: Addresses) -> None:
        peers.learn(found.services)
        outcome.put(found)

    def serve() -> None:
        try:
            run(hosted, on_ready=answer, stop=stop)
        except BaseException as error:  # the test's thread tells it
            outcome.put(error)

    thread = threading.Thread(target=serve, name="portal")
    thread.start()
    try:
        found = outcome.get(timeout=START)
        if isinstance(found, BaseException):
            raise found
        portal = Portal(system, found, broker, keys, _scopes(system), {each.name: each for each in hosted})
        with portal.client:
            yield portal
    finally:
        stop.set()
        thread.join(START)
        assert not thread.is_alive(), "the services did not end"


def _built(
    system: System, name: str, broker: Broker, keys: KeyStore, databases: Path | str | None, peers: Peers
) -> ReferenceService:
    url = f"sqlite:///{databases}/{name}.db" if isinstance(databases, Path) else databases
    schema = name.replace("-", "_") if isinstance(databases, str) else None
    return build_service(
        system.contracts[name], broker, keys, url, schema=schema, validate_responses=True, peers=peers
    )


def _scopes(system: System) -> str:
    offered = {
        scope
        for contract in system.contracts.values()
        for scheme in contract.security_schemes.values()
        for scope in scheme.scopes
    }
    return " ".join(sorted(offered))
