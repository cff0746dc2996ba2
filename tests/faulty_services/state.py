"""State that is lost, doubled, changed when it must not, or not changed when it must."""

from __future__ import annotations

from dataclasses import replace

from harness.contract.model import JSON, Transition
from harness.serving.claims import Claim, claim_of
from harness.serving.exchange import Answer, Request
from harness.serving.problems import Problem
from reference_services.coverage.handlers import addCoverage
from reference_services.notifications.handlers import getPreferences
from reference_services.platform import endpoint
from reference_services.platform.values import timestamp
from reference_services.platform.work import Aggregate, IncomingMessage, Page, Work
from reference_services.scheduling.handlers import releaseSlot
from tests.faulty_services.breaking import Break, Reply, answers, edges, handlers, platform, without
from tests.faulty_services.fault import Fault


def _also(schema: str, driver: str, *states: str) -> Break:
    """Let an operation move what is in these states too."""

    def more(edge: Transition) -> Transition:
        moved = edge.by == driver and edge.id is None
        return replace(edge, sources=(*edge.sources, *states)) if moved else edge

    return edges(schema, more)


def _never(schema: str, **named: JSON) -> Break:
    """Leave out the transitions with these attributes."""
    return edges(schema, lambda e: None if all(getattr(e, n) == v for n, v in named.items()) else e)


def _hasty_minute(edge: Transition) -> Transition:
    return replace(edge, after=30.0) if edge.after == 60.0 else edge


def _hasty_end(edge: Transition) -> Transition:
    return edge if edge.at is None else replace(edge, at=None, after=2.0)


def _dispensing_anything(edge: Transition) -> Transition:
    return replace(edge, sources=(*edge.sources, "rejected")) if edge.by == "recordDispense" else edge


def _overtaking(edge: Transition) -> Transition:
    return (
        replace(edge, sources=(*edge.sources, "corrected"))
        if (edge.by, edge.to) == ("putReport", "final")
        else edge
    )


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


def _lose_one(reply: Reply) -> None:
    if "next" in reply.body:
        reply.body["items"].pop()


def _counting_devices(work: Work, request: Request) -> Page:
    """The newest first, and a cursor that says how many were shown."""
    where = {"patientId": request.path["patientId"], "platform": request.query.get("platform")}
    found = work.find("Device", {name: value for name, value in where.items() if value is not None})[::-1]
    cursor, limit = str(request.query.get("cursor", "0")), int(request.query.get("limit", 20))
    if not cursor.isdigit():
        raise Problem(422)
    end = int(cursor) + limit
    return Page(found[int(cursor) : end], len(found), str(end) if end < len(found) else None)


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


def _careless_claim(request: Request) -> Claim | None:
    """A key whatever it was used for."""
    claim = claim_of(request)
    return None if claim is None else replace(claim, digest="")


def _keeping_cancel(work: Work, request: Request) -> Aggregate:
    appointment = work.get("Appointment", request.path["appointmentId"])
    return work.change(appointment, because="cancelled", **request.body, pendingReason=None, selfPay=None)


def _lost_coverage(work: Work, request: Request) -> Aggregate:
    """Answered and told of, but not kept."""
    made = addCoverage(work, request)
    work.delete(made)
    return made


def _open_discharge(work: Work, request: Request) -> Aggregate:
    """A summary of a stay that goes on."""
    asked = {name: request.body[name] for name in ("patientId", "encounterId", "content", "authorId")}
    written = {"type": "18842-5", "writtenAt": timestamp(work.now), "superseded": [], "confidentiality": "N"}
    return work.create("Document", {**asked, **written}, because="discharged")


def _kept_device(work: Work, request: Request) -> None:
    work.get("Device", request.path["deviceId"])


def _unkept_preferences(work: Work, request: Request) -> Aggregate:
    asked = getPreferences(work, request)
    return replace(asked, version=asked.version + 1, document={**asked.document, **request.body})


FAULTS = (
    Fault(
        "what was created is lost",
        "state",
        "coverage",
        "http_properties",
        "addCoverage",
        "Created resource not found",
        handlers(addCoverage=_lost_coverage),
    ),
    Fault(
        "a change is not kept",
        "state",
        "notifications",
        "http_properties",
        "setPreferences",
        "A change is not kept",
        handlers(setPreferences=_unkept_preferences),
    ),
    Fault(
        "what was deleted is still there",
        "state",
        "notifications",
        "http_properties",
        "deleteDevice",
        "Deleted resource still available",
        handlers(deleteDevice=_kept_device),
    ),
    Fault(
        "pages lose an item",
        "state",
        "scheduling",
        "paging",
        "listAppointments",
        "An item of the list stands on no page",
        answers("listAppointments", _lose_one),
        ("access", "concurrency"),
    ),
    Fault(
        "pages show an item again when others are inserted",
        "state",
        "notifications",
        "paging",
        "listDevices",
        "An item stands on several pages when others are inserted between them",
        handlers(listDevices=_counting_devices),
        ("access", "concurrency"),
    ),
    Fault(
        "a total is not true",
        "state",
        "notifications",
        "paging",
        "listDeliveries",
        "The total is not the number of items",
        answers("listDeliveries", lambda reply: reply.body.update(total=reply.body["total"] + 1)),
        ("access", "concurrency"),
    ),
    Fault(
        "a stale ETag is accepted",
        "state",
        "scheduling",
        "concurrency",
        "cancelAppointment",
        "A change of an outdated version is not refused with 412",
        without("cancelAppointment", "If-Match"),
    ),
    Fault(
        "an Idempotency-Key is ignored",
        "state",
        "coverage",
        "concurrency",
        "addCoverage",
        "Repeats of one Idempotency-Key are answered differently",
        without("addCoverage", "Idempotency-Key"),
    ),
    Fault(
        "an Idempotency-Key is answered whatever is asked",
        "state",
        "scheduling",
        "concurrency",
        "bookAppointment",
        "An Idempotency-Key with another body is not refused with 422",
        platform((endpoint, "claim_of", _careless_claim)),
    ),
    Fault(
        "one slot is held twice",
        "state",
        "scheduling",
        "concurrency",
        "holdSlot",
        "parallel requests for one Slot succeed",
        _also("Slot", "holdSlot", "busy-tentative"),
    ),
    Fault(
        "an illegal transition is allowed",
        "state",
        "scheduling",
        "lifecycle",
        "checkIn",
        "An illegal transition is not refused with 409: a Appointment that is cancelled",
        _also("Appointment", "checkIn", "cancelled"),
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
        _also("Document", "amendSummary", "preliminary"),
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
        _also("PriorAuth", "decidePriorAuth", "complete"),
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
