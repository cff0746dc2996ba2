"""Medications: what is prescribed, refilled and dispensed, and what is left of it after a discharge."""

from __future__ import annotations

from datetime import date, timedelta
from math import ceil

from harness.contract.model import JSON
from harness.serving.exchange import Request
from harness.serving.problems import Problem, Reason
from reference_services.platform.discretion import discreet, may_know, of_patient
from reference_services.platform.values import timestamp
from reference_services.platform.work import Aggregate, IncomingMessage, Page, Work
from reference_services.sources import HandingOver

TAKEN = ("draft", "active", "on-hold", "unknown")
"""What may yet be taken, so that somebody has to look at it after a discharge."""


def listMedications(work: Work, request: Request) -> Page:
    return work.page("MedicationRequest", request, of_patient(work, request, "status"))


def getMedication(work: Work, request: Request) -> Aggregate:
    return discreet(work, work.get("MedicationRequest", request.path["medicationRequestId"]))


def getMedicationHistory(work: Work, request: Request) -> Page:
    where = of_patient(work, request, "status", "medicationRequestId")
    return work.page("Dispense", request, where, newest=True)


def requestRefill(work: Work, request: Request) -> Aggregate:
    """A new refill, or the one that is open already."""
    patient = request.body["patientId"]
    prescription = work.peek("MedicationRequest", request.body["medicationRequestId"])
    if prescription is None or prescription["patientId"] != patient or not may_know(work, prescription):
        raise Problem(422, errors=[Reason("/medicationRequestId", "names no prescription of this patient")])
    before = work.peek("Refill", prescription.get("openRefillId", ""))
    if before is not None:
        return before
    check_refillable(prescription, work.now.date())
    refill = work.create(
        "Refill",
        {
            "patientId": patient,
            "medicationRequestId": prescription.id,
            "requestedAt": timestamp(work.now),
            "confidentiality": prescription["confidentiality"],
        },
        because="requested",
    )
    left = prescription["refillsRemaining"] - 1
    work.change(prescription, because="refill-requested", refillsRemaining=left, openRefillId=refill.id)
    return refill


def getRefill(work: Work, request: Request) -> Aggregate:
    return discreet(work, work.get("Refill", request.path["refillId"]))


def decideRefill(work: Work, request: Request) -> Aggregate:
    refill, decision = work.get("Refill", request.path["refillId"]), request.body["decision"]
    prescription = work.peek("MedicationRequest", refill["medicationRequestId"])
    decided = {"decidedAt": timestamp(work.now), "overdue": None}
    if decision == "decline":
        why = request.body["declineReason"]
        work.change(refill, because="declined", status="rejected", declineReason=why, **decided)
        _close(work, prescription, "refill-declined", back=True)
        return refill
    work.change(refill, because="approved", status="accepted", **decided)
    if prescription is None or prescription.status != "active":
        raise refused("not-active")
    return refill


def afterRefillRequested(work: Work, refill: Aggregate) -> None:
    """Nobody has decided in time. It can still be decided on, but it must not be forgotten."""
    work.change(refill, because="overdue", overdue=True)


def recordDispense(work: Work, request: Request) -> Aggregate:
    asked = request.body
    refill = work.peek("Refill", asked["refillId"])
    if refill is None or refill["patientId"] != asked["patientId"]:
        raise Problem(422, errors=[Reason("/refillId", "names no refill of this patient")])
    work.change(refill, because="taken-up")
    also = {name: refill[name] for name in ("medicationRequestId", "confidentiality")}
    return work.create("Dispense", {**asked, **also, "recordedAt": timestamp(work.now)}, because="recorded")


def getDispense(work: Work, request: Request) -> Aggregate:
    return discreet(work, work.get("Dispense", request.path["dispenseId"]))


def advanceDispense(work: Work, request: Request) -> Aggregate:
    dispense, to = work.get("Dispense", request.path["dispenseId"]), request.body["status"]
    now = timestamp(work.now)
    handed = {"handedOverAt": now} if to == "completed" else {}
    work.change(dispense, because=to, **request.body, **handed)
    if to == "in-progress":
        return dispense
    refill = work.peek("Refill", dispense.get("refillId", ""))
    why, end = ("dispensed", "completed") if handed else ("not-dispensed", "failed")
    if refill is not None and refill.status == "in-progress":
        work.change(refill, because=why, status=end)
    prescription = work.peek("MedicationRequest", dispense["medicationRequestId"])
    if handed:
        again = refillable_from(work.now.date(), dispense["daysSupply"]).isoformat()
        _close(work, prescription, why, lastDispensedAt=now, refillableFrom=again)
    else:
        _close(work, prescription, why, back=refill is not None)
    return dispense


def listReconciliations(work: Work, request: Request) -> Page:
    return work.page("Reconciliation", request, of_patient(work, request, "status"))


def getReconciliation(work: Work, request: Request) -> Aggregate:
    return discreet(work, work.get("Reconciliation", request.path["reconciliationId"]))


def reconcile(work: Work, request: Request) -> Aggregate:
    reconciliation = work.get("Reconciliation", request.path["reconciliationId"])
    named, decision, now = request.body["medicationRequestId"], request.body["decision"], timestamp(work.now)
    prescription = work.peek("MedicationRequest", named)
    if prescription is None or prescription["patientId"] != reconciliation["patientId"]:
        raise Problem(422, errors=[Reason("/medicationRequestId", "names no prescription of this patient")])
    taken = {"medicationRequestId": named, "decision": decision, "decidedAt": now}
    decisions = [*reconciliation["decisions"], taken]
    if not request.body.get("last"):
        work.change(reconciliation, because="decided", decisions=decisions)
    else:
        work.change(reconciliation, because="completed", decisions=decisions, completedAt=now)
        decided = {each["medicationRequestId"] for each in decisions}
        if not decided.issuperset(reconciliation["medicationRequestIds"]):
            raise Problem(409, detail="Not everything that it lists is decided.")
    to = {"hold": "on-hold", "stop": "stopped", "complete": "completed", "discard": "cancelled"}
    work.change(prescription, because=decision, status=to.get(decision, "active"))
    return reconciliation


def encounterChanged(work: Work, message: IncomingMessage) -> None:
    """A discharge: somebody has to go through all that the patient takes."""
    change = message.payload
    if change["to"] != "finished":
        return
    patient = work.settled(change["patientId"])
    taken = work.find("MedicationRequest", {"patientId": patient, "status": TAKEN}, internal=True)
    work.create(
        "Reconciliation",
        {
            "patientId": patient,
            "encounterId": change["id"],
            "medicationRequestIds": [each.id for each in taken],
            "decisions": [],
            "openedAt": timestamp(work.now),
            "confidentiality": change["confidentiality"],
        },
        because="opened",
    )


def patientChanged(work: Work, message: IncomingMessage) -> None:
    """What a merged patient has here is the surviving one's."""
    if message.payload["to"] == "merged":
        work.resettle(message.payload["id"], message.payload["replacedBy"])


exportChanged = HandingOver()


def check_refillable(prescription: Aggregate, day: date) -> None:
    """Raises Problem that says why there is no refill on that day. None is ever too late."""
    if prescription.status != "active":
        raise refused("not-active")
    if prescription["refillsRemaining"] < 1:
        raise refused("none-left")
    first = prescription.get("refillableFrom")
    if first is not None and day < date.fromisoformat(first):
        raise refused("too-early", refillableFrom=first)


def refused(why: str, **more: JSON) -> Problem:
    """The refusal with its code, and in words."""
    words = {
        "not-active": "The prescription is not active.",
        "none-left": "No refill is left.",
        "too-early": "It is too early for a refill.",
    }
    return Problem(409, detail=words[why], members={"refusal": why, **more})


def refillable_from(handed: date, supply: int) -> date:
    """The first day on which another refill is not too early: three quarters of its days are over."""
    return handed + timedelta(days=ceil(supply * 3 / 4))


def _close(
    work: Work, prescription: Aggregate | None, because: str, *, back: bool = False, **fields: JSON
) -> None:
    """The open refill is over; ``back`` gives it back. One that is no longer active says nothing of it."""
    if prescription is None:
        return
    left = prescription["refillsRemaining"] + back
    now = {"openRefillId": None, "refillsRemaining": min(left, prescription["refillsAllowed"]), **fields}
    if prescription.status == "active":
        work.change(prescription, because=because, **now)
    else:
        work.save(prescription, **now)
