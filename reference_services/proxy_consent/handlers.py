"""Proxies, consents and broken glass: one handler for each operation; ``decisions`` says who may see what."""

from __future__ import annotations

from calendar import isleap
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from harness.contract.model import JSON
from harness.serving.exchange import Answer, Request
from harness.serving.problems import Problem, Reason
from reference_services.platform.caller import caller_of
from reference_services.platform.values import timestamp
from reference_services.platform.work import Aggregate, IncomingMessage, Page, Work
from reference_services.proxy_consent.decisions import OF_TEENAGERS, is_over, resource, verdict
from reference_services.sources import HandingOver

AGES: Mapping[str, frozenset[int]] = {"child": frozenset({12, 13}), "teenager": frozenset({18})}
"""The ages at which the laws of the states end such a grant (45 CFR 164.502(g)(3) leaves it to them)."""


def requestProxy(work: Work, request: Request) -> Aggregate:
    asked = request.body
    if asked["proxyId"] == asked["patientId"]:
        raise _refused("/proxyId", "is the patient")
    if asked["level"] != "child" and not asked["scopes"]:
        raise _refused("/scopes", "names nothing")
    if asked["level"] == "teenager":
        if asked.get("sensitive"):
            raise _refused("/sensitive", "is never granted to a teenager's proxy")
        for place, scope in enumerate(asked["scopes"]):
            if resource(scope) not in OF_TEENAGERS:
                raise _refused(f"/scopes/{place}", "is not granted to a teenager's proxy")
    _must_lie_ahead(work, asked)
    confidentiality = "R" if asked.get("sensitive") else "N"
    return work.create("ProxyGrant", {**asked, **_new(work, confidentiality)}, because="requested")


def getProxyGrant(work: Work, request: Request) -> Aggregate:
    return work.get("ProxyGrant", request.path["grantId"])


def listProxyGrants(work: Work, request: Request) -> Page:
    query = request.query
    filters = {"status": query.get("status"), "proxyId": query.get("proxyId")}
    return work.page("ProxyGrant", request, {"patientId": request.path["patientId"], **filters})


def approveProxy(work: Work, request: Request) -> Aggregate:
    grant = work.get("ProxyGrant", request.path["grantId"])
    if not work.can_change(grant):
        raise Problem(409, detail="Its status does not allow this.")
    if is_over(grant, work.now):
        raise Problem(422, detail="Its end has come already.")
    birthday = _birthday_that_ends(work, grant["level"], request.body)
    ends = grant.get("endsAt")
    if birthday is not None and (ends is None or not is_over(grant, birthday)):
        ends = timestamp(birthday)
    return work.change(grant, because="approved", endsAt=ends)


def revokeProxy(work: Work, request: Request) -> Aggregate:
    grant = work.get("ProxyGrant", request.path["grantId"])
    return work.change(grant, because=request.body["reason"])


def afterProxyGrantInactive(work: Work, grant: Aggregate) -> None:
    """The patient came of age, or the time that was named is over."""
    work.change(grant, because="ended")


def createConsent(work: Work, request: Request) -> Aggregate:
    _must_lie_ahead(work, request.body)
    return work.create("Consent", {**request.body, **_new(work, "R")}, because="drafted")


def getConsent(work: Work, request: Request) -> Aggregate:
    return work.get("Consent", request.path["consentId"])


def listConsents(work: Work, request: Request) -> Page:
    query = request.query
    filters = {"status": query.get("status"), "provision": query.get("provision")}
    return work.page("Consent", request, {"patientId": request.path["patientId"], **filters})


def proposeConsent(work: Work, request: Request) -> Aggregate:
    return work.change(work.get("Consent", request.path["consentId"]), because="proposed")


def activateConsent(work: Work, request: Request) -> Aggregate:
    consent = work.get("Consent", request.path["consentId"])
    if work.can_change(consent) and is_over(consent, work.now):
        raise Problem(422, detail="Its end has come already.")
    return work.change(consent, because="activated")


def revokeConsent(work: Work, request: Request) -> Aggregate:
    return work.change(work.get("Consent", request.path["consentId"]), because="revoked")


def afterConsentInactive(work: Work, consent: Aggregate) -> None:
    work.change(consent, because="ended")


def checkAccess(work: Work, request: Request) -> Answer:
    """Nothing is kept: who asks writes down what came of it."""
    asked = {**request.body, "patientId": work.settled(request.body["patientId"])}
    found = verdict(work, asked)
    body: dict[str, JSON] = {
        "decision": "permit" if found.permitted else "deny",
        "reason": found.reason,
        "patientId": asked["patientId"],
        "sensitive": sorted(found.sensitive),
        "decidedAt": timestamp(work.now),
    }
    return Answer(200, body if found.basis is None else {**body, "basis": found.basis})


def breakGlass(work: Work, request: Request) -> Aggregate:
    """What is permitted by it is permitted once this is committed, and not before."""
    asked = {name: value for name, value in request.body.items() if name != "minutes"}
    times = {
        "openedAt": timestamp(work.now),
        "endsAt": timestamp(work.now + timedelta(minutes=request.body.get("minutes", 60))),
    }
    opened = {**asked, **times, "openedBy": caller_of(work), "confidentiality": "R"}
    return work.create("BreakGlass", opened, because="opened")


def getBreakGlass(work: Work, request: Request) -> Aggregate:
    return work.get("BreakGlass", request.path["breakGlassId"])


def afterBreakGlassReady(work: Work, opened: Aggregate) -> None:
    """Its time is over and its review is due, or that was not given in time."""
    if opened.status == "ready":
        work.change(opened, because="review-overdue", reviewOverdue=True)
    else:
        work.change(opened, because="ended")


def reviewBreakGlass(work: Work, request: Request) -> Aggregate:
    opened, who = work.get("BreakGlass", request.path["breakGlassId"]), caller_of(work)
    if who == opened["openedBy"]:
        raise Problem(403, detail="Somebody else must review it.")
    return work.change(
        opened,
        because="reviewed",
        reviewOutcome=request.body["outcome"],
        reviewNote=request.body.get("note"),
        reviewedBy=who,
        reviewedAt=timestamp(work.now),
    )


def patientChanged(work: Work, message: IncomingMessage) -> None:
    """What a merged patient has here is the surviving one's, and so is what that one may do for others."""
    change = message.payload
    if change["to"] != "merged":
        return
    old, new = change["id"], change["replacedBy"]
    work.resettle(old, new)
    for grant in work.find("ProxyGrant", {"proxyId": old}, internal=True):
        work.save(grant, proxyId=new)


exportChanged = HandingOver()


def _birthday_that_ends(work: Work, level: str, approval: Mapping[str, JSON]) -> datetime | None:
    """The beginning (UTC) of the birthday with which a child's grant ends; None for an adult's.

    Who was born on 29 February has it on 1 March.
    """
    ages, age, born = AGES.get(level), approval.get("endsAtAge"), approval.get("birthDate")
    if ages is None:
        if age is not None:
            raise _refused("/endsAtAge", "ends no grant of an adult")
        return None
    if age not in ages:
        raise _refused("/endsAtAge", f"is needed to end the grant of a {level}")
    if born is None or born > work.now.date().isoformat():
        raise _refused("/birthDate", "is needed, and lies in the past")
    year, month, day = (int(part) for part in born.split("-"))
    if (month, day) == (2, 29) and not isleap(year + age):
        month, day = 3, 1
    ends = datetime(year + age, month, day, tzinfo=UTC)
    if ends <= work.now:
        raise _refused("/endsAtAge", "is over already")
    return ends


def _must_lie_ahead(work: Work, asked: Mapping[str, JSON]) -> None:
    if is_over(asked, work.now):
        raise _refused("/endsAt", "does not lie ahead")


def _new(work: Work, confidentiality: str) -> dict[str, JSON]:
    return {"createdAt": timestamp(work.now), "confidentiality": confidentiality}


def _refused(pointer: str, why: str) -> Problem:
    return Problem(422, errors=[Reason(pointer, why)])
