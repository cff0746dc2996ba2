"""What is attacked: one service in a child process, reached over real sockets and real Kafka alone."""

from __future__ import annotations

import json
import sys
import tempfile
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from harness.contract import load_system
from harness.contract.model import JSON, Contract, System
from harness.kafka.broker import Broker, reach
from harness.kafka.listening import Listener
from harness.processes import Child
from harness.serving.keys import KeyStore
from tests.conftest import ROOT
from tests.hostile.message import Message, put

Kind = Literal["reference", "mock"]
KINDS: tuple[Kind, ...] = ("reference", "mock")

SERVICE = "scheduling"
RECEIVES = "eligibilityAnswered"
PATIENT = "pat-4k7m2q9x1a"
START = 60.0

_PORTAL = [sys.executable, "-m", "harness.cli.main"]
_TO_FILE = 'exec "$@" >"$LOG" 2>&1'


@dataclass(frozen=True)
class Defender:
    """A running service. ``log`` is everything that it has written to standard output and error."""

    kind: Kind
    system: System
    child: Child
    broker: Broker
    keys: KeyStore
    log: Path
    service: str = SERVICE

    @property
    def contract(self) -> Contract:
        return self.system.contracts[self.service]

    @cached_property
    def url(self) -> str:
        return str(self.child.ready["services"][self.service])

    @cached_property
    def control(self) -> str | None:
        found = self.child.ready["control"].get(self.service)
        return None if found is None else str(found)

    @cached_property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return str(parts.hostname), int(parts.port or 0)

    @cached_property
    def scopes(self) -> str:
        schemes = self.contract.security_schemes.values()
        return " ".join(sorted({scope for each in schemes for scope in each.scopes}))

    def claims(self, **more: JSON) -> dict[str, JSON]:
        """Claims of a patient who acts for themselves, with every scope."""
        return {"actor": "patient", "patient": PATIENT, "sub": PATIENT, "scope": self.scopes, **more}

    def token(self, **more: JSON) -> str:
        return self.keys.mint(self.claims(**more))

    def written(self, since: int = 0) -> str:
        """What it has written, from this byte on."""
        with self.log.open("rb") as file:
            file.seek(since)
            return file.read().decode(errors="replace")

    @property
    def dead_letter(self) -> str:
        channel = self.contract.receives[RECEIVES].dead_letter
        assert channel is not None
        return channel.address

    @property
    def topic(self) -> str:
        return self.contract.receives[RECEIVES].channel.address

    @cached_property
    def events(self) -> str:
        """The topic on which a good message's effect shows."""
        return self.contract.sends["appointmentChanged"].channel.address

    def exists(self, schema: str, **parameters: JSON) -> dict[str, JSON]:
        """Make a state, through the control endpoints."""
        told = self.controlled(
            "/states", {"state": f"{schema} exists", "action": "setup", "parameters": parameters}
        )
        document = told["document"]
        assert isinstance(document, dict)
        return document

    def controlled(self, path: str, body: JSON = None) -> dict[str, JSON]:
        """One call to the control endpoints; GET without a body."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310  our own child's address
            f"{self.control}{path}", data, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            raw = answer.read()
        told = json.loads(raw) if raw else {}
        assert isinstance(told, dict)
        return told

    def good_message(self) -> Message:
        """A message that the service must act on: a payer's yes for a pending appointment."""
        example = self.contract.receives[RECEIVES].messages[0].examples[0]
        payload = dict(example.payload)
        if self.control is not None:
            pending = self.exists("Appointment", status="pending", pendingReason="awaiting-eligibility")
            payload |= {"appointmentId": pending["id"], "patientId": pending["patientId"]}
        payload["id"] = key = f"elg-{uuid.uuid4().hex[:12]}"
        told = {name: str(value) for name, value in example.headers.items()}
        fresh = {"ce_id": str(uuid.uuid4()), "ce_correlationid": str(uuid.uuid4()), "ce_subject": key}
        return Message(self.topic, key, tuple({**told, **fresh}.items()), json.dumps(payload).encode())

    def acts_on_a_good_message(self, within: float = 10.0) -> bool:
        """Whether such a message has its effect: the event that it causes."""
        message = self.good_message()
        with Listener(self.broker, [self.events]) as listener:
            put(self.broker, [message])
            wanted = message.header("ce_correlationid")
            found = listener.wait_for(lambda record: record.header("ce_correlationid") == wanted, within)
        return found is not None


@contextmanager
def defending(kind: Kind, contracts: Path = ROOT / "contracts", *, alone: bool = True) -> Iterator[Defender]:
    """Start scheduling with a broker of its own; both end with the block. ``alone`` or not: all the other
    services of the contracts run in the same process otherwise."""
    system = load_system(contracts)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="portal-hostile-")))
        ready, log = folder / "ready.json", folder / "output.txt"
        what = ["serve", *([SERVICE] if alone else ()), "--contracts", str(contracts)]
        if kind == "mock":
            what = ["mock", str(system.contracts[SERVICE].folder if alone else contracts)]
        argv = ["sh", "-c", _TO_FILE, "sh", *_PORTAL, *what, "--ready-file", str(ready)]
        surroundings: Mapping[str, str] = {"LOG": str(log), "NO_COLOR": "1"}
        child = stack.enter_context(Child.start(argv, ready, START, surroundings))
        broker = reach(str(child.ready["kafka"]))
        yield Defender(kind, system, child, broker, KeyStore(), log)
