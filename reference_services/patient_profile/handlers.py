"""Patient profile: who the patients are and how they are reached; one handler for each operation."""

from __future__ import annotations

from harness.serving.exchange import Request
from harness.serving.problems import Problem, Reason
from reference_services.platform.values import timestamp
from reference_services.platform.work import Aggregate, Page, Work
from reference_services.sources import HandingOver

SENSITIVE = frozenset({"depression-screening"})
"""Forms whose very kind says too much."""


def searchPatients(work: Work, request: Request) -> Page:
    wanted = request.body
    if "identifier" not in wanted:
        named = {name: wanted[name] for name in ("name", "birthDate")}
        return work.page("Patient", request, {"status": "active", **named})
    found = work.holder("Patient", "identifiers", wanted["identifier"])
    also = ("name", "birthDate")
    if found is None or any(name in wanted and found[name] != wanted[name] for name in also):
        return Page([], 0)
    return Page([found], 1)


def getPatient(work: Work, request: Request) -> Aggregate:
    patient = work.get("Patient", request.path["patientId"])
    if patient.status == "merged":
        survivor = _survivor(work, patient)
        raise Problem(410, detail="It was merged into another.", members={"replacedBy": survivor})
    return _discreet(patient, work.actor)


def updateContact(work: Work, request: Request) -> Aggregate:
    patient = work.get("Patient", request.path["patientId"])
    return work.change(patient, because="updated", contact={**patient.get("contact", {}), **request.body})


def mergePatient(work: Work, request: Request) -> Aggregate:
    patient, into = work.get("Patient", request.path["patientId"]), request.body["into"]
    survivor = work.peek("Patient", into) if into != patient.id else None
    if survivor is None:
        raise Problem(422, errors=[Reason("/into", "names no other patient")])
    numbers, contact = patient["identifiers"], patient.get("contact")
    merged = work.change(
        patient, because="merged", status="merged", identifiers=[], contact=None, replacedBy=into
    )
    work.change(
        survivor,
        because="absorbed",
        status="active",
        identifiers=[*survivor["identifiers"], *numbers],
        contact=survivor.get("contact", contact),
    )
    work.resettle(patient.id, into)
    return merged


def listRelatedPersons(work: Work, request: Request) -> Page:
    filters = {"patientId": request.path["patientId"], "relationship": request.query.get("relationship")}
    return work.page("RelatedPerson", request, filters)


def listForms(work: Work, request: Request) -> Page:
    query = request.query
    filters = {"status": query.get("status"), "questionnaire": query.get("questionnaire")}
    return work.page("Form", request, {"patientId": request.path["patientId"], **filters})


def submitForm(work: Work, request: Request) -> Aggregate:
    patient = work.peek("Patient", request.path["patientId"])
    if patient is None or patient.status == "merged":
        raise Problem(422, errors=[Reason("/path/patientId", "names no patient")])
    asked = [each["linkId"] for each in request.body["answers"]]
    if len(set(asked)) < len(asked):
        raise Problem(422, errors=[Reason("/answers", "answers a question twice")])
    return work.create(
        "Form",
        {
            **request.body,
            "status": "completed",
            "patientId": patient.id,
            "submittedAt": timestamp(work.now),
            "confidentiality": "R" if request.body["questionnaire"] in SENSITIVE else "N",
        },
    )


def _survivor(work: Work, merged: Aggregate) -> str:
    """The record that is left in the end: one that took another's place may have been merged itself.

    States that are made rather than come about may name nobody, who then is left in its own place, or each
    other in a circle, which ends where it closes.
    """
    seen, into = {merged.id}, str(merged.get("replacedBy", merged.id))
    while into not in seen:
        seen.add(into)
        further = work.peek("Patient", into)
        if further is None or further.status != "merged":
            break
        into = str(further.get("replacedBy", into))
    return into


def _discreet(patient: Aggregate, actor: str) -> Aggregate:
    restricted = actor in {"proxy", "clinician"} and patient.get("contact", {}).get("restricted")
    return patient.hide("contact") if restricted else patient


exportChanged = HandingOver(_discreet)
