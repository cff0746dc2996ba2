"""Notifications: which notice goes out on which channel; one handler for each operation of the contract.

A delivery never holds what the notice says nor where it goes: those are looked up when it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.contract.model import JSON
from harness.serving.exchange import Request
from harness.serving.problems import Problem
from harness.serving.sight import no_such_thing
from reference_services.notifications.reach import reach_of, set_by_proxy, still_leads
from reference_services.platform.caller import caller_of
from reference_services.platform.values import timestamp
from reference_services.platform.work import Aggregate, IncomingMessage, Page, Work
from reference_services.sources import HandingOver

NOBODY_ASKED = {"channels": [], "confidentialCommunication": False}
"""The preferences of who never set any."""

UNDER_WAY = ("preparation", "in-progress")

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
    proxy = set_by_proxy(present, asked, caller_of(work)) if work.actor == "proxy" else None
    asked |= {} if proxy is None else {"proxyId": proxy}
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
    whose = {"patientId": request.path["patientId"], "createdAt": timestamp(work.now)}
    if work.actor == "proxy":
        whose["proxyId"] = caller_of(work)
    return work.create("Device", {**request.body, **whose})


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
    reach = reach_of(work, delivery["patientId"], delivery["confidentiality"])
    anew = {"channel": reach.channel, "proxyId": reach.proxy, "accessEndsAt": None, "notDoneReason": None}
    return work.change(delivery, because="retried", **anew)


def appointmentChanged(work: Work, message: IncomingMessage) -> None:
    """Begin a delivery for every change that the patient should hear of."""
    change = message.payload
    template = template_for(change)
    if template is None:
        return
    patient = work.settled(change["patientId"])
    reach = reach_of(work, patient, change["confidentiality"])
    delivery = {
        "patientId": patient,
        "appointmentId": change["id"],
        "templateId": template,
        "channel": reach.channel,
        "createdAt": timestamp(work.now),
        "confidentiality": change["confidentiality"],
    }
    whom = {} if reach.proxy is None else {"proxyId": reach.proxy}
    work.create("Delivery", {**delivery, **whom}, because="appointment-changed")


def grantChanged(work: Work, message: IncomingMessage) -> None:
    """What waits for a proxy is not sent, once there is no grant for it."""
    change = message.payload
    patient, proxy = work.settled(change["patientId"]), work.settled(change["proxyId"])
    if work.holds("granted", proxy, patient):
        return
    whose = {"patientId": patient, "proxyId": proxy, "status": UNDER_WAY}
    for delivery in work.find("Delivery", whose, internal=True):
        work.save(delivery, accessEndsAt=timestamp(work.now))


def patientChanged(work: Work, message: IncomingMessage) -> None:
    """What a merged patient has here is the surviving one's.

    That one's own wishes hold if there are any; but whoever asked for confidence in either record has it.
    """
    change = message.payload
    if change["to"] != "merged":
        return
    old, new = change["id"], change["replacedBy"]
    work.resettle(old, new)
    for type in ("Device", "Delivery", "Preferences"):
        for thing in work.find(type, {"proxyId": old}, internal=True):
            work.save(thing, proxyId=new)
    wishes = work.peek("Preferences", old)
    if wishes is None:
        return
    present = work.peek("Preferences", new)
    if present is None:
        work.create("Preferences", {**wishes.document, "id": new})
    elif wishes["confidentialCommunication"]:
        work.save(present, confidentialCommunication=True)
    work.delete(wishes)


exportChanged = HandingOver()


def afterDeliveryInProgress(work: Work, delivery: Aggregate) -> None:
    work.change(delivery, because="sending")


def afterDeliveryCompleted(work: Work, delivery: Aggregate) -> None:
    """It is sent now, unless it would reach somebody who has no grant any more, or of whom that cannot be
    known: then it ends at once."""
    if still_leads(work, delivery) and (work.current or delivery.get("proxyId") is None):
        work.change(delivery, because="sent")
    else:
        work.save(delivery, accessEndsAt=timestamp(work.now))


def afterDeliveryNotDone(work: Work, delivery: Aggregate) -> None:
    why = "no-channel"
    if "accessEndsAt" in delivery:
        why = "access-unknown" if still_leads(work, delivery) else "proxy-revoked"
    work.change(delivery, because=why, notDoneReason=why)


def template_for(change: Mapping[str, JSON]) -> str | None:
    """The notice that tells of an appointment's change, None where none is due."""
    if change["to"] != "pending":
        told = {"booked": "appointment-booked", "cancelled": "appointment-cancelled"}
        return told.get(change["to"])
    if change.get("selfPay"):
        return "appointment-self-pay"
    return "appointment-requested" if change.get("from") is None else "appointment-rescheduled"


def _preferences(work: Work, patient: str) -> Aggregate | None:
    found = work.find("Preferences", {"id": patient}, internal=False)
    return found[0] if found else None
