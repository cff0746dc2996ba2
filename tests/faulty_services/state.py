"""State that is lost, doubled, changed when it must not, or not changed when it must."""

from __future__ import annotations

from dataclasses import replace

from harness.serving.claims import Claim, claim_of
from harness.serving.exchange import Request
from harness.serving.problems import Problem
from reference_services.coverage.handlers import addCoverage
from reference_services.notifications.handlers import getPreferences
from reference_services.platform import endpoint
from reference_services.platform.work import Aggregate, Page, Work
from tests.faulty_services.breaking import Reply, also, answers, handlers, platform, without
from tests.faulty_services.fault import Fault


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


def _careless_claim(request: Request) -> Claim | None:
    """A key whatever it was used for."""
    claim = claim_of(request)
    return None if claim is None else replace(claim, digest="")


def _lost_coverage(work: Work, request: Request) -> Aggregate:
    """Answered and told of, but not kept."""
    made = addCoverage(work, request)
    work.delete(made)
    return made


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
        also("Slot", "holdSlot", "busy-tentative"),
    ),
)
