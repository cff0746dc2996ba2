"""The load: clients that hold, book, move and cancel, and repeat what got no answer until they know."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx

from harness.contract.model import JSON
from tests.kills.members import Member

COVERED = ("pat-4k7m2q9x1a", "pat-9c5e2j7l4f")
UNCOVERED = ("pat-6r1y8u3p5d", "pat-8d3w6n5z0b")
"""Personas for whom the payer says yes, and no."""

SLOTS = 16
"""Slots of one client; it cancels when it has none left."""

PAUSE = 0.5
"""Seconds between a client's stories, at most."""

_DEADLINE = 60.0
_PATIENT, _IMPATIENT = 10.0, 0.03
_REPEAT = 0.05


class Unanswered(Exception):
    """No member has answered for so long that something must be wrong."""


@dataclass
class Booking:
    """What one client knows of one appointment. ``at``: Unix time of the answer that it exists."""

    id: str
    patient: str
    slot: str
    at: float
    cancelled: bool = False
    moved: int = 0


@dataclass
class Told:
    """All that the services have told their clients. Shared by the clients' threads."""

    bookings: list[Booking] = field(default_factory=list)
    free: set[str] = field(default_factory=set)
    complaints: list[tuple[float, str]] = field(default_factory=list)
    requests: int = 0
    unanswered: int = 0
    waits: list[tuple[float, float]] = field(default_factory=list)
    """Unix times between which somebody waited for an answer, repetitions included."""


class Client(threading.Thread):
    """``members`` are those that can be asked: any replica will do, also for a repetition."""

    def __init__(self, number: int, seed: int, members: Sequence[Member], token: str, told: Told) -> None:
        super().__init__(name=f"client {number}", daemon=True)
        self._chance = random.Random(f"{seed}/{number}")  # noqa: S311 - repeatable, not secret
        self._number, self._members, self._told = number, members, told
        self._http = httpx.Client(headers={"Authorization": f"Bearer {token}"}, trust_env=False)
        self._slots: list[str] = []
        self._mine: list[Booking] = []
        self.ending = threading.Event()

    def run(self) -> None:
        try:
            with self._http:
                self._slots = [self._new_slot(number) for number in range(SLOTS)]
                while not self.ending.is_set():
                    self._story()
                    self.ending.wait(self._chance.uniform(0.0, PAUSE))
        except Exception as error:  # a client that is gone would make the load look fine
            self._complain(f"client {self._number} gave up: {type(error).__name__}: {error}")
        finally:
            self._told.free.update(self._slots)

    def _story(self) -> None:
        chance = self._chance.random()
        if len(self._slots) < 2:
            self._cancel(self._mine.pop(0))
        elif chance < 0.15 and self._mine:
            self._move(self._chance.choice(self._mine))
        else:
            booking = self._book()
            if booking is not None and chance < 0.3:
                self._mine.remove(booking)
                self._cancel(booking)

    def _new_slot(self, number: int) -> str:
        slot = f"slt-{self._number:04d}{number:08d}"
        wanted = {"id": slot, "status": "free"}
        body = {"state": "Slot exists", "action": "setup", "parameters": wanted}
        answer = self._send("POST", "/states", body, control=True)
        if answer.status_code != 200:
            self._complain(f"slot {slot} could not be made: {answer.text}")
        return slot

    def _book(self) -> Booking | None:
        slot, patient = self._slots.pop(0), self._chance.choice(COVERED + UNCOVERED)
        if not self._hold(slot, patient):
            return None
        key = {"Idempotency-Key": str(uuid.uuid4()), "X-Correlation-Id": str(uuid.uuid4())}
        answer = self._send("POST", "/appointments", {"patientId": patient, "slotId": slot}, key)
        if answer.status_code != 201:
            self._complain(f"booking of {slot} was refused: {answer.status_code} {answer.text}")
            return None
        booking = Booking(answer.json()["id"], patient, slot, time.time())
        self._mine.append(booking)
        self._told.bookings.append(booking)
        return booking

    def _hold(self, slot: str, patient: str) -> bool:
        """There is no key for a hold: who got no answer looks."""
        answer = self._send("POST", f"/slots/{slot}/hold", {"patientId": patient})
        if answer.status_code == 409:
            answer = self._send("GET", f"/slots/{slot}")
        held = answer.status_code == 200 and answer.json().get("heldFor") == patient
        if not held:
            self._complain(f"{slot} could not be held: {answer.status_code} {answer.text}")
        return held

    def _cancel(self, booking: Booking) -> None:
        wanted: JSON = {"cancellationReason": "pat"}
        after = self._change(booking, "cancel", wanted, lambda it: it["status"] == "cancelled")
        if after:
            booking.cancelled = True
            self._slots.append(booking.slot)

    def _move(self, booking: Booking) -> None:
        slot = self._slots.pop(0)
        if not self._hold(slot, booking.patient):
            return
        if self._change(booking, "reschedule", {"slotId": slot}, lambda it: it["slotId"] == slot):
            self._slots.append(booking.slot)
            booking.slot, booking.moved = slot, booking.moved + 1

    def _change(self, booking: Booking, how: str, wanted: JSON, done: Callable[[JSON], bool]) -> bool:
        """Read, then change what was read; from the start if that was stale or its answer is missing."""
        path = f"/appointments/{booking.id}"
        for _ in range(50):
            found = self._send("GET", path)
            if found.status_code != 200:
                self._complain(f"{booking.id} cannot be read: {found.status_code} {found.text}")
                return False
            if done(found.json()):
                return True
            condition = {"If-Match": found.headers["ETag"]}
            answer = self._send("POST", f"{path}/{how}", wanted, condition)
            if answer.status_code not in {200, 412, 409}:
                self._complain(f"{how} of {booking.id}: {answer.status_code} {answer.text}")
                return False
        self._complain(f"{how} of {booking.id} was refused again and again")
        return False

    def _send(
        self,
        method: str,
        path: str,
        body: JSON = None,
        headers: dict[str, str] | None = None,
        *,
        control: bool = False,
    ) -> httpx.Response:
        """Ask until somebody answers; in between some clients do not wait for their answer."""
        deadline, began = time.monotonic() + _DEADLINE, time.time()
        self._told.requests += 1
        while time.monotonic() < deadline:
            hasty = not control and self._chance.random() < 0.05
            answer = self._once(method, path, body, headers or {}, control, _IMPATIENT if hasty else _PATIENT)
            if answer is not None:
                self._told.waits.append((began, time.time()))
                return answer
            time.sleep(_REPEAT)
        raise Unanswered(f"{method} {path}")

    def _once(
        self, method: str, path: str, body: JSON, headers: dict[str, str], control: bool, timeout: float
    ) -> httpx.Response | None:
        """None if this must be repeated."""
        chosen = self._chance.choice(self._members)
        there = chosen.control if control else f"{chosen.url}/v1"
        if there is None:
            return None
        try:
            answer = self._http.request(method, f"{there}{path}", json=body, headers=headers, timeout=timeout)
        except httpx.ConnectError:
            return None
        except httpx.TransportError:
            self._told.unanswered += 1  # it may have had its effect
            return None
        if answer.status_code >= 500 and answer.status_code != 503:
            self._complain(f"{method} {path}: {answer.status_code} {answer.text}")
        again = answer.status_code >= 500 or (answer.status_code == 409 and "Retry-After" in answer.headers)
        return None if again else answer

    def _complain(self, what: str) -> None:
        self._told.complaints.append((time.time(), what))
