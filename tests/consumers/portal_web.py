"""The portal's web client, as much of it as talks to services: what a patient sees and does."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any, Self

import httpx


class Refused(Exception):
    """A service turned a request down; ``status`` says how."""

    def __init__(self, status: int, title: str) -> None:
        self.status = status
        super().__init__(f"{status} {title}")


class Moved(Refused):
    """The patient's record was merged; ``into`` is who to ask for."""

    def __init__(self, status: int, title: str, into: str) -> None:
        self.into = into
        super().__init__(status, title)


class NoRefill(Refused):
    """Why there is none: a code, and from which day on it is not too early."""

    def __init__(self, status: int, title: str, why: str, first: str | None) -> None:
        self.why, self.first = why, first
        super().__init__(status, title)


@dataclass(frozen=True)
class Slot:
    id: str
    status: str
    start: str
    specialty: str


@dataclass(frozen=True)
class Appointment:
    """``version`` is the ETag that a change must name."""

    id: str
    status: str
    start: str | None
    version: str
    waits_for: str | None


@dataclass(frozen=True)
class Provider:
    id: str
    name: str
    places: tuple[str, ...]
    takes_patients: bool


@dataclass(frozen=True)
class Proxy:
    """A grant: who may act, and for what."""

    id: str
    who: str
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class Coverage:
    id: str
    status: str
    payer: str


@dataclass(frozen=True)
class PriorAuth:
    """``says`` is the payer's decision, ``by`` when it must have come; ``why_not`` are reasons of denials."""

    id: str
    says: str
    by: str
    why_not: tuple[str, ...]
    version: str = ""


@dataclass(frozen=True)
class Delivery:
    id: str
    status: str
    template: str


@dataclass(frozen=True)
class Stay:
    """``summary`` is the id of what was written when it ended."""

    id: str
    status: str
    summary: str | None


@dataclass(frozen=True)
class Summary:
    """``earlier`` is what it said before it was amended, the oldest first."""

    status: str
    course: str
    earlier: tuple[str, ...]


@dataclass(frozen=True)
class Medication:
    """``left`` is how many refills may be asked for."""

    id: str
    status: str
    name: str
    left: int


@dataclass(frozen=True)
class Result:
    """``version`` is the ETag that a change must name; before ``waits_until`` it says nothing."""

    id: str
    status: str
    says: tuple[str, ...]
    waits_until: str | None
    version: str = ""


class PortalWeb:
    """One patient's session with one service."""

    def __init__(self, url: str, patient: str, token: str) -> None:
        self.patient = patient
        self._client = httpx.Client(
            base_url=url + "/v1",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=5.0,
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def free_slots(self, specialty: str) -> list[Slot]:
        found = self._ask("GET", "/slots", params={"status": "free", "specialty": specialty}).json()
        return [_slot(each) for each in found["items"]]

    def hold(self, slot: str) -> Slot:
        return _slot(self._ask("POST", f"/slots/{slot}/hold", json={"patientId": self.patient}).json())

    def book(self, slot: str) -> Appointment:
        body = {"patientId": self.patient, "slotId": slot}
        return _appointment(self._ask("POST", "/appointments", json=body, headers=once()))

    def appointment(self, id: str) -> Appointment:
        return _appointment(self._ask("GET", f"/appointments/{id}"))

    def cancel(self, appointment: Appointment, reason: str) -> Appointment:
        return _appointment(
            self._ask(
                "POST",
                f"/appointments/{appointment.id}/cancel",
                json={"cancellationReason": reason},
                headers={"If-Match": appointment.version},
            )
        )

    def providers(self, specialty: str) -> list[Provider]:
        asked = {"status": "active", "specialty": specialty}
        return [_provider(each) for each in self._ask("GET", "/providers", params=asked).json()["items"]]

    def provider(self, id: str) -> Provider:
        return _provider(self._ask("GET", f"/providers/{id}").json())

    def place(self, id: str) -> str:
        """The name of a location."""
        return str(self._ask("GET", f"/locations/{id}").json()["name"])

    def name(self) -> str:
        """What the patient is called. Raises Moved."""
        return str(self._ask("GET", f"/patients/{self.patient}").json()["name"])

    def hand_in(self, questionnaire: str, answers: dict[str, str]) -> str:
        """The id of the form."""
        told = [{"linkId": asked, "value": value} for asked, value in answers.items()]
        body = {"questionnaire": questionnaire, "answers": told}
        path = f"/patients/{self.patient}/forms"
        return str(self._ask("POST", path, json=body, headers=once()).json()["id"])

    def forms(self) -> list[str]:
        """Their ids."""
        return [
            str(each["id"]) for each in self._ask("GET", f"/patients/{self.patient}/forms").json()["items"]
        ]

    def proxies(self) -> list[Proxy]:
        """Who may act for the patient now."""
        found = self._ask("GET", f"/patients/{self.patient}/proxy-grants", params={"status": "active"}).json()
        return [Proxy(each["id"], each["proxyId"], tuple(each["scopes"])) for each in found["items"]]

    def ask_for_proxy(self, who: str, *scopes: str) -> str:
        """The id of the grant, which nobody has approved yet."""
        body = {"patientId": self.patient, "proxyId": who, "level": "adult", "scopes": list(scopes)}
        return str(self._ask("POST", "/proxy-grants", json=body, headers=once()).json()["id"])

    def revoke_proxy(self, grant: str, version: str) -> str:
        """The grant's status afterwards."""
        path, body = f"/proxy-grants/{grant}/revoke", {"reason": "patient-request"}
        return str(self._ask("POST", path, json=body, headers={"If-Match": version}).json()["status"])

    def consents(self) -> dict[str, str]:
        """Those that hold: whether each permits or denies."""
        found = self._ask("GET", f"/patients/{self.patient}/consents", params={"status": "active"}).json()
        return {str(each["id"]): str(each["provision"]) for each in found["items"]}

    def coverage(self) -> list[Coverage]:
        found = self._ask("GET", f"/patients/{self.patient}/coverage").json()
        return [Coverage(each["id"], each["status"], each["payerId"]) for each in found["items"]]

    def ask_eligibility(self) -> str:
        """The id of the check that was begun."""
        body = {"patientId": self.patient}
        return str(self._ask("POST", "/eligibility-checks", json=body, headers=once()).json()["id"])

    def eligibility(self, check: str) -> str | None:
        """The payer's answer, None while there is none."""
        found = self._ask("GET", f"/eligibility-checks/{check}").json()
        return str(found["result"]) if found["outcome"] == "complete" else None

    def prior_auths(self) -> list[PriorAuth]:
        found = self._ask("GET", f"/patients/{self.patient}/prior-authorizations").json()
        return [_prior_auth(each) for each in found["items"]]

    def prior_auth(self, id: str) -> PriorAuth:
        answer = self._ask("GET", f"/prior-authorizations/{id}")
        return _prior_auth(answer.json(), answer.headers["ETag"])

    def appeal(self, denied: PriorAuth, ground: str) -> PriorAuth:
        path, body = f"/prior-authorizations/{denied.id}/appeal", {"ground": ground}
        return _prior_auth(self._ask("POST", path, json=body, headers={"If-Match": denied.version}).json())

    def due(self) -> list[str]:
        """What somebody should do for the patient, in words."""
        path = f"/patients/{self.patient}/care-gaps"
        return [
            str(each["display"]) for each in self._ask("GET", path, params={"status": "open"}).json()["items"]
        ]

    def channels(self) -> list[str]:
        return list(self._ask("GET", f"/patients/{self.patient}/preferences").json()["channels"])

    def register_device(self, platform: str, token: str) -> str:
        """The id of the device."""
        path, body = f"/patients/{self.patient}/devices", {"platform": platform, "token": token}
        return str(self._ask("POST", path, json=body, headers=once()).json()["id"])

    def deliveries(self) -> list[Delivery]:
        found = self._ask("GET", f"/patients/{self.patient}/deliveries").json()
        return [Delivery(each["id"], each["status"], each["templateId"]) for each in found["items"]]

    def stays(self) -> list[Stay]:
        found = self._ask("GET", f"/patients/{self.patient}/encounters").json()
        return [Stay(each["id"], each["status"], each.get("summaryId")) for each in found["items"]]

    def summary(self, id: str) -> Summary:
        told = self._ask("GET", f"/documents/{id}").json()
        earlier = tuple(_course(each) for each in told["superseded"])
        return Summary(told["status"], _course(told), earlier)

    def allergies(self) -> list[str]:
        """What the patient must not have, by name."""
        found = self._ask("GET", f"/patients/{self.patient}/allergies").json()
        return [str(each["substance"]["display"]) for each in found["items"]]

    def medications(self) -> list[Medication]:
        found = self._ask("GET", f"/patients/{self.patient}/medications").json()
        return [_medication(each) for each in found["items"]]

    def ask_for_refill(self, medication: str) -> str:
        """The id of the refill, be it a new one or the one that is open. Raises NoRefill."""
        body = {"patientId": self.patient, "medicationRequestId": medication}
        return str(self._ask("POST", "/refills", json=body, headers=once()).json()["id"])

    def refill(self, id: str) -> tuple[str, str | None]:
        """What became of a refill: its status, and why it was declined."""
        found = self._ask("GET", f"/refills/{id}").json()
        return str(found["status"]), found.get("declineReason")

    def dispensed(self) -> list[tuple[str, str]]:
        """Ids and statuses of what was dispensed, the newest first."""
        found = self._ask("GET", f"/patients/{self.patient}/medication-history").json()
        return [(str(each["id"]), str(each["status"])) for each in found["items"]]

    def orders(self) -> list[str]:
        """The ids of those that nobody has answered yet."""
        path = f"/patients/{self.patient}/orders"
        return [
            str(each["id"]) for each in self._ask("GET", path, params={"status": "active"}).json()["items"]
        ]

    def results(self) -> list[Result]:
        found = self._ask("GET", f"/patients/{self.patient}/results").json()
        return [_result(each) for each in found["items"]]

    def result(self, id: str) -> Result:
        answer = self._ask("GET", f"/reports/{id}")
        return _result(answer.json(), answer.headers["ETag"])

    def has_read(self, result: Result) -> str:
        """When that was."""
        path = f"/reports/{result.id}/acknowledge"
        return str(self._ask("POST", path, headers={"If-Match": result.version}).json()["readAt"])

    def _ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        answer = self._client.request(method, path, **request)
        if answer.status_code == 410 and "replacedBy" in (told := answer.json()):
            raise Moved(410, str(told["title"]), str(told["replacedBy"]))
        if answer.status_code == 409 and "refusal" in (told := answer.json()):
            raise NoRefill(409, str(told["title"]), str(told["refusal"]), told.get("refillableFrom"))
        if not answer.is_success:
            raise Refused(answer.status_code, str(answer.json()["title"]))
        return answer


def once() -> dict[str, str]:
    """An Idempotency-Key of its own."""
    return {"Idempotency-Key": str(uuid.uuid4())}


def _slot(told: dict[str, Any]) -> Slot:
    return Slot(told["id"], told["status"], told["start"], told["specialty"])


def _course(told: dict[str, Any]) -> str:
    return str(told["content"]["hospitalCourse"])


def _prior_auth(told: dict[str, Any], version: str = "") -> PriorAuth:
    reasons = (each.get("denialReason") for each in told.get("answers", ()))
    why_not = tuple(str(each) for each in reasons if each is not None)
    return PriorAuth(told["id"], told["decision"], told["dueAt"], why_not, version)


def _medication(told: dict[str, Any]) -> Medication:
    return Medication(told["id"], told["status"], told["medication"]["display"], told["refillsRemaining"])


def _provider(told: dict[str, Any]) -> Provider:
    places = tuple(str(each) for each in told["locationIds"])
    return Provider(told["id"], told["familyName"], places, told["acceptingPatients"])


def _appointment(answer: httpx.Response) -> Appointment:
    told = answer.json()
    return Appointment(
        told["id"], told["status"], told.get("start"), answer.headers["ETag"], told.get("pendingReason")
    )


def _result(told: dict[str, Any], version: str = "") -> Result:
    """A number with its unit, or a text, for each thing that was looked at."""
    seen = [each.get("quantity", each.get("text")) for each in told.get("observations", ())]
    says = tuple(f"{each['value']} {each['unit']}" if isinstance(each, dict) else each for each in seen)
    return Result(told["id"], told["status"], says, told.get("heldUntil"), version)
