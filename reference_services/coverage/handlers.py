"""Coverage: what insurance a patient has, and what the payer says; one handler for each operation.

``prior_authorization`` has the rules of what the payer must authorize first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from harness.contract.model import JSON
from harness.serving.exchange import Request
from harness.serving.problems import Problem, Reason
from reference_services.coverage import prior_authorization as rules
from reference_services.platform.discretion import discreet, of_patient
from reference_services.platform.values import timestamp
from reference_services.platform.work import Aggregate, IncomingMessage, Page, Work
from reference_services.sources import HandingOver


def listCoverage(work: Work, request: Request) -> Page:
    query = request.query
    filters = {"status": query.get("status"), "payerId": query.get("payerId")}
    return work.page("Coverage", request, {"patientId": request.path["patientId"], **filters})


def addCoverage(work: Work, request: Request) -> Aggregate:
    period = request.body["period"]
    if "end" in period and period["end"] < period["start"]:
        raise Problem(422, errors=[Reason("/period/end", "lies before the start")])
    patient = request.path["patientId"]
    document = {
        **request.body,
        "patientId": patient,
        "order": 1 + _last(work, patient),
        "createdAt": timestamp(work.now),
        "confidentiality": "N",
    }
    return work.create("Coverage", document, because="added")


def getCoverage(work: Work, request: Request) -> Aggregate:
    return work.get("Coverage", request.path["coverageId"])


def checkEligibility(work: Work, request: Request) -> Aggregate:
    _check_coverage(work, request)
    return work.create("EligibilityCheck", {**request.body, **_new(work, "N")}, because="requested")


def getEligibility(work: Work, request: Request) -> Aggregate:
    return work.get("EligibilityCheck", request.path["eligibilityId"])


def submitPriorAuth(work: Work, request: Request) -> Aggregate:
    _check_coverage(work, request)
    asked = {"priority": "standard", "confidentiality": "N", **request.body}
    _refuse(rules.twice(asked["items"], "/items"))
    asked["confidentiality"] = rules.confidentiality_of(asked["confidentiality"], asked["items"])
    return _open(work, asked, because="submitted")


def getPriorAuth(work: Work, request: Request) -> Aggregate:
    return discreet(work, work.get("PriorAuth", request.path["priorAuthId"]))


def listPriorAuths(work: Work, request: Request) -> Page:
    return work.page("PriorAuth", request, of_patient(work, request, "outcome", "decision", "orderId"))


def addDocumentation(work: Work, request: Request) -> Aggregate:
    asked = work.get("PriorAuth", request.path["priorAuthId"])
    added = {**request.body, "addedAt": timestamp(work.now)}
    return work.change(asked, because="documented", documentation=[*asked["documentation"], added])


def decidePriorAuth(work: Work, request: Request) -> Aggregate:
    asked, said = work.get("PriorAuth", request.path["priorAuthId"]), request.body
    if not work.can_change(asked):
        raise Problem(409, detail="Its status does not allow this.")
    _refuse(rules.wrong(said, asked["items"]))
    answered = {**said, "decidedAt": timestamp(work.now)}
    if said["outcome"] == "error":
        return work.change(asked, because="failed", **{**rules.UNDECIDED, **answered})
    answered["decision"] = rules.whole(said["answers"])
    if said["outcome"] == "partial":
        return work.change(asked, because="pended", **answered)
    return work.change(asked, because="decided", overdue=None, **answered)


def appeal(work: Work, request: Request) -> Aggregate:
    denied = discreet(work, work.get("PriorAuth", request.path["priorAuthId"]))
    if not work.can_change(denied) or denied["decision"] != "denied":
        raise Problem(409, detail="It was not denied.")
    if "appeal" in denied:
        raise Problem(409, detail="It was appealed before.")
    kept = ("decision", "answers", "preAuthRef", "decidedAt")
    anew = {
        **rules.UNDECIDED,
        "dueAt": rules.due(work.now, denied["priority"], rules.AGAIN),
        "appeal": {**request.body, "appealedAt": timestamp(work.now)},
        "decisionBefore": {name: denied[name] for name in kept if name in denied},
    }
    return work.change(denied, because="appealed", **anew)


def afterPriorAuthQueued(work: Work, asked: Aggregate) -> None:
    """The payer is late. That decides nothing: least of all is it an approval."""
    work.change(asked, because="overdue", overdue=True)


afterPriorAuthPartial = afterPriorAuthQueued


def listCareGaps(work: Work, request: Request) -> Page:
    return work.page("CareGap", request, of_patient(work, request, "status"))


def orderChanged(work: Work, message: IncomingMessage) -> None:
    """Ask the payer about an order that needs it. What was ordered no event says: the order does."""
    order = message.payload
    if order["to"] != "active" or order.get("from") is not None or not order.get("requiresAuthorization"):
        return
    asked: dict[str, JSON] = {
        "patientId": work.settled(order["patientId"]),
        "orderId": order["id"],
        "priority": "standard" if order.get("priority", "routine") == "routine" else "urgent",
        "items": [{"sequence": 1}],
        "confidentiality": order["confidentiality"],
    }
    _open(work, asked, because="ordered")


def appointmentChanged(work: Work, message: IncomingMessage) -> None:
    """Ask the payer about an appointment that waits for it.

    One that stays pending because of an answer must not ask again, or question would follow answer for ever.
    """
    change = message.payload
    if change["to"] != "pending" or change.get("pendingReason") != "awaiting-eligibility":
        return
    question = {
        "patientId": work.settled(change["patientId"]),
        "appointmentId": change["id"],
        "slotId": change.get("slotId"),
    }
    work.create(
        "EligibilityCheck", {**question, **_new(work, change["confidentiality"])}, because="requested"
    )


def patientChanged(work: Work, message: IncomingMessage) -> None:
    """What a merged patient has here is the surviving one's; what that one had already pays first."""
    change = message.payload
    if change["to"] != "merged":
        return
    old, new = change["id"], change["replacedBy"]
    last = _last(work, new)
    for place, coverage in enumerate(work.find("Coverage", {"patientId": old}, internal=True), start=1):
        work.save(coverage, patientId=new, order=last + place)
    work.resettle(old, new)


exportChanged = HandingOver()


def afterEligibilityCheckComplete(work: Work, check: Aggregate) -> None:
    """The payer answers. No payer is connected: the answer follows from the coverage that is known."""
    where = {"patientId": check["patientId"], "id": check.get("coverageId")}
    named = {name: value for name, value in where.items() if value is not None}
    known = work.find("Coverage", named, internal=True)
    refusal = why_not(known, work.now.date())
    if refusal is None:
        work.change(check, because="answered", result="eligible")
    else:
        work.change(check, because="answered", result="not-eligible", resultReason=refusal)


def why_not(coverages: Iterable[Aggregate], day: date) -> str | None:
    """Why none of these coverages pays on that day, or None if one does."""
    reasons = [_refusal(each, day) for each in coverages]
    if None in reasons:
        return None
    for reason in ("coverage-ended", "coverage-not-begun"):
        if reason in reasons:
            return reason
    return "no-active-coverage"


def _refusal(coverage: Aggregate, day: date) -> str | None:
    if coverage.status != "active":
        return "no-active-coverage"
    period = coverage["period"]
    if day < date.fromisoformat(period["start"]):
        return "coverage-not-begun"
    if "end" in period and day > date.fromisoformat(period["end"]):
        return "coverage-ended"
    return None


def _last(work: Work, patient: str) -> int:
    """The place of the coverage that pays last, 0 if there is none."""
    present = work.find("Coverage", {"patientId": patient}, internal=True)
    return max((each["order"] for each in present), default=0)


def _check_coverage(work: Work, request: Request) -> None:
    """Raises Problem 422 if a request names a coverage that is not its patient's."""
    wanted = request.body.get("coverageId")
    coverage = work.peek("Coverage", wanted) if wanted is not None else None
    if wanted is not None and (coverage is None or coverage["patientId"] != request.body["patientId"]):
        raise Problem(422, errors=[Reason("/coverageId", "names no coverage of this patient")])


def _refuse(reasons: Iterable[Reason]) -> None:
    """Raises Problem 422 with the reasons, if there are any."""
    told = list(reasons)
    if told:
        raise Problem(422, errors=told)


def _open(work: Work, asked: Mapping[str, JSON], because: str) -> Aggregate:
    """A prior authorization that waits for the payer from now on."""
    times = {"submittedAt": timestamp(work.now), "dueAt": rules.due(work.now, asked["priority"])}
    opened = {**asked, **times, "documentation": [], "decision": "pended"}
    return work.create("PriorAuth", opened, because=because)


def _new(work: Work, confidentiality: JSON) -> dict[str, JSON]:
    return {"createdAt": timestamp(work.now), "confidentiality": confidentiality}


def getExplanationOfBenefit(work: Work, request: Request) -> Aggregate:
    return discreet(work, work.get("ExplanationOfBenefit", request.path["eobId"]))


def invoiceChanged(work: Work, message: IncomingMessage) -> None:
    """Ask the payers what they pay of a new invoice; who has none that is active has nobody to ask."""
    change = message.payload
    if change["to"] != "draft" or change.get("pendingReason") != "awaiting-payer":
        return
    if work.find("ExplanationOfBenefit", {"invoiceId": change["id"]}, internal=True, limit=1):
        return
    patient = work.settled(change["patientId"])
    paying, refusal = _paying(work, patient)
    question = {
        "patientId": patient,
        "invoiceId": change["id"],
        "coverageId": paying[0].id if paying else None,
        "outcomeReason": refusal,
        **_shares(change["total"], 0),
    }
    work.create(
        "ExplanationOfBenefit", {**question, **_new(work, change["confidentiality"])}, because="requested"
    )


def afterExplanationOfBenefitComplete(work: Work, eob: Aggregate) -> None:
    """The payers decide: four fifths each of what the one before has left."""
    paying, _ = _paying(work, eob["patientId"])
    payable = paid_by(len(paying), eob["total"]["value"])
    work.change(eob, because="decided", **_shares(eob["total"], payable))


def afterExplanationOfBenefitError(work: Work, eob: Aggregate) -> None:
    """There was nobody to ask: all of it is the patient's."""
    work.change(eob, because="undecided", **_shares(eob["total"], 0))


def paid_by(payers: int, total: int) -> int:
    """What so many payers pay together of a total, in minor units."""
    left = total
    for _ in range(payers):
        left -= left * 4 // 5
    return total - left


def _paying(work: Work, patient: str) -> tuple[list[Aggregate], str | None]:
    """The coverages that pay today, the first one first; and if there is none, why."""
    known = work.find("Coverage", {"patientId": patient}, internal=True)
    today = work.now.date()
    paying = sorted((e for e in known if _refusal(e, today) is None), key=lambda each: int(each["order"]))
    return paying, why_not(known, today)


def _shares(total: dict[str, JSON], payable: int) -> dict[str, JSON]:
    """A total, the payers' part of it and what is left, so that the two are the total."""
    currency, whole = total["currency"], int(total["value"])
    return {
        "total": total,
        "payerAmount": {"value": payable, "currency": currency},
        "patientAmount": {"value": whole - payable, "currency": currency},
    }
