"""Orders and results: late is not latest, a hold ends, a correction is told again, nobody sees too much."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import httpx
import pytest

from harness.contract.model import JSON
from harness.kafka.listening import Listener
from tests.services.portal import AMARA, BEN, CHLOE, ESTHER, STAFF, Portal, eventually, patient

SERVICE, TOPIC = "orders-results", "orders-results.report"
LEILA, XAVIER, YARA = "pat-8f4p6v2d0q", "pat-7p3s6d0v4j", "pat-4z8k1f5q9k"
POTASSIUM, HIV = "2823-3", "75622-1"
HELD = "rpt-13000007"


def _registered(portal: Portal, who: str = LEILA, code: str = POTASSIUM, **more: JSON) -> str:
    body = {"patientId": who, "code": code, "category": "CH", **more}
    answer = portal.make(SERVICE, "/reports", STAFF, body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _put(portal: Portal, report: str, status: str, issued: str = "10:00", how: str = "N") -> httpx.Response:
    """A potassium of this interpretation, issued at this time of one day."""
    found = {"code": POTASSIUM, "quantity": {"value": 4.4, "unit": "mmol/L"}, "interpretation": how}
    body = {"status": status, "issued": f"2031-02-14T{issued}:00Z", "observations": [found]}
    return portal.call(SERVICE, "PUT", f"/reports/{report}", STAFF, body, If_Match="*")


def _reasons(heard: Listener, report: str, until: str) -> list[str]:
    """Why a report changed, by its events up to one that must come, and what follows it at once."""
    heard.wait_for(lambda each: each.key == report and each.json()["reason"] == until, 10.0)
    heard.settle(0.3)
    return [each.json()["reason"] for each in heard.records if each.key == report]


def _do(portal: Portal, report: str, what: str, by: Mapping[str, JSON], body: JSON = None) -> httpx.Response:
    return portal.post(SERVICE, f"/reports/{report}/{what}", by, body, If_Match="*")


def _shown(portal: Portal, report: str, by: Mapping[str, JSON]) -> dict[str, JSON]:
    found = portal.get(SERVICE, f"/reports/{report}", by)
    assert isinstance(found, dict)
    return found


def _proxy(of: str) -> dict[str, JSON]:
    return {"actor": "proxy", "sub": "rel-1", "proxy_for": [of]}


def _clinician(of: str) -> dict[str, JSON]:
    return {"actor": "clinician", "sub": "c-1", "treats": [of]}


@pytest.mark.parametrize("late", ["final", "partial", "preliminary"])
def test_an_original_that_comes_after_its_correction_comes_too_late(portal: Portal, late: str) -> None:
    with portal.listen(TOPIC) as heard:
        report = _registered(portal)
        assert _put(portal, report, "corrected", "12:00").status_code == 200
        assert _put(portal, report, late, "10:00").status_code == 409
        assert _put(portal, report, late, "13:00").status_code == 409, "whatever it says of its time"
        assert _reasons(heard, report, until="revised") == ["registered", "revised"]
    assert _shown(portal, report, STAFF)["status"] == "corrected"


def test_of_two_corrections_the_one_that_was_issued_later_stays(portal: Portal) -> None:
    report = _registered(portal)
    assert _put(portal, report, "final", "10:00").status_code == 200
    assert _put(portal, report, "corrected", "12:00", how="H").status_code == 200
    assert _put(portal, report, "corrected", "11:00").status_code == 409
    # The same moment, written in another zone, is not earlier.
    body = {"status": "amended", "issued": "2031-02-14T14:00:00+02:00", "observations": [
        {"code": POTASSIUM, "text": "A note was added"}]}  # fmt: skip
    assert portal.call(SERVICE, "PUT", f"/reports/{report}", STAFF, body, If_Match="*").status_code == 200


@pytest.mark.parametrize(
    ("read", "told"), [(False, "revised"), (True, "revised-after-reading")], ids=["unread", "read"]
)
def test_a_correction_says_whether_the_patient_had_read_what_it_corrects(
    portal: Portal, read: bool, told: str
) -> None:
    with portal.listen(TOPIC) as heard:
        report = _registered(portal)
        _put(portal, report, "final", "10:00", how="H")
        if read:
            assert "readAt" in _do(portal, report, "acknowledge", patient(LEILA)).json()
        assert _put(portal, report, "corrected", "11:00").status_code == 200
        assert _reasons(heard, report, until=told)[-1] == told
    assert "readAt" not in _shown(portal, report, STAFF), "what it says now, nobody has read"


def test_a_clinician_who_takes_note_has_not_read_it_for_the_patient(portal: Portal) -> None:
    report = _registered(portal)
    _put(portal, report, "final", how="HH")
    noted = _do(portal, report, "acknowledge", _clinician(LEILA)).json()
    assert ("acknowledgedAt" in noted, "readAt" in noted) == (True, False)


@pytest.mark.parametrize("code", ["2823-4", "2823", "02823-3"])
def test_a_code_must_have_its_check_digit(portal: Portal, code: str) -> None:
    body = {"patientId": BEN, "code": code, "category": "CH"}
    answer = portal.make(SERVICE, "/orders", STAFF, body)
    assert answer.status_code == 400
    assert code not in answer.text


@pytest.mark.parametrize("quantity", [{"value": 1}, {"value": 1, "unit": "MMOL/L"}, {"unit": "mmol/L"}])
def test_a_value_has_a_unit_of_ucum(portal: Portal, quantity: JSON) -> None:
    found = {"code": POTASSIUM, "quantity": quantity}
    body = {"status": "final", "issued": "2031-02-14T10:00:00Z", "observations": [found]}
    path = f"/reports/{_registered(portal)}"
    assert portal.call(SERVICE, "PUT", path, STAFF, body, If_Match="*").status_code == 400


def test_a_result_is_seen_at_once(portal: Portal) -> None:
    report = _registered(portal)
    _put(portal, report, "preliminary")
    shown = _shown(portal, report, patient(LEILA))
    assert (shown["release"], len(shown["observations"])) == ("released", 1)


def _held_for(portal: Portal, report: str, minutes: int, reason: str = "preventing-harm") -> httpx.Response:
    until = (portal.now(SERVICE) + timedelta(minutes=minutes)).isoformat()
    return _do(portal, report, "hold", _clinician(LEILA), {"holdReason": reason, "heldUntil": until})


def test_a_hold_hides_what_is_found_and_says_until_when(portal: Portal) -> None:
    report = _registered(portal)
    assert _held_for(portal, report, 30).status_code == 200
    assert _put(portal, report, "final", how="H").json()["release"] == "held", "from the first"
    for who in (patient(LEILA), _proxy(LEILA)):
        (listed,) = [
            each
            for each in portal.get(SERVICE, f"/patients/{LEILA}/results", who)["items"]
            if each["id"] == report
        ]
        assert listed == _shown(portal, report, who)
        assert not {"code", "observations", "conclusion", "critical"} & listed.keys()
        assert {"holdReason", "heldUntil"} <= listed.keys()
    assert "observations" in _shown(portal, report, _clinician(LEILA))
    assert _do(portal, report, "acknowledge", patient(LEILA)).status_code == 409

    with portal.listen(TOPIC) as heard:
        portal.advance(SERVICE, "PT29M")
        assert "observations" not in _shown(portal, report, patient(LEILA))
        portal.advance(SERVICE, "PT2M")
        assert "observations" in _shown(portal, report, patient(LEILA))
        assert _reasons(heard, report, until="hold-ended")[-1] == "hold-ended"


def test_a_hold_has_a_reason_that_the_rule_knows_and_an_end_ahead(portal: Portal) -> None:
    report = _registered(portal)
    assert _held_for(portal, report, 30, reason="the-doctor-is-away").status_code == 400
    assert _held_for(portal, report, -1).status_code == 422
    assert _do(portal, report, "hold", STAFF, {"holdReason": "privacy"}).status_code == 400
    assert _do(portal, report, "release", STAFF).status_code == 409, "it was not held"


def test_what_the_patient_has_read_is_held_no_more(portal: Portal) -> None:
    report = _registered(portal)
    _put(portal, report, "final")
    _do(portal, report, "acknowledge", patient(LEILA))
    assert _held_for(portal, report, 30).status_code == 409


def test_a_released_report_is_not_released_again_when_the_hold_would_have_ended(portal: Portal) -> None:
    with portal.listen(TOPIC) as heard:
        report = _registered(portal)
        _put(portal, report, "final")
        _held_for(portal, report, 30)
        assert _do(portal, report, "release", STAFF).json()["release"] == "released"
        portal.advance(SERVICE, "PT1H")
        told = _reasons(heard, report, until="released")
    assert told == ["registered", "reported", "held", "released"]


def test_a_critical_result_escalates_once_unless_somebody_takes_note(portal: Portal) -> None:
    noted, read, ignored, plain = (_registered(portal, YARA) for _ in range(4))
    for report in (noted, read, ignored):
        assert _put(portal, report, "preliminary", how="HH").json()["critical"] is True
    _put(portal, plain, "final", how="H")
    _do(portal, noted, "acknowledge", _clinician(YARA))
    _do(portal, read, "acknowledge", patient(YARA))
    with portal.listen(TOPIC) as heard:
        portal.advance(SERVICE, "PT59M")
        assert "escalatedAt" not in _shown(portal, ignored, STAFF)
        portal.advance(SERVICE, "PT2M")
        portal.advance(SERVICE, "PT2H")
        for report in (ignored, read):
            assert _reasons(heard, report, until="escalated").count("escalated") == 1
    escalated = {each.key for each in heard.records if each.json()["reason"] == "escalated"}
    assert escalated == {ignored, read}
    assert _put(portal, noted, "final", "11:00", how="HH").status_code == 200, "a new value is a new alarm"
    portal.advance(SERVICE, "PT61M")
    assert "escalatedAt" in _shown(portal, noted, STAFF)


def test_a_complete_report_completes_its_order_and_a_partial_one_does_not(portal: Portal) -> None:
    body = {"patientId": ESTHER, "code": POTASSIUM, "category": "CH"}
    order = portal.make(SERVICE, "/orders", _clinician(ESTHER), body).json()
    assert (order["status"], order["priority"]) == ("active", "routine")
    report = _registered(portal, ESTHER, orderId=order["id"])

    def status() -> JSON:
        return portal.get(SERVICE, f"/orders/{order['id']}")["status"]

    _put(portal, report, "partial", "09:00")
    assert status() == "active"
    _put(portal, report, "corrected", "10:00")
    assert status() == "completed"
    revoked = portal.post(
        SERVICE, f"/orders/{order['id']}/revoke", STAFF, {"revocationReason": "duplicate"}, If_Match="*"
    )
    assert revoked.status_code == 409


@pytest.mark.parametrize("order", ["ord-nowhere00", "ord-12000001", "ord-12000008"])
def test_a_report_answers_an_order_of_this_patient_that_stands(portal: Portal, order: str) -> None:
    """One that does not exist, somebody else's, a revoked one of somebody who has died."""
    who = "pat-4v8q2l6f9z" if order == "ord-12000008" else BEN
    body = {"patientId": who, "orderId": order, "code": POTASSIUM, "category": "CH"}
    answer = portal.make(SERVICE, "/reports", STAFF, body)
    assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, ["/orderId"])


def test_what_says_too_much_is_hidden_from_proxies_and_from_their_counts(portal: Portal) -> None:
    order = portal.make(
        SERVICE, "/orders", STAFF, {"patientId": CHLOE, "code": HIV, "category": "LAB"}
    ).json()
    report = _registered(portal, CHLOE, HIV, orderId=order["id"])
    seen = _registered(portal, CHLOE)
    assert order["confidentiality"] == "R"
    for path in (f"/orders/{order['id']}", f"/reports/{report}"):
        assert portal.call(SERVICE, "GET", path, _proxy(CHLOE)).status_code == 404
        assert portal.call(SERVICE, "GET", path, patient(CHLOE)).status_code == 200
    assert _do(portal, report, "acknowledge", _proxy(CHLOE)).status_code == 404
    assert portal.get(SERVICE, f"/patients/{CHLOE}/orders", _proxy(CHLOE)) == {"items": [], "total": 0}
    results = portal.get(SERVICE, f"/patients/{CHLOE}/results", _proxy(CHLOE))
    assert ([each["id"] for each in results["items"]], results["total"]) == ([seen], 1)
    assert portal.get(SERVICE, f"/patients/{CHLOE}/results", patient(CHLOE))["total"] == 2


def test_orders_and_results_follow_a_merge(portal: Portal) -> None:
    order = portal.exists(SERVICE, "Order", patientId=ESTHER, status="active")
    report = _registered(portal, ESTHER)
    merge = portal.post("patient-profile", f"/patients/{ESTHER}/merge", STAFF, {"into": AMARA}, If_Match="*")
    assert merge.status_code == 200
    for what, moved in (("orders", order["id"]), ("results", report)):
        path = f"/patients/{ESTHER}/{what}"
        eventually(lambda path=path: portal.get(SERVICE, path)["total"] == 0 or None)  # type: ignore[misc]
        there = portal.get(SERVICE, f"/patients/{AMARA}/{what}")["items"]
        assert moved in [each["id"] for each in there]


def test_the_people_are_in_their_situations(portal: Portal) -> None:
    """Mateo's order waits for the payer, Leila's correction is unread, Xavier's result is held for now."""
    (waiting,) = portal.get(SERVICE, "/patients/pat-5g1s8j3x7r/orders")["items"]
    assert waiting["status"] == "draft"
    (corrected,) = portal.get(SERVICE, f"/patients/{LEILA}/results", patient(LEILA))["items"]
    assert (corrected["status"], "readAt" in corrected) == ("corrected", False)
    assert "observations" not in _shown(portal, HELD, patient(XAVIER))
