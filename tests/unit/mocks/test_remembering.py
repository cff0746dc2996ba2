"""Mocks of the shipped contracts remember as the services do: lifecycles, access, time, and their events."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
import pytest

from harness.contract import load_system
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.listening import Listener
from harness.kafka.wire import Record, publish
from harness.serving.keys import KeyStore
from mocks.mock import build_mock
from tests.conftest import ROOT
from tests.unit.mocks.controlled import Controlled, controlled

SYSTEM = load_system(ROOT / "contracts")
AMARA, BEN = "pat-4k7m2q9x1a", "pat-8d3w6n5z0b"
APPOINTMENTS, SLOTS = "portal.scheduling.appointment.v1", "portal.scheduling.slot.v1"
WITHIN = 10.0
_NUMBERS = itertools.count()


@dataclass
class Desk:
    """Scheduling's mock as one patient sees it, in a session of its own."""

    told: Controlled
    listener: Listener
    headers: dict[str, str]

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        sent = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.told.client.request(method, f"/v1{path}", json=body, headers=sent)

    def heard(self, topic: str, to: str, mark: int) -> Record:
        """The event that tells of a state."""
        found = self.listener.wait_for(
            lambda record: record.topic == topic and record.json()["to"] == to, WITHIN, mark
        )
        assert found is not None, f"nothing turned {to} on {topic}"
        return found[0]

    def hold(self, slot: str = "slt-10000001") -> httpx.Response:
        return self.call("POST", f"/slots/{slot}/hold", {"patientId": AMARA})

    def book(self, slot: str = "slt-10000004", **more: Any) -> dict[str, Any]:
        key = f"key-{next(_NUMBERS):08}"
        body = {"patientId": AMARA, "slotId": slot, **more}
        answer = self.call("POST", "/appointments", body, Idempotency_Key=key)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    def slot(self, id: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.call("GET", f"/slots/{id}").json()
        return shown


@pytest.fixture(scope="module")
def scheduling(keys: KeyStore, embedded: EmbeddedBroker) -> Iterator[tuple[Controlled, Listener]]:
    mock = build_mock(SYSTEM.contracts["scheduling"], embedded.broker, keys)
    with controlled(mock) as told, Listener(embedded.broker, SYSTEM.topics) as listener:
        yield told, listener


@pytest.fixture
def desk(scheduling: tuple[Controlled, Listener], keys: KeyStore) -> Desk:
    told, listener = scheduling
    return Desk(told, listener, as_patient(keys, AMARA) | {"X-Portal-Session": f"desk-{next(_NUMBERS)}"})


def as_patient(keys: KeyStore, patient: str) -> dict[str, str]:
    scope = "patient/Slot.read patient/Slot.write patient/Appointment.read patient/Appointment.write"
    token = keys.mint({"sub": patient, "actor": "patient", "patient": patient, "scope": scope})
    return {"Authorization": f"Bearer {token}"}


def test_a_hold_is_what_its_example_shows_of_this_request(desk: Desk) -> None:
    held = desk.hold().json()
    assert (held["status"], held["heldFor"]) == ("busy-tentative", AMARA)
    assert "heldUntil" in held
    assert desk.slot("slt-10000001") == held
    assert desk.hold().status_code == 409
    assert desk.call("POST", "/slots/slt-10000001/release", {"patientId": AMARA}).json()["status"] == "free"
    assert "heldFor" not in desk.slot("slt-10000001")


def test_a_booking_takes_its_slot_and_says_so(desk: Desk) -> None:
    mark = desk.listener.mark()
    desk.hold()
    made = desk.book("slt-10000001", reason="Palpitations")
    slot = desk.slot("slt-10000001")
    assert (made["status"], slot["status"]) == ("pending", "busy")
    assert {name: made[name] for name in ("start", "end", "providerId", "specialty")} == {
        name: slot[name] for name in ("start", "end", "providerId", "specialty")
    }
    told = desk.heard(APPOINTMENTS, "pending", mark)
    assert (told.key, told.json()["version"], told.json().get("from")) == (made["id"], 1, None)
    assert told.header("x-portal-session") == desk.headers["X-Portal-Session"]
    taken = desk.heard(SLOTS, "busy", mark).json()
    assert (taken["id"], taken["from"], taken["version"]) == ("slt-10000001", "busy-tentative", 3)


def test_a_message_moves_all_that_it_names_and_nothing_else(desk: Desk, embedded: EmbeddedBroker) -> None:
    """A provider has left: all slots that may still be had are withdrawn, each of them told of."""
    receive = SYSTEM.contracts["scheduling"].receives["providerChanged"]
    example = next(each for each in receive.messages[0].examples if each.name == "leaving")
    provider, theirs = "prv-70000001", {"slt-10000001", "slt-10000004", "slt-10000011"}
    named = {"ce_subject": provider, "x-portal-session": desk.headers["X-Portal-Session"]}
    headers = tuple((name, str(value).encode()) for name, value in {**example.headers, **named}.items())
    value = orjson.dumps({**example.payload, "id": provider})
    mark = desk.listener.mark()
    publish(embedded.broker, [Record(receive.channel.address, 0, 0, provider, headers, value)])
    eight = desk.listener.wait_for(lambda each: each.topic == SLOTS, WITHIN, mark, count=8)
    assert eight is not None
    assert {each.key for each in eight} >= theirs
    assert {desk.slot(each)["status"] for each in theirs} == {"busy-unavailable"}
    assert desk.slot("slt-10000003")["status"] == "free", "another provider's"


def test_what_is_not_held_cannot_be_booked(desk: Desk) -> None:
    key = {"Idempotency_Key": "key-not-held"}
    body = {"patientId": AMARA, "slotId": "slt-10000001"}
    assert desk.call("POST", "/appointments", body, **key).status_code == 409
    answer = desk.call("POST", "/appointments", {**body, "slotId": "slt-99999999"}, **key)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/slotId")
    assert desk.slot("slt-10000001")["status"] == "free"


def test_a_cancelled_appointment_frees_its_slot(desk: Desk) -> None:
    made, mark = desk.book(), desk.listener.mark()
    path, why = f"/appointments/{made['id']}/cancel", {"cancellationReason": "pat-fb"}
    assert desk.call("POST", path, why).status_code == 428
    assert desk.call("POST", path, why, If_Match='"9"').status_code == 412
    cancelled = desk.call("POST", path, why, If_Match='"1"')
    assert (cancelled.json()["status"], cancelled.headers["etag"]) == ("cancelled", '"2"')
    assert "pendingReason" not in cancelled.json()
    assert desk.slot(made["slotId"])["status"] == "free"
    told = desk.heard(APPOINTMENTS, "cancelled", mark).json()
    assert (told["id"], told["from"], told["version"]) == (made["id"], "pending", 2)
    assert desk.heard(SLOTS, "free", mark).key == made["slotId"]
    assert desk.call("POST", path, why, If_Match='"2"').status_code == 409


def test_what_is_somebody_elses_is_not_there(desk: Desk, keys: KeyStore) -> None:
    made = desk.book()
    stranger = as_patient(keys, BEN)
    path = f"/appointments/{made['id']}"
    hidden, unknown = (desk.call("GET", each, **stranger) for each in (path, "/appointments/apt-00000000"))
    assert (hidden.status_code, hidden.json()["detail"]) == (404, unknown.json()["detail"])
    assert desk.call("GET", f"/patients/{AMARA}/appointments", **stranger).status_code == 403
    mine = desk.call("GET", f"/patients/{AMARA}/appointments?limit=100").json()
    assert made["id"] in [each["id"] for each in mine["items"]]
    assert {each["patientId"] for each in mine["items"]} == {AMARA}
    nobody = desk.call("GET", f"/patients/{BEN}/appointments", **stranger)
    assert nobody.json() == {"items": [], "total": 0}


def test_time_that_is_let_pass_ends_a_hold(desk: Desk) -> None:
    mark = desk.listener.mark()
    desk.hold("slt-10000003")
    desk.told.tell("/clock/advance", {"by": "PT9M"}, 200)
    assert desk.slot("slt-10000003")["status"] == "busy-tentative"
    desk.told.tell("/clock/advance", {"by": "PT2M"}, 200)
    assert desk.slot("slt-10000003")["status"] == "free"
    told = desk.heard(SLOTS, "free", mark)
    assert (told.key, told.header("ce_causationid")) == ("slt-10000003", "slt-10000003")


def test_what_time_cancels_frees_its_slot_too(desk: Desk) -> None:
    made = desk.book()
    desk.told.tell("/clock/advance", {"by": "PT1M1S"}, 200)
    waiting = desk.call("GET", f"/appointments/{made['id']}").json()
    assert (waiting["status"], waiting["pendingReason"]) == ("pending", "eligibility-unknown")
    desk.told.tell("/clock/advance", {"by": "P1D"}, 200)
    assert desk.call("GET", f"/appointments/{made['id']}").json()["status"] == "cancelled"
    assert desk.slot(made["slotId"])["status"] == "free"


def test_a_state_that_a_test_makes_is_there_for_everybody(scheduling: tuple[Controlled, Listener]) -> None:
    told, _ = scheduling
    wish = {"state": "Slot exists", "action": "setup", "parameters": {"id": "slt-90000001", "status": "busy"}}
    held = told.tell("/states", wish, 200)
    assert (held["document"]["status"], held["version"]) == ("busy", 1)
    gone = told.tell("/states", {**wish, "action": "teardown"}, 200)
    assert (gone["document"], gone["version"]) == (None, 0)
    unknown = told.control.post("/states", json={"state": "Slott exists", "action": "setup"})
    assert unknown.status_code == 422
    assert "Slot" in unknown.json()["detail"]
    told.tell("/reset", {}, 204)
