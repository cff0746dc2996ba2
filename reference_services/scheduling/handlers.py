"""Scheduling: the rules of slots and appointments, one handler for each operation of its contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.contract.model import JSON
from harness.serving.exchange import Request
from harness.serving.problems import Problem, Reason
from reference_services.platform.values import instant, sortable, timestamp
from reference_services.platform.work import Aggregate, Between, IncomingMessage, Page, Work
from reference_services.sources import HandingOver

SENSITIVE = frozenset({"psychiatry"})
"""Specialties whose very name says too much: their appointments are restricted."""

UNBOOKED: Mapping[str, JSON] = dict.fromkeys(("slotId", "start", "end", "pendingReason", "selfPay"))
"""What an appointment has not that is only proposed."""


def searchSlots(work: Work, request: Request) -> Page:
    query = request.query
    filters: dict[str, JSON | Between] = {
        name: query.get(name) for name in ("status", "specialty", "providerId", "locationId")
    }
    if "startFrom" in query or "startBefore" in query:
        filters["start"] = Between(query.get("startFrom"), query.get("startBefore"))
    found = work.page("Slot", request, filters, order="start")
    for slot in found:
        _discreet(work, slot)
    return found


def getSlot(work: Work, request: Request) -> Aggregate:
    return _discreet(work, work.get("Slot", request.path["slotId"]))


def holdSlot(work: Work, request: Request) -> Aggregate:
    slot = work.get("Slot", request.path["slotId"])
    ends = work.runs_out("Slot", "busy-tentative")
    until = None if ends is None else timestamp(ends)
    return work.change(slot, because="held", heldFor=request.body["patientId"], heldUntil=until)


def releaseSlot(work: Work, request: Request) -> Aggregate:
    slot = work.get("Slot", request.path["slotId"])
    if slot.get("heldFor") != request.body["patientId"]:
        raise Problem(409, detail="It is not held for this patient.")
    return work.change(slot, because="released", heldFor=None, heldUntil=None)


def afterSlotFree(work: Work, slot: Aggregate) -> None:
    """Nobody booked in time."""
    work.change(slot, because="expired", heldFor=None, heldUntil=None)


def bookAppointment(work: Work, request: Request) -> Aggregate:
    patient = request.body["patientId"]
    slot = _take(work, request.body["slotId"], patient, because="booked")
    return work.create(
        "Appointment",
        {
            "patientId": patient,
            **_place(slot),
            "reason": request.body.get("reason"),
            "pendingReason": "awaiting-eligibility",
            "createdAt": timestamp(work.now),
            "confidentiality": "R" if slot["specialty"] in SENSITIVE else "N",
        },
        because="requested",
    )


def getAppointment(work: Work, request: Request) -> Aggregate:
    return work.get("Appointment", request.path["appointmentId"])


def listAppointments(work: Work, request: Request) -> Page:
    query = request.query
    filters = {"status": query.get("status"), "specialty": query.get("specialty")}
    return work.page("Appointment", request, {"patientId": request.path["patientId"], **filters})


def rescheduleAppointment(work: Work, request: Request) -> Aggregate:
    appointment = work.get("Appointment", request.path["appointmentId"])
    _must_allow(work, appointment)
    slot = _take(work, request.body["slotId"], appointment["patientId"], because="rescheduled")
    before = appointment.get("slotId")
    _free(work, before, because="rescheduled")
    return work.change(
        appointment,
        because="rescheduled",
        **_place(slot),
        previousSlotId=before,
        pendingReason="awaiting-eligibility",
        selfPay=None,
    )


def cancelAppointment(work: Work, request: Request) -> Aggregate:
    appointment = work.get("Appointment", request.path["appointmentId"])
    cancelled = work.change(
        appointment,
        because="cancelled",
        cancellationReason=request.body["cancellationReason"],
        pendingReason=None,
        selfPay=None,
    )
    _free(work, cancelled.get("slotId"), because="cancelled")
    return cancelled


def checkIn(work: Work, request: Request) -> Aggregate:
    appointment = work.get("Appointment", request.path["appointmentId"])
    return work.change(appointment, because="checked-in")


def markNoShow(work: Work, request: Request) -> Aggregate:
    appointment = work.get("Appointment", request.path["appointmentId"])
    return work.change(appointment, because="missed")


def fulfilAppointment(work: Work, request: Request) -> Aggregate:
    appointment = work.get("Appointment", request.path["appointmentId"])
    return work.change(appointment, because="fulfilled")


def afterAppointmentCancelled(work: Work, appointment: Aggregate) -> None:
    """Pending for too long: nobody is going to keep it."""
    work.change(
        appointment, because="expired", cancellationReason="expired", pendingReason=None, selfPay=None
    )
    _free(work, appointment.get("slotId"), because="expired")


def afterAppointmentPending(work: Work, appointment: Aggregate) -> None:
    """Nobody has answered in time. An answer that comes yet still counts."""
    why = "eligibility-unknown"
    work.change(appointment, because=why, pendingReason=why, selfPay=True)


def eligibilityAnswered(work: Work, message: IncomingMessage) -> None:
    """Book what waits for this answer, or say why it goes on waiting; any other answer has no effect."""
    answer = message.payload
    if answer["to"] != "complete" or "appointmentId" not in answer:
        return
    appointment = work.peek("Appointment", answer["appointmentId"])
    if appointment is None or appointment.status != "pending":
        return
    if appointment["patientId"] != work.settled(answer["patientId"]):
        return  # somebody else's coverage says nothing about this patient
    if appointment.get("slotId") != answer.get("slotId"):
        return  # it was asked before the appointment was moved; another answer is on its way
    if answer["result"] == "eligible":
        work.change(appointment, because="eligible", pendingReason=None, selfPay=None)
        return
    why = "not-eligible" if answer["result"] == "not-eligible" else "eligibility-unknown"
    work.change(appointment, because=why, pendingReason=why, selfPay=True)


def providerChanged(work: Work, message: IncomingMessage) -> None:
    """Of a provider who has left nothing can be had any more; what was to come has to be booked anew."""
    provider = message.payload["id"]
    if message.payload["to"] != "inactive":
        return
    for slot in _ahead(work, "Slot", provider, "free", "busy-tentative", "busy"):
        work.change(slot, because="provider-left", heldFor=None, heldUntil=None)
    for appointment in _ahead(work, "Appointment", provider, "pending", "booked"):
        before = appointment.get("slotId")
        work.change(appointment, because="provider-left", previousSlotId=before, **UNBOOKED)


def patientChanged(work: Work, message: IncomingMessage) -> None:
    """What a merged patient has here is the surviving one's."""
    change = message.payload
    if change["to"] != "merged":
        return
    work.resettle(change["id"], change["replacedBy"])
    for slot in work.find("Slot", {"heldFor": change["id"]}, internal=True):
        work.save(slot, heldFor=change["replacedBy"])


exportChanged = HandingOver()


def _ahead(work: Work, type: str, provider: str, *statuses: str) -> Iterator[Aggregate]:
    """What there is of a provider in these statuses and is not over."""
    for each in work.find(type, {"providerId": provider, "status": statuses}, internal=True):
        if "start" not in each or sortable(each["start"]) >= instant(work.now):
            yield each


def _discreet(work: Work, slot: Aggregate) -> Aggregate:
    """Who holds a slot is shown only to who may act for that patient."""
    holder = slot.get("heldFor")
    return slot if holder is None or work.acts_for(holder) else slot.hide("heldFor", "heldUntil")


def _take(work: Work, id: str, patient: str, because: str) -> Aggregate:
    """Make a slot that is held for this patient busy."""
    slot = work.peek("Slot", id)
    if slot is None:
        raise Problem(422, errors=[Reason("/slotId", "names no slot")])
    if slot.get("heldFor") != patient:
        raise Problem(409, detail="The slot is not held for this patient.")
    return work.change(slot, because=because, status="busy", heldFor=None, heldUntil=None)


def _free(work: Work, id: str | None, because: str) -> None:
    """Give an appointment's slot back, if it has one that is still taken."""
    slot = work.peek("Slot", id) if id is not None else None
    if slot is not None and slot.status == "busy":
        work.change(slot, because=because, status="free")


def _must_allow(work: Work, appointment: Aggregate) -> None:
    """Refuse for the appointment's own state before anything is said about the slot."""
    if not work.can_change(appointment):
        raise Problem(409, detail="Its status does not allow this.")


def _place(slot: Aggregate) -> dict[str, JSON]:
    """Where and when an appointment in this slot is."""
    named = ("providerId", "locationId", "specialty", "start", "end")
    return {"slotId": slot.id, **{name: slot[name] for name in named}}
