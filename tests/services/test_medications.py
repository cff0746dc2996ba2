"""Medications' own rules: when there is a refill, what gives one back, and what a discharge opens."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some

from harness.contract.model import JSON
from reference_services.medications.handlers import refillable_from
from tests.services.portal import AMARA, BEN, DANIEL, ESTHER, STAFF, Portal, eventually, patient

XAVIER, QUENTIN, OLUWASEUN = "pat-7p3s6d0v4j", "pat-1x6r3b7n5y", "pat-7d3h0c5w8x"
OPEN_LIST = "rec-24000001"


def _prescribed(portal: Portal, **said: JSON) -> str:
    """The id of a new prescription of Ben's, active and with two refills of thirty days left."""
    usual = {"status": "active", "refillsAllowed": 2, "refillsRemaining": 2, "daysSupply": 30}
    made = portal.exists("medications", "MedicationRequest", **{"patientId": BEN, **usual, **said})
    return str(made["id"])


def _ask(portal: Portal, prescription: str, who: str = BEN) -> httpx.Response:
    body = {"patientId": who, "medicationRequestId": prescription}
    return portal.make("medications", "/refills", patient(who), body)


def _asked(portal: Portal, prescription: str) -> str:
    answer = _ask(portal, prescription)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _decide(portal: Portal, refill: str, **body: JSON) -> httpx.Response:
    return portal.post("medications", f"/refills/{refill}/decide", STAFF, body, If_Match="*")


def _taken_up(portal: Portal, refill: str) -> str:
    """The id of the dispense with which a pharmacy takes up what was approved."""
    assert _decide(portal, refill, decision="approve").status_code == 200
    about = {"patientId": BEN, "refillId": refill, "ndc": "99999-1001-1", "quantity": 30, "daysSupply": 30}
    answer = portal.make("medications", "/dispenses", STAFF, about)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _advance(portal: Portal, dispense: str, **body: JSON) -> httpx.Response:
    return portal.post("medications", f"/dispenses/{dispense}/advance", STAFF, body, If_Match="*")


def _reconcile(portal: Portal, id: str, medication: str, decision: str, **more: JSON) -> httpx.Response:
    body = {"medicationRequestId": medication, "decision": decision, **more}
    return portal.post("medications", f"/reconciliations/{id}/reconcile", STAFF, body, If_Match="*")


def _left(portal: Portal, prescription: str) -> int:
    return int(portal.get("medications", f"/medication-requests/{prescription}")["refillsRemaining"])


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ({"refillsRemaining": 0}, "none-left"),
        ({"refillableFrom": "2999-12-31"}, "too-early"),
        ({"refillsRemaining": 0, "refillableFrom": "2999-12-31"}, "none-left"),
        *[
            ({"status": each}, "not-active")
            for each in ("draft", "on-hold", "stopped", "completed", "unknown")
        ],
        ({"status": "cancelled", "refillsRemaining": 0}, "not-active"),
    ],
)
def test_a_refusal_says_which_it_is_and_takes_nothing(
    portal: Portal, said: dict[str, JSON], refusal: str
) -> None:
    prescription = _prescribed(portal, **said)
    answer = _ask(portal, prescription)
    told = answer.json()
    assert (answer.status_code, told["refusal"]) == (409, refusal)
    assert told.get("refillableFrom") == (said["refillableFrom"] if refusal == "too-early" else None)
    assert _left(portal, prescription) == said.get("refillsRemaining", 2)


def test_it_is_early_until_the_very_day_and_never_late(portal: Portal) -> None:
    today = portal.now("medications").date()
    for days, status in ((1, 409), (0, 201), (-1, 201), (-3000, 201)):
        first = (today + timedelta(days=days)).isoformat()
        assert _ask(portal, _prescribed(portal, refillableFrom=first)).status_code == status, days


@given(some.dates(max_value=date(2999, 1, 1)), some.integers(1, 366))
def test_a_quarter_of_what_was_handed_over_may_be_left(handed: date, supply: int) -> None:
    waited = (refillable_from(handed, supply) - handed).days
    assert supply * 3 / 4 <= waited < supply * 3 / 4 + 1
    assert 1 <= waited <= supply


def test_whoever_asks_again_gets_the_same_refill_and_nothing_is_told(portal: Portal) -> None:
    prescription = _prescribed(portal)
    with portal.listen("medications.refill", "medications.medication-request") as heard:
        first = _asked(portal, prescription)
        again = _ask(portal, prescription)
        heard.settle(0.3)
    assert (again.status_code, again.json()["id"]) == (200, first)
    assert sorted(str(each.key) for each in heard.records) == [prescription, first], "once each"
    assert _left(portal, prescription) == 1


def test_of_many_who_ask_at_once_all_get_one_refill(portal: Portal) -> None:
    prescription = _prescribed(portal)
    with portal.listen("medications.refill") as heard, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: _ask(portal, prescription), range(8)))
        heard.settle(0.5)
    assert sorted(each.status_code for each in answers) == [200] * 7 + [201]
    (refill,) = {each.json()["id"] for each in answers}
    assert [each.key for each in heard.records] == [refill]
    assert _left(portal, prescription) == 1


def test_what_is_declined_is_given_back_and_may_be_asked_for_anew(portal: Portal) -> None:
    prescription = _prescribed(portal, refillsRemaining=1)
    refill = _asked(portal, prescription)
    assert _left(portal, prescription) == 0
    assert _decide(portal, refill, decision="decline").status_code == 400, "without a reason"
    told = _decide(portal, refill, decision="decline", declineReason="visit-needed").json()
    assert (told["status"], told["declineReason"]) == ("rejected", "visit-needed")
    assert _left(portal, prescription) == 1
    assert _asked(portal, prescription) != refill


def test_what_is_declined_is_given_back_to_a_prescription_on_hold_too(portal: Portal) -> None:
    prescription = _prescribed(portal)
    refill = _asked(portal, prescription)
    list_ = str(portal.exists("medications", "Reconciliation", status="requested", patientId=BEN)["id"])
    assert _reconcile(portal, list_, prescription, "hold").status_code == 200
    refused = _decide(portal, refill, decision="approve")
    assert (refused.status_code, refused.json()["refusal"]) == (409, "not-active")
    assert _decide(portal, refill, decision="decline", declineReason="other").status_code == 200
    assert _left(portal, prescription) == 2


def test_what_is_handed_over_closes_the_refill_and_says_when_the_next_may_be_had(portal: Portal) -> None:
    prescription = _prescribed(portal)
    refill = _asked(portal, prescription)
    dispense = _taken_up(portal, refill)
    for status in ("in-progress", "completed"):
        assert _advance(portal, dispense, status=status).status_code == 200
    assert portal.get("medications", f"/refills/{refill}")["status"] == "completed"
    told = portal.get("medications", f"/medication-requests/{prescription}")
    assert (told["refillsRemaining"], "openRefillId" in told) == (1, False)
    first = portal.now("medications").date() + timedelta(days=23)
    refused = _ask(portal, prescription).json()
    assert (refused["refusal"], refused["refillableFrom"]) == ("too-early", first.isoformat())
    portal.advance("medications", "PT552H")
    assert _ask(portal, prescription).status_code == 201


@pytest.mark.parametrize("status", ["declined", "cancelled"])
def test_what_is_not_dispensed_is_given_back(portal: Portal, status: str) -> None:
    prescription = _prescribed(portal)
    refill = _asked(portal, prescription)
    dispense = _taken_up(portal, refill)
    assert _advance(portal, dispense, status=status).status_code == 400, "without a reason"
    assert _advance(portal, dispense, status=status, statusReason="outofstock").status_code == 200
    assert portal.get("medications", f"/refills/{refill}")["status"] == "failed"
    assert _left(portal, prescription) == 2


def test_a_refill_is_taken_up_once_and_only_if_it_was_approved(portal: Portal) -> None:
    refill = _asked(portal, _prescribed(portal))
    about = {"patientId": BEN, "refillId": refill, "ndc": "99999-1001-1", "quantity": 1, "daysSupply": 30}
    assert portal.make("medications", "/dispenses", STAFF, about).status_code == 409
    _taken_up(portal, refill)
    assert portal.make("medications", "/dispenses", STAFF, about).status_code == 409
    stranger = {**about, "patientId": AMARA}
    assert portal.make("medications", "/dispenses", STAFF, stranger).status_code == 422
    ambiguous = {**about, "ndc": "9999910011"}
    assert portal.make("medications", "/dispenses", STAFF, ambiguous).status_code == 400


def test_a_refill_that_nobody_decides_on_says_so_once_and_can_still_be_approved(portal: Portal) -> None:
    with portal.listen("medications.refill") as heard:
        refill = _asked(portal, _prescribed(portal))
        portal.advance("medications", "PT71H59M")
        assert "overdue" not in portal.get("medications", f"/refills/{refill}")
        portal.advance("medications", "PT145H")
        heard.settle(0.3)
    assert [each.json()["reason"] for each in heard.records if each.key == refill] == ["requested", "overdue"]
    told = _decide(portal, refill, decision="approve").json()
    assert (told["status"], "overdue" in told) == ("accepted", False)


def test_somebody_elses_prescription_is_none(portal: Portal) -> None:
    assert _ask(portal, _prescribed(portal), AMARA).status_code == 422
    assert _ask(portal, "med-nowhere00", AMARA).status_code == 422


def test_unknown_is_shown_as_unknown(portal: Portal) -> None:
    for path in ("medications", "medication-history"):
        (told,) = portal.get("medications", f"/patients/{QUENTIN}/{path}")["items"]
        assert told["status"] == "unknown"


def test_a_proxy_learns_nothing_of_what_is_restricted_not_even_from_a_count(portal: Portal) -> None:
    proxy = {"actor": "proxy", "sub": "rel-1", "proxy_for": [XAVIER]}
    for path in ("medications", "medication-history"):
        assert portal.get("medications", f"/patients/{XAVIER}/{path}", patient(XAVIER))["total"] == 1
        assert portal.get("medications", f"/patients/{XAVIER}/{path}", proxy) == {"items": [], "total": 0}
    for path in ("/medication-requests/med-21000026", "/dispenses/dsp-23000010"):
        assert portal.call("medications", "GET", path, patient(XAVIER)).status_code == 200
        assert portal.call("medications", "GET", path, proxy).status_code == 404
    body = {"patientId": XAVIER, "medicationRequestId": "med-21000026"}
    assert portal.make("medications", "/refills", proxy, body).status_code == 422


def test_history_tells_the_newest_first(portal: Portal) -> None:
    made = [portal.exists("medications", "Dispense", patientId=BEN)["id"] for _ in range(3)]
    told = portal.get("medications", f"/patients/{BEN}/medication-history")["items"]
    assert [each["id"] for each in told] == made[::-1]


def test_a_reconciliation_is_not_over_while_something_is_undecided(portal: Portal) -> None:
    decisions = {"13": "stop", "14": "hold", "15": "resume", "16": "start"}
    for number, decision in decisions.items():
        answer = _reconcile(portal, OPEN_LIST, f"med-210000{number}", decision)
        assert (answer.status_code, answer.json()["status"]) == (200, "in-progress")
    another = _prescribed(portal, patientId=OLUWASEUN)
    assert _reconcile(portal, OPEN_LIST, another, "stop", last=True).status_code == 409
    assert portal.get("medications", f"/medication-requests/{another}")["status"] == "active"
    done = _reconcile(portal, OPEN_LIST, "med-21000017", "continue", last=True)
    assert (done.status_code, done.json()["status"]) == (200, "completed")
    listed = portal.get("medications", f"/patients/{OLUWASEUN}/medications")["items"]
    assert {each["id"][-2:]: each["status"] for each in listed if each["id"] != another} == {
        "13": "stopped", "14": "on-hold", "15": "active", "16": "active", "17": "active"
    }  # fmt: skip


def test_a_decision_that_a_prescription_does_not_allow_is_not_noted_either(portal: Portal) -> None:
    before = portal.get("medications", f"/reconciliations/{OPEN_LIST}")
    assert _reconcile(portal, OPEN_LIST, "med-21000013", "resume").status_code == 409
    assert _reconcile(portal, OPEN_LIST, "med-21000001", "stop").status_code == 422, "somebody else's"
    assert portal.get("medications", f"/reconciliations/{OPEN_LIST}") == before


def test_a_discharge_opens_a_reconciliation_of_all_that_may_yet_be_taken(portal: Portal) -> None:
    taken = [_prescribed(portal, status=each) for each in ("active", "on-hold", "draft", "unknown")]
    _prescribed(portal, status="stopped")

    def opened(who: str) -> list[dict[str, JSON]] | None:
        return portal.get("medications", f"/patients/{who}/reconciliations")["items"] or None

    stay = {"class": "IMP", "patientId": BEN}
    portal.tell("encounters-records", "encounterChanged", id="enc-0fatest00", to="in-progress",
                reason="admitted", **stay)  # fmt: skip
    portal.tell("encounters-records", "encounterChanged", id="enc-0fatest01", to="finished",
                reason="discharged", version=2, **stay)  # fmt: skip
    (told,) = eventually(lambda: opened(BEN))
    assert (told["status"], told["encounterId"]) == ("requested", "enc-0fatest01")
    assert (told["medicationRequestIds"], told["decisions"]) == (taken, [])


def test_a_merge_takes_all_along(portal: Portal) -> None:
    twice, once = "pat-0d4u6p8l2q", "pat-1r5m9w3c7p"
    prescription = _prescribed(portal, patientId=twice)
    dispense = portal.exists("medications", "Dispense", patientId=twice)["id"]
    merge = portal.post("patient-profile", f"/patients/{twice}/merge", STAFF, {"into": once}, If_Match="*")
    assert merge.status_code == 200

    def moved() -> bool | None:
        return portal.get("medications", f"/patients/{twice}/medications")["total"] == 0 or None

    eventually(moved)
    for path, id in (("medications", prescription), ("medication-history", dispense)):
        there = portal.get("medications", f"/patients/{once}/{path}")["items"]
        assert id in [each["id"] for each in there]


def test_the_stories_are_told_by_the_seed(portal: Portal) -> None:
    told = _ask(portal, "med-21000003", ESTHER).json()
    assert (told["refusal"], told["refillableFrom"]) == ("too-early", "2031-03-05")
    taken = portal.get("medications", f"/patients/{DANIEL}/medications")["items"]
    assert {each["status"] for each in taken} == {"active", "draft", "stopped"}
    open_list = portal.get("medications", f"/patients/{OLUWASEUN}/reconciliations")["items"]
    assert [(each["status"], len(each["medicationRequestIds"])) for each in open_list] == [("requested", 5)]
