"""portal-web relies on encounters-records: stays, what was written when they ended, and what is known."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pact import match
from pact.interaction import HttpInteraction

from tests.consumers.agreement import Agreement, Interaction
from tests.consumers.portal_web import PortalWeb, Refused
from tests.consumers.wording import AMARA, JSON_TYPE, id_like, one_of, text_like

AGREEMENT = Agreement[HttpInteraction, PortalWeb]("portal-web", "encounters-records", "HTTP")

STAY, SUMMARY, AUTHOR = "enc-12000013", "doc-13000004", "prv-70000004"
WRITTEN = "2031-02-10T10:00:00Z"

Use = Callable[[PortalWeb], None]


def _said(course: str) -> dict[str, object]:
    diagnosis = {"code": "A09", "display": "Gastroenteritis"}
    return {"hospitalCourse": course, "diagnoses": [diagnosis], "followUp": "None"}


@AGREEMENT("a patient's stays")
def stays(wanted: HttpInteraction) -> Use:
    state: dict[str, object] = {
        "id": STAY,
        "patientId": AMARA,
        "status": "finished",
        "confidentiality": "N",
        "summaryId": SUMMARY,
    }
    ended = {"id": id_like(STAY), "status": one_of("finished"), "summaryId": id_like(SUMMARY)}
    (
        wanted.given("Encounter exists", state)
        .with_request("GET", f"/v1/patients/{AMARA}/encounters")
        .will_respond_with(200)
        .with_body({"items": match.each_like(ended), "total": match.int(1)}, content_type=JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        (stay,) = portal.stays()
        assert (stay.id, stay.status, stay.summary) == (STAY, "finished", SUMMARY)

    return use


@AGREEMENT("a summary that was amended")
def amended(wanted: HttpInteraction) -> Use:
    before: dict[str, object] = {
        "status": "final", "content": _said("Infection"), "authorId": AUTHOR, "writtenAt": WRITTEN,
        "supersededAt": "2031-02-11T10:00:00Z",
    }  # fmt: skip
    state: dict[str, object] = {
        "id": SUMMARY, "patientId": AMARA, "status": "amended", "confidentiality": "N",
        "content": _said("Norovirus"), "superseded": [before],
    }  # fmt: skip
    told = {
        "status": "amended",
        "content": {"hospitalCourse": text_like("Norovirus")},
        "superseded": match.each_like({"content": {"hospitalCourse": text_like("Infection")}}),
    }
    (
        wanted.given("Document exists", state)
        .with_request("GET", f"/v1/documents/{SUMMARY}")
        .will_respond_with(200)
        .with_body(told, content_type=JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        read = portal.summary(SUMMARY)
        assert (read.status, read.course, read.earlier) == ("amended", "Norovirus", ("Infection",))

    return use


@AGREEMENT("a summary that does not exist")
def absent(wanted: HttpInteraction) -> Use:
    (
        wanted.with_request("GET", "/v1/documents/doc-nowhere00")
        .will_respond_with(404)
        .with_body({"status": 404, "title": text_like("Not Found")}, content_type="application/problem+json")
    )

    def use(portal: PortalWeb) -> None:
        with pytest.raises(Refused) as caught:
            portal.summary("doc-nowhere00")
        assert caught.value.status == 404

    return use


@AGREEMENT("a patient's allergies")
def allergies(wanted: HttpInteraction) -> Use:
    state: dict[str, object] = {"id": "alg-15000031", "patientId": AMARA, "confidentiality": "N"}
    named = {"id": id_like("alg-15000031"), "substance": {"display": text_like("penicillin G")}}
    (
        wanted.given("Allergy exists", state)
        .with_request("GET", f"/v1/patients/{AMARA}/allergies")
        .will_respond_with(200)
        .with_body({"items": match.each_like(named), "total": match.int(1)}, content_type=JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        assert portal.allergies() == ["penicillin G"]

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_the_web_client_understands_encounters_and_records(
    interaction: Interaction[HttpInteraction, PortalWeb],
) -> None:
    interaction.tried(lambda url: PortalWeb(url, AMARA, "of-the-test"))
