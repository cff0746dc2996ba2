"""The profile's own rules: numbers are one patient's, twins stay two, and who was merged is followed."""

from __future__ import annotations

import httpx
import pytest

from harness.contract.model import JSON
from tests.services.portal import AMARA, BEN, CHLOE, ESTHER, FARAH, STAFF, Portal, eventually, patient

TWICE, ONCE = "pat-0d4u6p8l2q", "pat-1r5m9w3c7p"
GONE, SURVIVOR = "pat-1n6v9m3t7k", "pat-7z4f2c8y6l"
MRN = "https://portal.example/mrn"


def _search(portal: Portal, **wanted: JSON) -> JSON:
    answer = portal.post("patient-profile", "/patient-searches", STAFF, wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def _merge(portal: Portal, old: str, into: str) -> httpx.Response:
    return portal.post("patient-profile", f"/patients/{old}/merge", STAFF, {"into": into}, If_Match="*")


def test_its_patients_are_the_people_and_no_others(portal: Portal) -> None:
    """``personas.yaml`` says who they are; here they only have numbers and addresses beside it."""
    raw = portal.system.contracts["patient-profile"].schemas["Patient"].raw
    assert isinstance(raw, dict)
    told = {each["id"]: each for each in raw["examples"]}
    known = {each.id: each.facts for each in portal.system.personas}
    assert told.keys() == known.keys()
    for id, facts in known.items():
        for name in ("name", "birthDate", "deceasedDate", "replacedBy"):
            assert told[id].get(name) == facts.get(name), id


def test_a_number_leads_to_one_patient_and_twins_are_two(portal: Portal) -> None:
    twins = [each for name in ("Jonas Becker", "Jonah Becker") for each in _search(
        portal, name=name, birthDate="2024-06-11"
    )]  # fmt: skip
    assert len({each["id"] for each in twins}) == 2
    for each in twins:
        (found,) = _search(portal, identifier=each["identifiers"][0])
        assert found["id"] == each["id"]
    assert (
        _search(portal, identifier={"system": "https://elsewhere.example/mrn", "value": "MRN-009001"}) == []
    )


def test_a_number_is_unique_within_its_system(portal: Portal) -> None:
    control = portal.addresses.control["patient-profile"]

    def made(system: str) -> int:
        number = {"system": system, "value": "MRN-009001"}
        body = {"state": "Patient exists", "action": "setup", "parameters": {"identifiers": [number]}}
        return portal.client.post(f"{control}/states", json=body).status_code

    assert (made(MRN), made("https://elsewhere.example/mrn")) == (422, 200)


def test_who_was_merged_is_gone_and_leads_to_who_is_there(portal: Portal) -> None:
    answer = portal.call("patient-profile", "GET", f"/patients/{GONE}", STAFF)
    assert (answer.status_code, answer.json()["replacedBy"]) == (410, SURVIVOR)
    assert _merge(portal, SURVIVOR, ONCE).status_code == 200
    answer = portal.call("patient-profile", "GET", f"/patients/{GONE}", STAFF)
    assert answer.json()["replacedBy"] == ONCE, "the last of a chain is the one that can be read"


def test_a_merge_moves_numbers_forms_and_relations_and_is_told_twice(portal: Portal) -> None:
    number = portal.get("patient-profile", f"/patients/{TWICE}")["identifiers"][0]
    form = portal.exists("patient-profile", "Form", patientId=TWICE)
    person = portal.exists("patient-profile", "RelatedPerson", patientId=TWICE)
    with portal.listen("patient-profile.patient") as heard:
        assert _merge(portal, TWICE, ONCE).json()["replacedBy"] == ONCE
        heard.settle(0.3)
    told = {each.key: each.json() for each in heard.records}
    assert (told[TWICE]["to"], told[TWICE]["replacedBy"]) == ("merged", ONCE)
    assert (told[ONCE]["to"], told[ONCE]["reason"]) == ("active", "absorbed")
    assert [each["id"] for each in _search(portal, identifier=number)] == [ONCE]
    for path, moved in (("forms", form), ("related-persons", person)):
        there = portal.get("patient-profile", f"/patients/{ONCE}/{path}")["items"]
        assert moved["id"] in [each["id"] for each in there]
        assert portal.get("patient-profile", f"/patients/{TWICE}/{path}")["total"] == 0


@pytest.mark.parametrize(
    ("old", "into", "status"),
    [(TWICE, TWICE, 422), (TWICE, "pat-nowhere00", 422), (TWICE, GONE, 409), (GONE, ONCE, 409)],
)
def test_what_cannot_be_merged(portal: Portal, old: str, into: str, status: int) -> None:
    assert _merge(portal, old, into).status_code == status


def test_a_patient_cannot_merge(portal: Portal) -> None:
    path = f"/patients/{BEN}/merge"
    answer = portal.post("patient-profile", path, patient(BEN), {"into": AMARA}, If_Match="*")
    assert answer.status_code == 403


def test_where_a_victim_lives_is_hers_and_the_staff_s(portal: Portal) -> None:
    path = f"/patients/{FARAH}"
    proxy = {"actor": "proxy", "sub": "rel-1", "proxy_for": [FARAH]}
    clinician = {"actor": "clinician", "sub": "c-1", "treats": [FARAH]}
    assert "address" in portal.get("patient-profile", path, patient(FARAH))["contact"]
    assert "address" in portal.get("patient-profile", path, STAFF)["contact"]
    for who in (proxy, clinician):
        assert "contact" not in portal.get("patient-profile", path, who)


def test_a_form_answers_each_question_once(portal: Portal) -> None:
    def handed_in(who: str, *asked: str) -> int:
        answers = [{"linkId": each, "value": "yes"} for each in asked]
        body = {"questionnaire": "intake", "answers": answers}
        return portal.make("patient-profile", f"/patients/{who}/forms", STAFF, body).status_code

    assert [handed_in(CHLOE, "a", "b"), handed_in(CHLOE, "a", "a"), handed_in(GONE, "a")] == [201, 422, 422]


def test_every_service_follows_a_merge(portal: Portal) -> None:
    """What Esther has here and there is Amara's once the two records are one."""
    booked = portal.booked(ESTHER)
    held = portal.held_slot(ESTHER)
    had = portal.get("coverage", f"/patients/{ESTHER}/coverage")["items"]
    device = portal.exists("notifications", "Device", patientId=ESTHER)
    assert _merge(portal, ESTHER, AMARA).status_code == 200

    def empty(service: str, what: str) -> JSON:
        return eventually(lambda: portal.get(service, f"/patients/{ESTHER}/{what}")["total"] == 0 or None)

    assert empty("scheduling", "appointments")
    assert empty("coverage", "coverage")
    assert empty("notifications", "devices")
    assert portal.get("scheduling", f"/appointments/{booked['id']}", patient(AMARA))["patientId"] == AMARA
    assert portal.get("scheduling", f"/slots/{held}")["heldFor"] == AMARA
    paid = portal.get("coverage", f"/patients/{AMARA}/coverage")["items"]
    assert {each["id"] for each in had} <= {each["id"] for each in paid}
    assert len({each["order"] for each in paid}) == len(paid)
    devices = portal.get("notifications", f"/patients/{AMARA}/devices")["items"]
    assert device["id"] in [each["id"] for each in devices]
    kept = portal.get("notifications", f"/patients/{AMARA}/preferences")
    assert kept["channels"] == ["push", "email", "sms"]


def test_an_answer_that_names_the_merged_record_still_counts(scheduling: Portal) -> None:
    asked = scheduling.booked(BEN)
    merged = {"from": "active", "to": "merged", "reason": "merged", "replacedBy": AMARA}
    scheduling.tell("patient-profile", "patientChanged", id=BEN, version=2, **merged)
    path = f"/appointments/{asked['id']}"
    eventually(lambda: scheduling.get("scheduling", path)["patientId"] == AMARA or None)
    check = {"id": "elg-latelatelate", "version": 2, "from": "queued", "to": "complete", "result": "eligible"}
    about = {"appointmentId": asked["id"], "slotId": asked["slotId"], "patientId": BEN}
    scheduling.tell("coverage", "eligibilityChanged", **check, **about)
    eventually(lambda: scheduling.get("scheduling", path)["status"] == "booked" or None)


def test_confidence_asked_for_in_either_record_is_kept(portal: Portal) -> None:
    assert _merge(portal, FARAH, AMARA).status_code == 200
    path = f"/patients/{AMARA}/preferences"
    assert eventually(lambda: portal.get("notifications", path)["confidentialCommunication"] or None)


def test_records_that_name_each_other_still_answer(portal: Portal) -> None:
    """No merge leads there, but a state may be made so."""
    control = portal.addresses.control["patient-profile"]
    one, other = "pat-c1rc1ec1rc1e", "pat-e1crc1e1crc1"
    for id, into in ((one, other), (other, one)):
        parameters = {"id": id, "status": "merged", "identifiers": [], "replacedBy": into}
        made = {"state": "Patient exists", "action": "setup", "parameters": parameters}
        assert portal.client.post(f"{control}/states", json=made).status_code == 200
    answer = portal.call("patient-profile", "GET", f"/patients/{one}", STAFF)
    assert answer.status_code == 410, answer.text
    assert answer.json()["replacedBy"] in {one, other}


def test_a_record_that_names_nobody_still_answers(portal: Portal) -> None:
    control = portal.addresses.control["patient-profile"]
    whole = {
        "id": "pat-0n0b0dy0n0b0", "status": "merged", "name": "Jo Nobody", "birthDate": "1980-01-01",
        "gender": "other", "identifiers": [], "confidentiality": "N",
    }  # fmt: skip
    made = {"state": "Patient exists", "action": "setup", "parameters": whole}
    assert portal.client.post(f"{control}/states", json=made).status_code == 200
    answer = portal.call("patient-profile", "GET", f"/patients/{whole['id']}", STAFF)
    assert answer.status_code == 410, answer.text
