"""Orders and results: what was asked for, what was found, who may see it; one handler for each operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.contract.lifecycles import Timed
from harness.contract.model import JSON
from harness.serving.exchange import Request
from harness.serving.problems import Problem, Reason
from reference_services.platform.discretion import discreet, of_patient
from reference_services.platform.values import instant, sortable, timestamp
from reference_services.platform.work import Aggregate, IncomingMessage, Page, Work
from reference_services.sources import HandingOver

SENSITIVE = frozenset({"56888-1", "75622-1"})
"""Tests whose very name says too much: for HIV."""

CRITICAL = frozenset({"AA", "HH", "LL"})
"""Interpretations upon which somebody must act."""

SAID = ("code", "observations", "conclusion", "critical")
"""What a report says; the patient sees none of it while it is held."""

UNSEEN: Mapping[str, JSON] = dict.fromkeys(("readAt", "acknowledgedAt", "escalatedAt"))
"""Nobody has seen a new version yet."""

AUTHORIZATION_AT = "_authorizationAt"
"""When the payer said what an order shows of it; for the service alone."""

UNHELD: Mapping[str, JSON] = {"release": "released", "holdReason": None, "heldUntil": None}


def createOrder(work: Work, request: Request) -> Aggregate:
    document = {
        "priority": "routine",
        **request.body,
        "authoredOn": timestamp(work.now),
        "confidentiality": _confidentiality(request.body["code"]),
    }
    return work.create("Order", document, because="ordered")


def getOrder(work: Work, request: Request) -> Aggregate:
    return discreet(work, work.get("Order", request.path["orderId"]))


def listOrders(work: Work, request: Request) -> Page:
    return work.page("Order", request, of_patient(work, request, "status", "category"))


def revokeOrder(work: Work, request: Request) -> Aggregate:
    order = work.get("Order", request.path["orderId"])
    return work.change(order, because="revoked", **request.body)


def registerReport(work: Work, request: Request) -> Aggregate:
    asked = request.body
    order = work.peek("Order", asked["orderId"]) if "orderId" in asked else None
    if "orderId" in asked and not _can_be_answered(order, asked["patientId"]):
        raise Problem(422, errors=[Reason("/orderId", "names no order of this patient that stands")])
    known = _confidentiality(asked["code"])
    document = {
        **asked,
        "release": "released",
        "registeredAt": timestamp(work.now),
        "confidentiality": known if order is None or known == "R" else order["confidentiality"],
    }
    return work.create("Report", document, because="registered")


def getReport(work: Work, request: Request) -> Aggregate:
    return _unless_held(work.actor, discreet(work, work.get("Report", request.path["reportId"])))


def listResults(work: Work, request: Request) -> Page:
    found = work.page("Report", request, of_patient(work, request, "status", "category", "orderId"))
    for report in found:
        _unless_held(work.actor, report)
    return found


def putReport(work: Work, request: Request) -> Aggregate:
    report, found = work.get("Report", request.path["reportId"]), request.body
    if "issued" in report and sortable(found["issued"]) < sortable(report["issued"]):
        raise Problem(409, detail="What is here was issued later.")
    revised = found["status"] in {"amended", "corrected"}
    because = ("revised-after-reading" if "readAt" in report else "revised") if revised else "reported"
    told = {"conclusion": None, **found, "critical": _critical(found["observations"]), **UNSEEN}
    work.change(report, because=because, **told)
    order = work.peek("Order", report["orderId"]) if "orderId" in report else None
    if order is not None and work.can_change(order):
        work.change(order, because="reported")
    return report


def holdReport(work: Work, request: Request) -> Aggregate:
    report = work.get("Report", request.path["reportId"])
    if "readAt" in report:
        raise Problem(409, detail="The patient has read it.")
    if sortable(request.body["heldUntil"]) <= instant(work.now):
        raise Problem(422, errors=[Reason("/heldUntil", "has passed")])
    return work.change(report, because="held", release="held", **request.body)


def releaseReport(work: Work, request: Request) -> Aggregate:
    report = work.get("Report", request.path["reportId"])
    if report["release"] != "held":
        raise Problem(409, detail="It is not held.")
    return work.change(report, because="released", **UNHELD)


def acknowledgeResult(work: Work, request: Request) -> Aggregate:
    report = discreet(work, work.get("Report", request.path["reportId"]))
    if work.actor not in {"patient", "proxy"}:
        return work.change(report, because="acknowledged", acknowledgedAt=timestamp(work.now))
    if report["release"] == "held":
        raise Problem(409, detail="It is held.")
    return work.change(report, because="read", readAt=timestamp(work.now))


def priorauthChanged(work: Work, message: IncomingMessage) -> None:
    """Show on the order what the payer says of it, unless something newer is shown already.

    Late news of one prior authorization never get here; those of one before the last may.
    """
    told = message.payload
    order = work.peek("Order", told.get("orderId", ""))
    if order is None or order["patientId"] != work.settled(told["patientId"]) or not work.can_change(order):
        return
    if sortable(told["occurredAt"]) < sortable(order.get(AUTHORIZATION_AT, "")):
        return
    shown = {
        "priorAuthId": told["id"],
        "authorization": told["decision"],
        AUTHORIZATION_AT: told["occurredAt"],
    }
    work.change(order, because="authorization-changed", **shown)


def patientChanged(work: Work, message: IncomingMessage) -> None:
    """What a merged patient has here is the surviving one's."""
    change = message.payload
    if change["to"] == "merged":
        work.resettle(change["id"], change["replacedBy"])


def afterReportFinal(work: Work, report: Aggregate) -> None:
    """Its hold has come to its end, or nobody has taken note of it though it is critical."""
    if isinstance(work.driver, Timed) and work.driver.edge.at is not None:
        work.change(report, because="hold-ended", **UNHELD)
    else:
        work.change(report, because="escalated", escalatedAt=timestamp(work.now))


afterReportRegistered = afterReportPartial = afterReportPreliminary = afterReportFinal
afterReportAmended = afterReportCorrected = afterReportFinal


def _unless_held(actor: str, report: Aggregate) -> Aggregate:
    held = actor in {"patient", "proxy"} and report["release"] == "held"
    return report.hide(*SAID) if held else report


def _can_be_answered(order: Aggregate | None, patient: str) -> bool:
    return order is not None and order["patientId"] == patient and order.status in {"active", "completed"}


def _confidentiality(code: str) -> str:
    return "R" if code in SENSITIVE else "N"


def _critical(observations: Sequence[Mapping[str, JSON]]) -> bool:
    return any(each.get("interpretation") in CRITICAL for each in observations)


def _as_shown(thing: Aggregate, reader: str) -> Aggregate:
    return _unless_held(reader, thing) if thing.type == "Report" else thing


exportChanged = HandingOver(_as_shown)
