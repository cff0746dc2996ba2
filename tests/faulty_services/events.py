"""Events that are missing, too many, or not as declared."""

from __future__ import annotations

import time
import uuid
from dataclasses import replace

from harness.serving.exchange import Answer, Request
from reference_services.medications.handlers import decideRefill
from reference_services.platform import inbox
from reference_services.platform.work import Aggregate, Work
from reference_services.scheduling.handlers import cancelAppointment
from tests.faulty_services.breaking import Event, edges, events, handlers, hasty, platform
from tests.faulty_services.fault import Fault
from tests.faulty_services.lifecycles import refused

COVERAGE, DOCUMENT = "portal.coverage.coverage.v1", "portal.encounters-records.document.v1"
DIAGNOSIS = "Other specified abnormal findings of blood chemistry"
SOON, LATER = 0.6, 1.0
"""Seconds in which events are promised where one is waited for that does not come, or comes after that."""


def _uncancelled(event: Event) -> tuple[Event, ...]:
    """All but what tells that an appointment was cancelled by somebody."""
    about = event.topic == "portal.scheduling.appointment.v1"
    return () if about and event.payload.get("reason") == "cancelled" else (event,)


def _orphaned(event: Event) -> tuple[Event, ...]:
    lost = event.with_header("ce_correlationid", str(uuid.uuid4()))
    return (lost if event.topic == COVERAGE else event,)


def _misattributed(event: Event) -> tuple[Event, ...]:
    wrong = event.with_header("ce_causationid", str(uuid.uuid4()))
    return (wrong if event.topic == COVERAGE else event,)


def _unexplained(event: Event) -> tuple[Event, ...]:
    told = {name: value for name, value in event.payload.items() if name != "pendingReason"}
    return (replace(event, payload=told),)


def _silent_end(event: Event) -> tuple[Event, ...]:
    return () if event.payload.get("reason") == "expired" and event.payload["to"] == "cancelled" else (event,)


def _untold_birthday(event: Event) -> tuple[Event, ...]:
    about = event.topic == "portal.proxy-consent.grant.v1"
    return () if about and event.payload["reason"] == "ended" else (event,)


def _unreplaced(event: Event) -> tuple[Event, ...]:
    return () if event.payload.get("reason") == "replaced" else (event,)


def _half_told(event: Event) -> tuple[Event, ...]:
    """Of a discharge only the encounter is told of."""
    return () if event.topic == DOCUMENT else (event,)


def _of_nobody(event: Event) -> tuple[Event, ...]:
    return (replace(event, key=str(uuid.uuid4())) if event.topic == COVERAGE else event,)


def _on(topic: str, event: Event) -> tuple[Event, ...]:
    return (replace(event, topic=topic) if event.topic == COVERAGE else event,)


def _delayed(event: Event) -> tuple[Event, ...]:
    if event.topic == COVERAGE:
        time.sleep(LATER)
    return (event,)


def _hasty_cancel(work: Work, request: Request) -> Aggregate | Answer:
    """Frees the slot of what cannot be cancelled any more."""
    appointment = work.get("Appointment", request.path["appointmentId"])
    if work.can_change(appointment, cancellationReason=request.body["cancellationReason"]):
        return cancelAppointment(work, request)
    slot = work.peek("Slot", appointment.get("slotId") or "")
    if slot is not None and slot.status == "busy":
        work.change(slot, because="cancelled", status="free")
    return refused()


def _keeping_decision(work: Work, request: Request) -> Aggregate:
    """What is declined stays taken off."""
    if request.body["decision"] == "approve":
        return decideRefill(work, request)
    refill = work.get("Refill", request.path["refillId"])
    why = request.body["declineReason"]
    return work.change(refill, because="declined", status="rejected", declineReason=why)


def _forgetful(*_: object) -> bool:
    """Nothing was seen before, and nothing is noted."""
    return False


FAULTS = (
    Fault(
        "of two timers of one state only the first is told of",
        "events",
        "scheduling",
        "cause_and_effect",
        "Appointment pending after 86400 s",
        "appointmentChanged was not published",
        events(_silent_end),
    ),
    Fault(
        "nobody hears that a grant came to its end",
        "events",
        "proxy-consent",
        "cause_and_effect",
        "ProxyGrant active at endsAt",
        "grantChanged was not published",
        events(_untold_birthday),
    ),
    Fault(
        "an event is published before the commit",
        "events",
        "coverage",
        "cause_and_effect",
        "addCoverage",
        "coverageChanged arrived before its change can be read",
        hasty(0.3),
    ),
    Fault(
        "an event comes too late",
        "events",
        "coverage",
        "cause_and_effect",
        "addCoverage",
        "coverageChanged came later than declared",
        events(_delayed),
        within=SOON,
    ),
    Fault(
        "an event goes to another service's topic",
        "events",
        "coverage",
        "events",
        "",
        "An event on a topic that the contract does not send on: portal.notifications.preferences.v1",
        events(lambda event: _on("portal.notifications.preferences.v1", event)),
    ),
    Fault(
        "an event goes to a topic that nobody knows",
        "events",
        "coverage",
        "events",
        "",
        "topic that",
        events(lambda event: _on("portal.coverage.coverages.v1", event)),
    ),
    Fault(
        "a refused request publishes an event",
        "events",
        "scheduling",
        "cause_and_effect",
        "cancelAppointment",
        "A refused request caused an event",
        handlers(cancelAppointment=_hasty_cancel),
    ),
    Fault(
        "a message that comes again has a second effect",
        "events",
        "notifications",
        "cause_and_effect",
        "appointmentChanged",
        "More events than declared: portal.notifications.delivery.v1",
        platform((inbox, "_seen", _forgetful), (inbox.Taker, "_note", _forgetful)),
    ),
    Fault(
        "a message that cannot be processed is lost",
        "events",
        "notifications",
        "cause_and_effect",
        "appointmentChanged",
        "A message that breaks its contract is not put on the dead-letter topic",
        platform((inbox.Taker, "bury", _forgetful)),
    ),
    Fault(
        "an event is swallowed",
        "events",
        "scheduling",
        "cause_and_effect",
        "cancelAppointment",
        "appointmentChanged was not published",
        events(_uncancelled),
        cases=1,
        within=SOON,
    ),
    Fault(
        "every event comes twice",
        "events",
        "coverage",
        "cause_and_effect",
        "addCoverage",
        "More events than declared: portal.coverage.coverage.v1",
        events(lambda event: (event, event.with_header("ce_id", str(uuid.uuid4())))),
    ),
    Fault(
        "an event has another key",
        "events",
        "coverage",
        "cause_and_effect",
        "addCoverage",
        "coverageChanged has another key than declared",
        events(_of_nobody),
        within=SOON,
    ),
    Fault(
        "an event forgets its correlation",
        "events",
        "coverage",
        "cause_and_effect",
        "addCoverage",
        "coverageChanged does not carry the correlation on",
        events(_orphaned),
        within=SOON,
    ),
    Fault(
        "an event names another cause",
        "events",
        "coverage",
        "cause_and_effect",
        "addCoverage",
        "coverageChanged names another cause",
        events(_misattributed),
        within=SOON,
    ),
    Fault(
        "an event has a property that the contract does not know",
        "events",
        "coverage",
        "events",
        "coverageChanged",
        "The payload does not keep its schema",
        events(lambda event: (replace(event, payload={**event.payload, "planName": "Basic"}),)),
    ),
    Fault(
        "an event lacks a header",
        "events",
        "coverage",
        "events",
        "coverageChanged",
        "The headers do not keep their schema",
        events(lambda event: (event.with_header("ce_source", None),)),
    ),
    Fault(
        "an event tells what the patient said",
        "events",
        "scheduling",
        "events",
        "appointmentChanged",
        "An event holds a value that is marked x-phi",
        events(lambda event: (event.with_header("note", "Palpitations when climbing stairs"),)),
    ),
    Fault(
        "an event tells a diagnosis",
        "events",
        "encounters-records",
        "events",
        "documentChanged",
        "An event holds a value that is marked x-phi",
        events(lambda event: (event.with_header("note", DIAGNOSIS),)),
    ),
    Fault(
        "of two events of one request only the first comes",
        "events",
        "encounters-records",
        "cause_and_effect",
        "discharge",
        "documentChanged was not published",
        events(_half_told),
        within=SOON,
    ),
    Fault(
        "a message has no effect",
        "events",
        "notifications",
        "lifecycle",
        "appointmentChanged",
        "A legal transition does not work: Delivery (new) → preparation",
        handlers(appointmentChanged=lambda work, message: None),
    ),
    Fault(
        "an event lacks what a consumer reads",
        "events",
        "scheduling",
        "message_pacts",
        "appointmentChanged",
        "Not what coverage relies on: an appointment waits for eligibility",
        events(_unexplained),
        ("events", "access"),
    ),
    Fault(
        "a declined refill is not given back",
        "events",
        "medications",
        "cause_and_effect",
        "decideRefill",
        "medicationRequestChanged was not published",
        handlers(decideRefill=_keeping_decision),
        within=SOON,
    ),
    Fault(
        "a report in part completes its order",
        "events",
        "orders-results",
        "cause_and_effect",
        "putReport",
        "More events than declared: portal.orders-results.order.v1",
        edges("Order", lambda edge: replace(edge, when=None)),
        cases=5,
    ),
    Fault(
        "what a correction replaces is not told of",
        "events",
        "billing",
        "cause_and_effect",
        "replaceInvoice",
        "invoiceChanged has another key than declared",
        events(_unreplaced),
        within=SOON,
    ),
    Fault(
        "an order that needs authorization asks nobody for it",
        "events",
        "coverage",
        "lifecycle",
        "orderChanged",
        "A legal transition does not work: PriorAuth (new) → queued",
        handlers(orderChanged=lambda work, message: None),
    ),
    Fault(
        "an order does not show what became of its authorization",
        "events",
        "orders-results",
        "lifecycle",
        "priorauthChanged",
        "A legal transition does not work: Order active → active",
        handlers(priorauthChanged=lambda work, message: None),
    ),
)
