"""Answers that are not as documented."""

from __future__ import annotations

from dataclasses import replace

from harness.serving.exchange import Answer, Request
from reference_services.coverage.handlers import addCoverage
from reference_services.messaging.handlers import getAttachment
from reference_services.platform.work import Aggregate, Work
from tests.faulty_services.breaking import Reply, answers, handlers, refusals
from tests.faulty_services.fault import Fault


def _short_column(work: Work, request: Request) -> Aggregate:
    """The contract allows 120 characters, the table 119."""
    if len(request.body.get("planName", "")) == 120:
        raise RuntimeError("value too long for type character varying(119)")
    return addCoverage(work, request)


def _shown_inline(work: Work, request: Request) -> Answer:
    answer = getAttachment(work, request)
    return replace(answer, headers={**answer.headers, "Content-Disposition": "inline"})


def _hopeful(reply: Reply) -> None:
    if reply.body["status"] == "unknown":
        reply.body["status"] = "in-progress"


def _unexplained(reply: Reply) -> None:
    for each in reply.body.get("answers", ()):
        each.pop("denialReason", None)


FAULTS = (
    Fault(
        "a required field is dropped from an answer",
        "schema and status",
        "notifications",
        "http_properties",
        "getDelivery",
        "Response violates schema",
        answers("getDelivery", lambda reply: reply.body.pop("status")),
    ),
    Fault(
        "an answer has a field that the contract does not know",
        "schema and status",
        "coverage",
        "http_properties",
        "getCoverage",
        "Response violates schema",
        answers("getCoverage", lambda reply: reply.body.update(internalNote="call back")),
    ),
    Fault(
        "an answer has a status that the contract does not know",
        "schema and status",
        "coverage",
        "http_properties",
        "getEligibility",
        "Response violates schema",
        answers("getEligibility", lambda reply: reply.body.update(outcome="done")),
    ),
    Fault(
        "a number is answered as a text",
        "schema and status",
        "coverage",
        "http_properties",
        "getCoverage",
        "Response violates schema",
        answers("getCoverage", lambda reply: reply.body.update(order=str(reply.body["order"]))),
    ),
    Fault(
        "a time is not written as RFC 3339 wants it",
        "schema and status",
        "notifications",
        "http_properties",
        "getDelivery",
        "Response violates schema",
        answers("getDelivery", lambda reply: reply.body.update(createdAt="2031-02-18 10:00")),
    ),
    Fault(
        "a refusal is no problem document",
        "schema and status",
        "coverage",
        "http_properties",
        "getCoverage",
        "Response violates schema",
        refusals("getCoverage", lambda reply: setattr(reply, "body", {"error": reply.status})),
    ),
    Fault(
        "a value at its limit ends in a 500",
        "schema and status",
        "coverage",
        "http_properties",
        "addCoverage",
        "Server error",
        handlers(addCoverage=_short_column),
    ),
    Fault(
        "success has another status code",
        "schema and status",
        "notifications",
        "http_properties",
        "registerDevice",
        "Undocumented status code",
        answers("registerDevice", lambda reply: setattr(reply, "status", 200)),
    ),
    Fault(
        "a required header is missing",
        "schema and status",
        "coverage",
        "http_properties",
        "getCoverage",
        "Missing required response headers",
        answers("getCoverage", lambda reply: reply.headers.pop("etag")),
    ),
    Fault(
        "an answer is of another content type",
        "schema and status",
        "coverage",
        "http_properties",
        "getEligibility",
        "Undocumented Content-Type",
        answers("getEligibility", lambda reply: reply.headers.update({"content-type": "text/html"})),
    ),
    Fault(
        "an optional field that a consumer reads is gone",
        "schema and status",
        "scheduling",
        "http_pacts",
        "bookAppointment",
        "Not what portal-web relies on: an appointment is booked into a held slot",
        answers("bookAppointment", lambda reply: reply.body.pop("pendingReason")),
    ),
    Fault(
        "nobody is told until when a result is held",
        "schema and status",
        "orders-results",
        "http_pacts",
        "getReport",
        "Not what portal-web relies on: a result that is held back",
        answers("getReport", lambda reply: reply.body.pop("heldUntil", None)),
    ),
    Fault(
        "a file is shown in the page",
        "schema and status",
        "messaging",
        "http_pacts",
        "getAttachment",
        "Not what portal-web relies on: a file is saved, not shown",
        handlers(getAttachment=_shown_inline),
    ),
    Fault(
        "an unknown outcome is shown as one that is still to come",
        "schema and status",
        "billing",
        "http_pacts",
        "getPayment",
        "Not what portal-web relies on: nobody knows whether it was paid",
        answers("getPayment", _hopeful),
    ),
    Fault(
        "a copy does not say what is missing in it",
        "schema and status",
        "export-audit",
        "http_pacts",
        "downloadExport",
        "Not what portal-web relies on: a copy in which a part is missing",
        answers("downloadExport", lambda reply: reply.body.pop("partial", None)),
    ),
    Fault(
        "nobody is told why an authorization was denied",
        "schema and status",
        "coverage",
        "http_pacts",
        "getPriorAuth",
        "Not what portal-web relies on: why the payer does not authorize it",
        answers("getPriorAuth", _unexplained),
    ),
)
