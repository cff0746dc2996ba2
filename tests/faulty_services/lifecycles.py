"""Transitions that are made when they must not be, and those that are not made."""

from __future__ import annotations

from dataclasses import replace

from harness.contract.model import JSON, Transition
from harness.serving.exchange import Answer, Request
from reference_services.platform.values import timestamp
from reference_services.platform.work import Aggregate, IncomingMessage, Work
from reference_services.scheduling.handlers import releaseSlot
from tests.faulty_services.breaking import Break, also, edges, handlers
from tests.faulty_services.fault import Fault


def _never(schema: str, **named: JSON) -> Break:
    """Leave out the transitions with these attributes."""
    return edges(schema, lambda e: None if all(getattr(e, n) == v for n, v in named.items()) else e)


def _hasty_minute(edge: Transition) -> Transition:
    return replace(edge, after=30.0) if edge.after == 60.0 else edge


def _hasty_end(edge: Transition) -> Transition:
    return edge if edge.at is None else replace(edge, at=None, after=2.0)


def _sending_all_the_same(edge: Transition) -> Transition | None:
    """As if nothing were known of when access ends."""
    if edge.at == "accessEndsAt":
        return None
    return replace(edge, when=None) if edge.by is None and edge.to in ("in-progress", "completed") else edge


def _dispensing_anything(edge: Transition) -> Transition:
    return replace(edge, sources=(*edge.sources, "rejected")) if edge.by == "recordDispense" else edge


def _overtaking(edge: Transition) -> Transition:
    return (
        replace(edge, sources=(*edge.sources, "corrected"))
        if (edge.by, edge.to) == ("putReport", "final")
        else edge
    )


def _reopening(edge: Transition) -> Transition:
    return replace(edge, sources=(*edge.sources, "completed")) if edge.by == "reply" else edge


def _unplanned_end(work: Work, invoice: Aggregate) -> None:
    work.change(invoice, because="paid")


REFUSED = {"type": "about:blank", "title": "Conflict", "status": 409}


def refused() -> Answer:
    """Refuse without undoing what was done: only what is raised does that."""
    return Answer(409, REFUSED, content_type="application/problem+json")


def _touching_release(work: Work, request: Request) -> Aggregate | Answer:
    slot = work.get("Slot", request.path["slotId"])
    if work.can_change(slot):
        return releaseSlot(work, request)
    work.save(slot)
    return refused()


def _keeping_cancel(work: Work, request: Request) -> Aggregate:
    appointment = work.get("Appointment", request.path["appointmentId"])
    return work.change(appointment, because="cancelled", **request.body, pendingReason=None, selfPay=None)


def _open_discharge(work: Work, request: Request) -> Aggregate:
    """A summary of a stay that goes on."""
    asked = {name: request.body[name] for name in ("patientId", "encounterId", "content", "authorId")}
    written = {"type": "18842-5", "writtenAt": timestamp(work.now), "superseded": [], "confidentiality": "N"}
    return work.create("Document", {**asked, **written}, because="discharged")


def _leaving_one(work: Work, message: IncomingMessage) -> None:
    """Of all that a provider who has left was to do only the first is proposed anew."""
    theirs = {"providerId": message.payload["id"], "status": ["pending", "booked"]}
    for each in work.find("Appointment", theirs, internal=True, limit=1):
        if work.can_change(each):
            work.change(each, because="provider-left")


def _decided_by_time(edge: Transition) -> Transition:
    return replace(edge, to="complete") if edge.at == "dueAt" else edge


def _approving(work: Work, asked: Aggregate) -> None:
    work.change(asked, because="decided", decision="approved")


FAULTS = (
    Fault(
        "an illegal transition is allowed",
        "state",
        "scheduling",
        "lifecycle",
        "checkIn",
        "An illegal transition is not refused with 409: a Appointment that is cancelled",
        also("Appointment", "checkIn", "cancelled"),
        cases=10,
    ),
    Fault(
        "a legal transition is refused",
        "state",
        "scheduling",
        "lifecycle",
        "markNoShow",
        "A legal transition does not work: Appointment booked → noshow",
        _never("Appointment", by="markNoShow"),
        ("events", "paging"),
    ),
    Fault(
        "a hold never runs out",
        "state",
        "scheduling",
        "lifecycle",
        "after 600 s",
        "A legal transition does not work: Slot busy-tentative → free",
        _never("Slot", after=600.0),
    ),
    Fault(
        "what nobody answers is left as it is",
        "state",
        "scheduling",
        "lifecycle",
        "after 60 s",
        "A legal transition does not work: Appointment pending → pending",
        _never("Appointment", after=60.0),
    ),
    Fault(
        "an answer is not waited for long enough",
        "state",
        "scheduling",
        "lifecycle",
        "after 60 s",
        "A legal transition does not work: Appointment pending → pending",
        edges("Appointment", _hasty_minute),
    ),
    Fault(
        "a grant goes on after its end",
        "state",
        "proxy-consent",
        "lifecycle",
        "at endsAt",
        "A legal transition does not work: ProxyGrant active → inactive",
        _never("ProxyGrant", at="endsAt"),
    ),
    Fault(
        "what was opened for a while is closed too soon",
        "state",
        "proxy-consent",
        "lifecycle",
        "at endsAt",
        "A legal transition does not work: BreakGlass in-progress → ready",
        edges("BreakGlass", _hasty_end),
    ),
    Fault(
        "a refused transition leaves a trace",
        "state",
        "scheduling",
        "lifecycle",
        "releaseSlot",
        "A refused transition changed the Slot",
        handlers(releaseSlot=_touching_release),
    ),
    Fault(
        "a cancelled appointment keeps its slot",
        "state",
        "scheduling",
        "lifecycle",
        "cancelAppointment",
        "A legal transition does not work: Slot busy → free",
        handlers(cancelAppointment=_keeping_cancel),
    ),
    Fault(
        "a discharge leaves the encounter open",
        "state",
        "encounters-records",
        "lifecycle",
        "discharge",
        "A legal transition does not work: Encounter in-progress → finished",
        handlers(discharge=_open_discharge),
    ),
    Fault(
        "a summary is amended that is not final",
        "state",
        "encounters-records",
        "lifecycle",
        "amendSummary",
        "An illegal transition is not refused with 409: a Document that is preliminary",
        also("Document", "amendSummary", "preliminary"),
    ),
    Fault(
        "a declined refill is dispensed",
        "state",
        "medications",
        "lifecycle",
        "recordDispense",
        "An illegal transition is not refused with 409: a Refill that is rejected",
        edges("Refill", _dispensing_anything),
        cases=10,
    ),
    Fault(
        "a refill that nobody decides on is forgotten",
        "state",
        "medications",
        "lifecycle",
        "after 259200 s",
        "A legal transition does not work: Refill requested → requested",
        _never("Refill", after=259200.0),
    ),
    Fault(
        "an original takes the place of its correction",
        "state",
        "orders-results",
        "lifecycle",
        "putReport",
        "An illegal transition is not refused with 409: a Report that is corrected, by 'long-name'",
        edges("Report", _overtaking),
    ),
    Fault(
        "a closed thread takes a reply",
        "state",
        "messaging",
        "lifecycle",
        "reply",
        "An illegal transition is not refused with 409: a Thread that is completed",
        edges("Thread", _reopening),
    ),
    Fault(
        "a patient whom nobody answers is forgotten",
        "state",
        "messaging",
        "lifecycle",
        "after 172800 s",
        "A legal transition does not work: Thread in-progress → in-progress",
        _never("Thread", after=172800.0),
    ),
    Fault(
        "money of which nobody knows is taken again",
        "state",
        "billing",
        "lifecycle",
        "capturePayment",
        "An illegal transition is not refused with 409: a Payment that is unknown",
        also("Payment", "capturePayment", "unknown"),
        cases=8,
    ),
    Fault(
        "a plan goes on when nothing is open any more",
        "state",
        "billing",
        "lifecycle",
        "after 1 s of Invoice",
        "A legal transition does not work: PaymentPlan active → completed",
        handlers(afterInvoiceBalanced=_unplanned_end),
    ),
    Fault(
        "an export outlives the access of who asked for it",
        "state",
        "export-audit",
        "lifecycle",
        "at accessEndsAt",
        "A legal transition does not work: ExportJob accepted → cancelled",
        _never("ExportJob", at="accessEndsAt"),
    ),
    Fault(
        "a notice goes to whose grant has ended",
        "state",
        "notifications",
        "lifecycle",
        "at accessEndsAt",
        "A legal transition does not work: Delivery preparation → not-done",
        edges("Delivery", _sending_all_the_same),
    ),
    Fault(
        "what a payer is late with counts as approved",
        "state",
        "coverage",
        "lifecycle",
        "at dueAt",
        "A legal transition does not work: PriorAuth queued → queued",
        replace(edges("PriorAuth", _decided_by_time), handlers={"afterPriorAuthComplete": _approving}),
    ),
    Fault(
        "what was authorized is decided a second time",
        "state",
        "coverage",
        "lifecycle",
        "decidePriorAuth",
        "An illegal transition is not refused with 409: a PriorAuth that is complete",
        also("PriorAuth", "decidePriorAuth", "complete"),
    ),
    Fault(
        "of many that a message names only one moves",
        "state",
        "scheduling",
        "lifecycle",
        "providerChanged",
        "A legal transition does not work: Appointment booked → proposed",
        handlers(providerChanged=_leaving_one),
    ),
)
