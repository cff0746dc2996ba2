"""Export and audit: copies of what the portal has, and who has seen it; one handler for each operation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from harness.contract.model import JSON
from harness.serving.exchange import Answer, Request
from harness.serving.problems import Problem, Reason
from reference_services.export_audit import chain
from reference_services.export_audit.copies import check_bounds, content, missing, without
from reference_services.platform.caller import caller_of
from reference_services.platform.discretion import PLAIN, discreet, of_patient
from reference_services.platform.values import timestamp
from reference_services.platform.work import Aggregate, Between, IncomingMessage, Page, Work

CHAINED = ("AccessEntry",)

UNDER_WAY = ("accepted", "in-progress")

ACCOUNTED = frozenset({"PUBHLTH", "HRESCH", "HLEGAL"})
"""Purposes of which a patient is given an account: not treatment, payment and operations, nor what was asked
for by the patient (45 CFR 164.528(a)(1))."""

EMERGENCY = ("proxy-consent", "breakGlass", "granted")
"""What breakGlassChanged has written down already, with its purpose."""

ENDED: Mapping[str, JSON] = {"content": None}
"""What was put together is kept no longer than it may be downloaded."""


def startExport(work: Work, request: Request) -> Aggregate:
    due = work.runs_out("ExportJob", "accepted") or work.now
    sources = request.body["sources"]
    document = {
        "patientId": request.path["patientId"],
        "sources": sources,
        "awaited": sources,
        "parts": [],
        "startedBy": caller_of(work),
        "requestedAt": timestamp(work.now),
        "dueAt": timestamp(due),
        "confidentiality": "R" if work.actor == "patient" else "N",
    }
    return work.create("ExportJob", document, because="requested")


def getExport(work: Work, request: Request) -> Aggregate:
    return discreet(work, work.get("ExportJob", request.path["exportId"]))


def listExports(work: Work, request: Request) -> Page:
    return work.page("ExportJob", request, of_patient(work, request, "status"))


def downloadExport(work: Work, request: Request) -> Answer:
    export = discreet(work, work.get("ExportJob", request.path["exportId"]))
    if export.status in UNDER_WAY:
        raise Problem(409, detail="It is not completed.")
    if export.status != "completed":
        raise Problem(410, detail="It has come to its end.")
    proxy = work.actor == "proxy"
    told = {
        "patientId": export["patientId"],
        "agentId": caller_of(work),
        "actor": work.actor,
        "service": "export-audit",
        "operation": "downloadExport",
        "action": "R",
        "outcome": "granted",
        "purpose": "FAMRQT" if proxy else "PATRQT",
        "breakGlass": False,
        "occurredAt": timestamp(work.now),
        "confidentiality": export["confidentiality"],
    }
    _log(work, told)
    return Answer(200, content(export, PLAIN if proxy else None))


def cancelExport(work: Work, request: Request) -> Aggregate:
    export = work.get("ExportJob", request.path["exportId"])
    return work.change(export, because="cancelled", **ENDED)


def deliverPart(work: Work, request: Request) -> Answer:
    export = work.get("ExportJob", request.path["exportId"])
    source, entries = request.path["source"], request.body["entries"]
    if source not in export["sources"]:
        raise Problem(422, errors=[Reason("/path/source", "was not asked for its part")])
    check_bounds(entries)
    received = {"source": source, "receivedAt": timestamp(work.now)}
    again = any(part["source"] == source for part in export["parts"])
    work.change(
        export,
        because="part-received",
        awaited=[each for each in export["awaited"] if each != source],
        parts=[*without(export["parts"], source), received],
        content=[*without(export.get("content", []), source), {"source": source, "entries": entries}],
    )
    receipt = {"exportId": export.id, "patientId": export["patientId"], **received}
    return Answer(200 if again else 201, receipt)


def afterExportJobCompleted(work: Work, export: Aggregate) -> None:
    """All parts are here, or those that are not have been waited for long enough."""
    absent = missing(export)
    work.change(
        export,
        because="completed-in-part" if absent else "completed",
        completedAt=timestamp(work.now),
        expiresAt=timestamp(work.runs_out("ExportJob", "completed") or work.now),
        partial=absent or None,
    )


def afterExportJobFailed(work: Work, export: Aggregate) -> None:
    work.change(export, because="nothing-delivered", partial=missing(export))


def afterExportJobExpired(work: Work, export: Aggregate) -> None:
    work.change(export, because="expired", **ENDED)


def afterExportJobCancelled(work: Work, export: Aggregate) -> None:
    """The grant of the proxy who asked for it has ended."""
    work.change(export, because="access-ended", **ENDED)


def listAccessLog(work: Work, request: Request) -> Page:
    records = work.records_of(request.path["patientId"])
    asked = {name: request.query.get(name) for name in ("outcome", "actor")}
    return work.page("AccessEntry", request, {"patientId": records, **asked}, newest=True, internal=True)


def verifyAccessLog(work: Work, request: Request) -> Answer:
    return Answer(200, chain.verification(work))


def listDisclosures(work: Work, request: Request) -> Page:
    since = Between(low=timestamp(_six_years_before(work.now)))
    where = {**of_patient(work, request, "purpose"), "disclosedAt": since}
    return work.page("Disclosure", request, where, newest=True)


def accessHappened(work: Work, message: IncomingMessage) -> None:
    """An entry of the log; and a disclosure, if somebody outside was told what has to be accounted for."""
    told = dict(message.payload)
    if tuple(told[name] for name in ("service", "operation", "outcome")) == EMERGENCY:
        return
    recipient, disclosed = told.pop("recipientId", None), told.pop("disclosed", None)
    if work.peek("AccessEntry", told["id"]) is not None:
        return
    entry = _log(work, told)
    if recipient is None or told["outcome"] != "granted" or told["purpose"] not in ACCOUNTED:
        return
    work.create(
        "Disclosure",
        {
            "patientId": work.settled(told["patientId"]),
            "recipientId": recipient,
            "disclosed": disclosed,
            "purpose": told["purpose"],
            "service": told["service"],
            "disclosedAt": told["occurredAt"],
            "accessEntryId": entry.id,
            "confidentiality": told["confidentiality"],
        },
    )


def breakGlassChanged(work: Work, message: IncomingMessage) -> None:
    change = message.payload
    if change["reason"] != "opened":
        return
    told = {
        "patientId": change["patientId"],
        "agentId": change["openedBy"],
        "actor": "clinician",
        "service": "proxy-consent",
        "operation": "breakGlass",
        "action": "E",
        "outcome": "granted",
        "purpose": "BTG",
        "breakGlass": True,
        "occurredAt": change["occurredAt"],
        "confidentiality": change["confidentiality"],
    }
    _log(work, told)


def grantChanged(work: Work, message: IncomingMessage) -> None:
    """What a proxy asked for who is none any more is over: its time is up."""
    change = message.payload
    patient, proxy = work.settled(change["patientId"]), work.settled(change["proxyId"])
    if work.holds("granted", proxy, patient):
        return
    asked = {"patientId": patient, "startedBy": proxy, "status": [*UNDER_WAY, "completed"]}
    for export in work.find("ExportJob", asked, internal=True):
        work.save(export, accessEndsAt=timestamp(work.now))


def patientChanged(work: Work, message: IncomingMessage) -> None:
    """What a merged patient has here is the surviving one's, and so is what that one asked for for others.

    What was written into the log stays as it was written.
    """
    change = message.payload
    if change["to"] != "merged":
        return
    old, new = change["id"], change["replacedBy"]
    work.resettle(old, new, leaving=("AccessEntry",))
    for export in work.find("ExportJob", {"startedBy": old}, internal=True):
        work.save(export, startedBy=new)


def _log(work: Work, told: Mapping[str, JSON]) -> Aggregate:
    behalf = {"onBehalfOf": told["patientId"]} if told["actor"] == "proxy" else {}
    return chain.append(work, {**told, **behalf})


def _six_years_before(moment: datetime) -> datetime:
    """How far an account goes back (45 CFR 164.528(a)(1)); from 29 February to 28 February."""
    day = 28 if (moment.month, moment.day) == (2, 29) else moment.day
    return moment.replace(year=moment.year - 6, day=day)
