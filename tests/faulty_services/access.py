"""Who gets in that must not, who does not that may, and what refusals give away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from harness.contract.expressions import Context
from harness.contract.model import MessageOperation
from harness.serving.exchange import Request
from harness.serving.problems import Problem
from harness.serving.relations import Told, told
from reference_services.platform import inbox
from reference_services.platform.accesses import Accesses
from reference_services.platform.work import Aggregate, Page, Work
from tests.faulty_services.breaking import Event, events, handlers, otherwise, platform, tokens
from tests.faulty_services.fault import Fault

ACCESS, SOMEBODY = "portal.export-audit.access.v1", "pat-0a5k3r8w2m"


def _accesses(
    operation: str, edit: Callable[[Event], tuple[Event, ...]]
) -> Callable[[Event], tuple[Event, ...]]:
    """What is told of accesses by one operation."""

    def edited(event: Event) -> tuple[Event, ...]:
        about = event.topic == ACCESS and event.payload["operation"] == operation
        return edit(event) if about else (event,)

    return edited


def _of_somebody(event: Event) -> tuple[Event, ...]:
    return (replace(event, payload={**event.payload, "patientId": SOMEBODY}),)


def _everybodys_appointments(work: Work, _: Request) -> Page:
    found = work.find("Appointment", internal=True)
    return Page(found, len(found))


def _telling_appointment(work: Work, request: Request) -> Aggregate:
    appointment = work.peek("Appointment", request.path["appointmentId"])
    if appointment is not None and not work.acts_for(appointment["patientId"]):
        raise Problem(404, detail="It belongs to another patient.")
    return work.get("Appointment", request.path["appointmentId"])


def _deaf(operation: MessageOperation, context: Context) -> Told | None:
    return None


def _unforgiving(operation: MessageOperation, context: Context) -> Told | None:
    """Hears only of what ends."""
    said = told(operation, context)
    return None if said is None or said.holds else said


FAULTS = (
    Fault(
        "nobody asks for a token",
        "access",
        "notifications",
        "access",
        "getDelivery",
        "Not refused with 401: no token",
        otherwise("getDelivery", security=(), access={}, subject=None),
        ("concurrency", "paging"),
    ),
    Fault(
        "another patient's data is returned",
        "access",
        "scheduling",
        "access",
        "getAppointment",
        "Somebody who may not is not refused: patient of somebody else",
        otherwise("getAppointment", access={}, subject=None),
        ("concurrency", "paging"),
    ),
    Fault(
        "somebody books for another patient",
        "access",
        "scheduling",
        "access",
        "bookAppointment",
        "Somebody who may not is not refused: patient of somebody else",
        otherwise("bookAppointment", access={}, subject=None),
        ("concurrency", "paging"),
    ),
    Fault(
        "a list shows everybody's things",
        "access",
        "scheduling",
        "access",
        "listAppointments",
        "A list shows another patient's data",
        handlers(listAppointments=_everybodys_appointments),
        ("concurrency", "events"),
    ),
    Fault(
        "a refusal says that a thing exists",
        "access",
        "scheduling",
        "access",
        "getAppointment",
        "A refusal says whether the thing exists",
        handlers(getAppointment=_telling_appointment),
        ("concurrency", "paging"),
    ),
    Fault(
        "an actor who may is refused",
        "access",
        "scheduling",
        "access",
        "getAppointment",
        "Somebody who may is refused: clinician",
        otherwise("getAppointment", access={"patient": "own", "proxy": "granted", "staff": "any"}),
        ("concurrency", "paging"),
    ),
    Fault(
        "a token's scope is not looked at",
        "access",
        "notifications",
        "access",
        "getDelivery",
        "Not refused with 401 or 403: a token with another scope",
        otherwise("getDelivery", security=({"portal": ()},)),
        ("concurrency", "paging"),
    ),
    Fault(
        "an expired token is taken",
        "access",
        "notifications",
        "access",
        "getDelivery",
        "expired",
        tokens(verify_exp=False),
        ("concurrency", "paging"),
    ),
    Fault(
        "a token for somebody else's service is taken",
        "access",
        "notifications",
        "access",
        "getDelivery",
        "audience",
        tokens(verify_aud=False),
        ("concurrency", "paging"),
    ),
    Fault(
        "a forged token is taken",
        "access",
        "notifications",
        "access",
        "getDelivery",
        "Not refused with 401",
        tokens(verify_signature=False),
        ("concurrency", "paging"),
    ),
    Fault(
        "a revoked proxy is still let in",
        "access",
        "coverage",
        "revocation",
        "listCoverage",
        "Somebody whose relation has ended is let in: proxy",
        platform((inbox, "told", _deaf)),
    ),
    Fault(
        "a proxy who is granted access again stays refused",
        "access",
        "notifications",
        "revocation",
        "getPreferences",
        "Somebody whose relation holds again is refused",
        platform((inbox, "told", _unforgiving)),
    ),
    Fault(
        "staff read what a copy holds",
        "access",
        "export-audit",
        "access",
        "downloadExport",
        "Somebody who may not is not refused: staff",
        otherwise("downloadExport", access={"patient": "own", "proxy": "granted", "staff": "any"}),
        ("concurrency", "paging"),
    ),
    Fault(
        "nobody hears who read a record",
        "access",
        "encounters-records",
        "audit",
        "getDischargeSummary",
        "An access that was granted is not told",
        events(_accesses("getDischargeSummary", lambda event: ())),
        ("revocation", "paging"),
    ),
    Fault(
        "nobody hears who was refused",
        "access",
        "scheduling",
        "audit",
        "listAppointments",
        "An access that was denied is not told",
        platform((Accesses, "denied", lambda *_: None)),
        ("revocation", "paging"),
    ),
    Fault(
        "an access is told of another patient",
        "access",
        "medications",
        "audit",
        "getRefill",
        "An access that was granted is told with another patient",
        events(_accesses("getRefill", _of_somebody)),
        ("revocation", "paging"),
    ),
)
