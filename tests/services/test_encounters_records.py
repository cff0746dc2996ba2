"""The rules of stays and of what is written about them: who arrives once, and what no amendment loses."""

from __future__ import annotations

import httpx
import pytest

from harness.contract.model import JSON
from reference_services.encounters_records.handlers import stricter
from tests.services.portal import AMARA, BEN, CHLOE, ESTHER, STAFF, Portal, eventually, patient

HERE = "encounters-records"
XAVIER, LEILA, OLUWASEUN = "pat-7p3s6d0v4j", "pat-8f4p6v2d0q", "pat-7d3h0c5w8x"
CHECKED_IN = {"from": "booked", "to": "checked-in", "reason": "checked-in"}


def _proxy(of: str) -> dict[str, JSON]:
    return {"actor": "proxy", "sub": "rel-somebody", "proxy_for": [of]}


def _said(course: str, *codes: str) -> dict[str, JSON]:
    named = [{"code": code, "display": "Something"} for code in codes or ("J18.9",)]
    return {"hospitalCourse": course, "diagnoses": named, "followUp": "None"}


def _stay(portal: Portal, who: str = BEN, **more: JSON) -> str:
    made = {"status": "in-progress", "class": "IMP", "patientId": who, "confidentiality": "N", **more}
    return str(portal.exists(HERE, "Encounter", **made)["id"])


def _discharge(portal: Portal, encounter: str, who: str = BEN, *codes: str) -> httpx.Response:
    body = {
        "patientId": who,
        "encounterId": encounter,
        "dischargeDisposition": "home",
        "authorId": "prv-70000004",
        "content": _said("first", *codes),
    }
    return portal.make(HERE, "/discharges", STAFF, body)


def _do(portal: Portal, path: str, body: JSON = None) -> httpx.Response:
    return portal.post(HERE, path, STAFF, body, If_Match="*")


def _amend(portal: Portal, document: str, course: str, *codes: str) -> httpx.Response:
    body = {"amendmentReason": "correction", "authorId": "prv-70000001", "content": _said(course, *codes)}
    return _do(portal, f"/documents/{document}/amend", body)


def _list(portal: Portal, who: str, what: str, claims: dict[str, JSON] | None = None) -> JSON:
    return portal.get(HERE, f"/patients/{who}/{what}", claims or patient(who))


def test_who_checks_in_has_arrived_once(portal: Portal) -> None:
    came = {"id": "apt-cameonce00", "patientId": BEN, "slotId": "slt-10000001", **CHECKED_IN}
    with portal.listen("encounters-records.encounter") as heard:
        for version in (2, 3):
            portal.tell("scheduling", "appointmentChanged", version=version, **came)
        portal.tell("scheduling", "appointmentChanged", **{**came, "id": "apt-cameagain", "version": 2})
        eventually(lambda: _list(portal, BEN, "encounters")["total"] == 2 or None)
        heard.settle(0.3)
    begun = _list(portal, BEN, "encounters")["items"]
    assert {each["appointmentId"] for each in begun} == {"apt-cameonce00", "apt-cameagain"}
    assert {(each["status"], each["class"]) for each in begun} == {("arrived", "AMB")}
    assert sorted(each.key or "" for each in heard.records) == sorted(each["id"] for each in begun)


def test_an_appointment_that_is_only_booked_is_no_encounter(portal: Portal) -> None:
    booked = {"from": "pending", "to": "booked", "reason": "eligible", "version": 2}
    for id, change in (("apt-onlybooked", booked), ("apt-thencomes0", {**CHECKED_IN, "version": 2})):
        portal.tell("scheduling", "appointmentChanged", id=id, patientId=BEN, **change)
    (begun,) = eventually(lambda: _list(portal, BEN, "encounters")["items"] or None)
    assert begun["appointmentId"] == "apt-thencomes0"


def test_checking_in_at_the_desk_begins_an_encounter(portal: Portal) -> None:
    """From scheduling's own request to the list, with the confidentiality that the appointment had."""
    assert portal.post("scheduling", "/appointments/apt-20000004/check-in", STAFF, If_Match="*").is_success
    (begun,) = eventually(lambda: _list(portal, CHLOE, "encounters")["items"] or None)
    assert (begun["appointmentId"], begun["confidentiality"]) == ("apt-20000004", "R")


def test_a_stay_goes_its_whole_way(portal: Portal) -> None:
    id = _stay(portal, status="planned", reason="Fell at home")
    admission: JSON = {"class": "IMP", "providerId": "prv-70000001", "locationId": "loc-80000001"}
    way: list[tuple[str, JSON]] = [
        ("arrive", None), ("triage", {"priority": "UR"}), ("admit", admission), ("leave", None),
        ("return", None),
    ]  # fmt: skip
    with portal.listen("encounters-records.encounter") as heard:
        for verb, body in way:
            assert _do(portal, f"/encounters/{id}/{verb}", body).status_code == 200, verb
        assert _discharge(portal, id).status_code == 201
        heard.settle(0.3)
    told = [each.json() for each in heard.records if each.key == id]
    assert [each["to"] for each in told] == [
        "arrived", "triaged", "in-progress", "onleave", "in-progress", "finished"
    ]  # fmt: skip
    assert told[-1]["patientId"] == BEN
    assert "Fell" not in str(heard.records)


def test_a_discharge_leaves_a_summary_and_happens_once(portal: Portal) -> None:
    id = _stay(portal)
    made = _discharge(portal, id).json()
    assert (made["status"], made["encounterId"], made["superseded"]) == ("preliminary", id, [])
    left = portal.get(HERE, f"/encounters/{id}", patient(BEN))
    assert (left["status"], left["dischargeDisposition"], left["summaryId"]) == (
        "finished",
        "home",
        made["id"],
    )
    assert left["end"] == made["writtenAt"]
    assert _discharge(portal, id).status_code == 409
    assert portal.get(HERE, f"/documents/{made['id']}", patient(BEN)) == made


@pytest.mark.parametrize("status", ["planned", "arrived", "triaged", "cancelled", "entered-in-error"])
def test_nobody_is_discharged_who_is_not_treated(portal: Portal, status: str) -> None:
    path = f"/encounters/{_stay(portal, status=status)}"
    before = portal.get(HERE, path)
    assert _discharge(portal, before["id"]).status_code == 409
    assert portal.get(HERE, path) == before


@pytest.mark.parametrize("whose", [AMARA, None])
def test_a_stay_is_ended_for_the_patient_whose_it_is(portal: Portal, whose: str | None) -> None:
    id = _stay(portal, whose) if whose else "enc-nowhere00"
    refused = _discharge(portal, id)
    assert refused.status_code == 422
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/encounterId"]
    if whose:
        assert portal.get(HERE, f"/encounters/{id}")["status"] == "in-progress"


def test_an_amendment_supersedes_and_overwrites_nothing(portal: Portal) -> None:
    id = _discharge(portal, _stay(portal)).json()["id"]
    path = f"/documents/{id}"
    assert _amend(portal, id, "too early").status_code == 409
    assert _do(portal, f"{path}/finalize").json()["status"] == "final"
    first = portal.get(HERE, path)
    second = _amend(portal, id, "second").json()
    third = _amend(portal, id, "third").json()

    assert [each["status"] for each in (second, third)] == ["amended", "amended"]
    assert third["content"]["hospitalCourse"] == "third"
    kept = third["superseded"]
    assert kept[:1] == second["superseded"], "what was kept once stays as it is"
    assert [(each["status"], each["content"]["hospitalCourse"]) for each in kept] == [
        ("final", "first"), ("amended", "second")
    ]  # fmt: skip
    assert {name: kept[0][name] for name in ("content", "authorId", "writtenAt")} == {
        name: first[name] for name in ("content", "authorId", "writtenAt")
    }
    assert "amendmentReason" not in kept[0]
    assert (kept[1]["amendmentReason"], kept[1]["supersededAt"]) == ("correction", third["writtenAt"])
    assert _do(portal, f"{path}/finalize").status_code == 409


def test_what_is_full_of_amendments_loses_none(portal: Portal) -> None:
    before = {
        "status": "final", "content": _said("old"), "authorId": "prv-70000004",
        "writtenAt": "2031-01-01T08:00:00Z", "supersededAt": "2031-01-02T08:00:00Z",
    }  # fmt: skip
    full = portal.exists(HERE, "Document", status="amended", patientId=BEN, superseded=[before] * 100)
    assert _amend(portal, full["id"], "one more").status_code == 409
    assert portal.get(HERE, f"/documents/{full['id']}") == full


def test_a_proxy_neither_sees_nor_counts_what_is_restricted(portal: Portal) -> None:
    seen = {what: _list(portal, XAVIER, what, _proxy(XAVIER)) for what in ("conditions", "encounters")}
    assert [each["code"]["code"] for each in seen["conditions"]["items"]] == ["J45.20"]
    assert seen["conditions"]["total"] == 1
    assert seen["encounters"] == {"items": [], "total": 0}
    assert _list(portal, XAVIER, "conditions")["total"] == 3
    stay = _list(portal, XAVIER, "encounters")["items"][0]["id"]
    hidden = portal.call(HERE, "GET", f"/encounters/{stay}", _proxy(XAVIER))
    absent = portal.call(HERE, "GET", "/encounters/enc-nowhere00", _proxy(XAVIER))
    assert (hidden.status_code, absent.status_code) == (404, 404)
    assert {**hidden.json(), "instance": None} == {**absent.json(), "instance": None}


def test_a_sensitive_diagnosis_restricts_the_summary_for_good(portal: Portal) -> None:
    made = _discharge(portal, _stay(portal), BEN, "I10", "F11.20").json()
    path = f"/documents/{made['id']}"
    assert made["confidentiality"] == "R"
    assert portal.call(HERE, "GET", path, _proxy(BEN)).status_code == 404
    assert _do(portal, f"{path}/finalize").is_success
    assert _amend(portal, made["id"], "without it").json()["confidentiality"] == "R"


@pytest.mark.parametrize(
    ("before", "code", "after"),
    [("N", "J18.9", "N"), ("N", "F11.20", "R"), ("N", "B20", "R"), ("N", "Z21", "R"), ("N", "O80", "R"),
     ("V", "F11.20", "V"), ("R", "J18.9", "R"), ("L", "Z30.09", "R"), ("N", "B18.2", "N")],
)  # fmt: skip
def test_how_far_a_summary_may_be_shown(before: str, code: str, after: str) -> None:
    assert stricter(before, _said("anything", code)) == after


@pytest.mark.parametrize("code", ["J189", "j18.9", "J18.", "pneumonia"])
def test_a_diagnosis_has_the_form_of_a_code(portal: Portal, code: str) -> None:
    refused = _discharge(portal, _stay(portal), BEN, code)
    assert refused.status_code == 400
    assert code not in refused.text, "what was wrong is clinical, too"


def test_that_there_is_no_allergy_is_said_and_not_left_out(portal: Portal) -> None:
    (told,) = _list(portal, LEILA, "allergies")["items"]
    assert told["substance"]["code"] == "716186003"
    assert _list(portal, BEN, "allergies") == {"items": [], "total": 0}


def test_who_left_yesterday_reads_the_summary_that_is_not_final_yet(portal: Portal) -> None:
    (stay,) = _list(portal, OLUWASEUN, "encounters")["items"]
    read = portal.get(HERE, f"/documents/{stay['summaryId']}", patient(OLUWASEUN))
    assert (stay["end"][:10], read["status"]) == ("2031-02-19", "preliminary")


def test_patients_and_proxies_write_nothing(portal: Portal) -> None:
    for claims in (patient(OLUWASEUN), _proxy(OLUWASEUN)):
        answer = portal.post(HERE, "/documents/doc-13000001/finalize", claims, If_Match="*")
        assert answer.status_code == 403


def test_records_follow_a_merge(portal: Portal) -> None:
    stay = _stay(portal, ESTHER)
    made = _discharge(portal, stay, ESTHER).json()
    merged = {"from": "active", "to": "merged", "reason": "merged", "replacedBy": AMARA}
    portal.tell("patient-profile", "patientChanged", id=ESTHER, version=2, **merged)
    eventually(lambda: _list(portal, ESTHER, "encounters")["total"] == 0 or None)
    for path in (f"/encounters/{stay}", f"/documents/{made['id']}"):
        assert portal.get(HERE, path, patient(AMARA))["patientId"] == AMARA
    late = {"id": "apt-latelate00", "patientId": ESTHER, "version": 2, **CHECKED_IN}
    portal.tell("scheduling", "appointmentChanged", **late)
    arrived = f"/patients/{AMARA}/encounters?status=arrived"
    assert eventually(lambda: portal.get(HERE, arrived)["items"] or None)[0]["appointmentId"] == late["id"]
