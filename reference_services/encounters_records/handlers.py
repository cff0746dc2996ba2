"""Encounters and records: the rules of stays and of what is written about them; one handler an operation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.contract.model import JSON
from harness.serving.exchange import Request
from harness.serving.problems import Problem, Reason
from reference_services.platform.discretion import PLAIN, discreet, of_patient
from reference_services.platform.values import timestamp
from reference_services.platform.work import Aggregate, IncomingMessage, Page, Work
from reference_services.sources import HandingOver

SENSITIVE = ("F", "B20", "Z21", "O", "Z30", "Z33")
"""ICD-10-CM: behavioural health and substance use, HIV, reproductive health."""

DISCHARGE_SUMMARY = "18842-5"
MOST = 100
"""Amendments of one summary: the contract's ``maxItems``."""

AS_WRITTEN = ("content", "authorId", "writtenAt", "amendmentReason")


def listEncounters(work: Work, request: Request) -> Page:
    return work.page("Encounter", request, of_patient(work, request, "status", "class"))


def getEncounter(work: Work, request: Request) -> Aggregate:
    return discreet(work, work.get("Encounter", request.path["encounterId"]))


def arrive(work: Work, request: Request) -> Aggregate:
    return _move(work, request, "arrived", start=timestamp(work.now))


def triage(work: Work, request: Request) -> Aggregate:
    return _move(work, request, "triaged", **request.body)


def admit(work: Work, request: Request) -> Aggregate:
    encounter = work.get("Encounter", request.path["encounterId"])
    start = encounter.get("start", timestamp(work.now))
    return work.change(encounter, because="admitted", start=start, **request.body)


def startLeave(work: Work, request: Request) -> Aggregate:
    return _move(work, request, "on-leave")


def endLeave(work: Work, request: Request) -> Aggregate:
    return _move(work, request, "returned")


def cancelEncounter(work: Work, request: Request) -> Aggregate:
    return _move(work, request, "cancelled")


def discharge(work: Work, request: Request) -> Aggregate:
    """The end of the encounter and its preliminary summary, both or neither."""
    asked, now = request.body, timestamp(work.now)
    encounter = work.peek("Encounter", asked["encounterId"])
    if encounter is None or encounter["patientId"] != asked["patientId"]:
        raise Problem(422, errors=[Reason("/encounterId", "names no encounter of this patient")])
    summary = work.new_id("Document")
    work.change(
        encounter,
        because="discharged",
        end=now,
        dischargeDisposition=asked["dischargeDisposition"],
        summaryId=summary,
    )
    document = {
        "type": DISCHARGE_SUMMARY,
        "patientId": asked["patientId"],
        "encounterId": encounter.id,
        "content": asked["content"],
        "authorId": asked["authorId"],
        "writtenAt": now,
        "superseded": [],
        "confidentiality": stricter(encounter["confidentiality"], asked["content"]),
    }
    return work.create("Document", document, id=summary, because="discharged")


def getDischargeSummary(work: Work, request: Request) -> Aggregate:
    return discreet(work, work.get("Document", request.path["documentId"]))


def finalizeSummary(work: Work, request: Request) -> Aggregate:
    document = work.get("Document", request.path["documentId"])
    return work.change(document, because="finalized")


def amendSummary(work: Work, request: Request) -> Aggregate:
    """Put another summary in the place of one that is kept as it was."""
    document, now = work.get("Document", request.path["documentId"]), timestamp(work.now)
    if len(document["superseded"]) >= MOST:
        raise Problem(409, detail=f"It was amended {MOST} times; write to who keeps the records.")
    before = {name: document[name] for name in AS_WRITTEN if name in document}
    kept = {"status": document.status, **before, "supersededAt": now}
    return work.change(
        document,
        because="amended",
        **request.body,
        writtenAt=now,
        superseded=[*document["superseded"], kept],
        confidentiality=stricter(document["confidentiality"], request.body["content"]),
    )


def listConditions(work: Work, request: Request) -> Page:
    return work.page("Condition", request, of_patient(work, request, "clinicalStatus"))


def listAllergies(work: Work, request: Request) -> Page:
    return work.page("Allergy", request, of_patient(work, request, "clinicalStatus"))


def listImmunizations(work: Work, request: Request) -> Page:
    return work.page("Immunization", request, of_patient(work, request, "status"))


def appointmentChanged(work: Work, message: IncomingMessage) -> None:
    """Whoever has checked in has arrived: one encounter for an appointment, however often it is told."""
    change = message.payload
    if change["to"] != "checked-in":
        return
    if work.find("Encounter", {"appointmentId": change["id"]}, internal=True, limit=1):
        return
    arrived = {
        "class": "AMB",
        "patientId": work.settled(change["patientId"]),
        "appointmentId": change["id"],
        "start": timestamp(work.now),
        "confidentiality": change["confidentiality"],
    }
    work.create("Encounter", arrived, because="checked-in")


def patientChanged(work: Work, message: IncomingMessage) -> None:
    """What a merged patient has here is the surviving one's."""
    change = message.payload
    if change["to"] == "merged":
        work.resettle(change["id"], change["replacedBy"])


exportChanged = HandingOver()


def stricter(confidentiality: str, content: Mapping[str, JSON]) -> str:
    """How far a summary may be shown that names these diagnoses; never further than before."""
    codes: Iterable[str] = (each["code"] for each in content["diagnoses"])
    told = any(code.startswith(SENSITIVE) for code in codes)
    return "R" if told and confidentiality in PLAIN else confidentiality


def _move(work: Work, request: Request, because: str, **fields: JSON) -> Aggregate:
    encounter = work.get("Encounter", request.path["encounterId"])
    return work.change(encounter, because=because, **fields)
