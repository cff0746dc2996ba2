"""Notifications: which notice goes out on which channel; one handler for each operation of the contract.

A delivery never holds what the notice says nor where it goes: those are looked up when it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.contract.model import JSON
from harness.serving.exchange import Request
from harness.serving.problems import Problem
from harness.serving.sight import no_such_thing
from reference_services.platform.values import timestamp
from reference_services.platform.work import Aggregate, IncomingMessage, Page, Work

NOBODY_ASKED = {"channels": [], "confidentialCommunication": False}
"""The preferences of who never set any."""

FIRST = '"0"'
"""The ETag of preferences that were never set."""


def getPreferences(work: Work, request: Request) -> Aggregate:
    patient = request.path["patientId"]
    return _preferences(work, patient) or Aggregate(
        "Preferences", patient, 0, {"id": patient, **NOBODY_ASKED}
    )


def setPreferences(work: Work, request: Request) -> Aggregate:
    patient = request.path["patientId"]
    present = _preferences(work, patient)
    asked = {**NOBODY_ASKED, **request.body}
    if present is None:
        if request.headers.get("if-match") is None:
            raise Problem(428, detail=f"Send the ETag as If-Match; it is {FIRST} if none were ever set.")
        return work.create("Preferences", asked, id=patient)
    dropped = dict.fromkeys(name for name in present.document if name not in asked and name != "id")
    return work.save(present, **{**asked, **dropped})


def listDevices(work: Work, request: Request) -> Page:
    filters = {"patientId": request.path["patientId"], "platform": request.query.get("platform")}
    return work.page("Device", request, filters)


def registerDevice(work: Work, request: Request) -> Aggregate:
    patient = request.path["patientId"]
    return work.create("Device", {**request.body, "patientId": patient, "createdAt": timestamp(work.now)})


def deleteDevice(work: Work, request: Request) -> None:
    device = work.get("Device", request.path["deviceId"])
    if device["patientId"] != request.path["patientId"]:
        raise no_such_thing()
    work.delete(device)


def listDeliveries(work: Work, request: Request) -> Page:
    query = request.query
    filters = {"status": query.get("status"), "appointmentId": query.get("appointmentId")}
    return work.page("Delivery", request, {"patientId": request.path["patientId"], **filters})


def getDelivery(work: Work, request: Request) -> Aggregate:
    return work.get("Delivery", request.path["deliveryId"])


def retryDelivery(work: Work, request: Request) -> Aggregate:
    delivery = work.get("Delivery", request.path["deliveryId"])
    channel = choose_channel(work, delivery["patientId"])
    return work.change(delivery, because="retried", channel=channel, notDoneReason=None)


def appointmentChanged(work: Work, message: IncomingMessage) -> None:
    """Begin a delivery for every change that the patient should hear of."""
    change = message.payload
    template = template_for(change)
    if template is None:
        return
    patient = work.settled(change["patientId"])
    work.create(
        "Delivery",
        {
            "patientId": patient,
            "appointmentId": change["id"],
            "templateId": template,
            "channel": choose_channel(work, patient),
            "createdAt": timestamp(work.now),
            "confidentiality": change["confidentiality"],
        },
        because="appointment-changed",
    )


def patientChanged(work: Work, message: IncomingMessage) -> None:
    """What a merged patient has here is the surviving one's.

    That one's own wishes hold if there are any; but whoever asked for confidence in either record has it.
    """
    change = message.payload
    if change["to"] != "merged":
        return
    old, new = change["id"], change["replacedBy"]
    work.resettle(old, new)
    wishes = work.peek("Preferences", old)
    if wishes is None:
        return
    present = work.peek("Preferences", new)
    if present is None:
        work.create("Preferences", {**wishes.document, "id": new})
    elif wishes["confidentialCommunication"]:
        work.save(present, confidentialCommunication=True)
    work.delete(wishes)


def afterDeliveryInProgress(work: Work, delivery: Aggregate) -> None:
    work.change(delivery, because="sending")


def afterDeliveryCompleted(work: Work, delivery: Aggregate) -> None:
    work.change(delivery, because="sent")


def afterDeliveryNotDone(work: Work, delivery: Aggregate) -> None:
    work.change(delivery, because="no-channel", notDoneReason="no-channel")


def template_for(change: Mapping[str, JSON]) -> str | None:
    """The notice that tells of an appointment's change, None where none is due."""
    if change["to"] != "pending":
        told = {"booked": "appointment-booked", "cancelled": "appointment-cancelled"}
        return told.get(change["to"])
    if change.get("selfPay"):
        return "appointment-self-pay"
    return "appointment-requested" if change.get("from") is None else "appointment-rescheduled"


def choose_channel(work: Work, patient: str) -> str:
    """The first channel that is on and leads to the patient, else ``none``.

    Who asked for confidential communication (45 CFR 164.522(b)) is reached on registered devices only: an
    e-mail address or a phone number may be somebody else's too.
    """
    preferences = work.peek("Preferences", patient)
    if preferences is None:
        return "none"
    reachable: Mapping[str, Callable[[], bool]] = {
        "push": lambda: bool(work.find("Device", {"patientId": patient}, internal=True, limit=1)),
        "email": lambda: "email" in preferences,
        "sms": lambda: "phone" in preferences,
    }
    allowed = {"push"} if preferences["confidentialCommunication"] else set(reachable)
    return next((each for each in preferences["channels"] if each in allowed and reachable[each]()), "none")


def _preferences(work: Work, patient: str) -> Aggregate | None:
    found = work.find("Preferences", {"id": patient}, internal=False)
    return found[0] if found else None
