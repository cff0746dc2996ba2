"""Coverage's own rules: whom the payer finds eligible, and why not."""

from __future__ import annotations

import pytest

from harness.contract.model import JSON
from tests.services.portal import AMARA, BEN, CHLOE, DANIEL, ESTHER, FARAH, Portal, patient


def _check(portal: Portal, who: str, **more: JSON) -> JSON:
    """A check of this patient after the payer has answered."""
    answer = portal.make("coverage", "/eligibility-checks", patient(who), {"patientId": who, **more})
    assert answer.status_code == 201, answer.text
    assert answer.json()["outcome"] == "queued"
    portal.advance("coverage", "PT1S")
    return portal.get("coverage", f"/eligibility-checks/{answer.json()['id']}", patient(who))


def _add(portal: Portal, who: str, **period: str) -> JSON:
    body = {"payerId": "pay-90000003", "memberId": "CC-1234", "period": period}
    answer = portal.make("coverage", f"/patients/{who}/coverage", patient(who), body)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.parametrize("who", [AMARA, CHLOE, ESTHER, FARAH])
def test_active_coverage_makes_eligible(portal: Portal, who: str) -> None:
    checked = _check(portal, who)
    assert (checked["outcome"], checked["result"]) == ("complete", "eligible")
    assert "resultReason" not in checked


@pytest.mark.parametrize(("who", "why"), [(BEN, "no-active-coverage"), (DANIEL, "coverage-ended")])
def test_without_it_the_answer_says_why(portal: Portal, who: str, why: str) -> None:
    checked = _check(portal, who)
    assert (checked["result"], checked["resultReason"]) == ("not-eligible", why)


def test_coverage_counts_from_its_first_day_to_its_last(portal: Portal) -> None:
    _add(portal, BEN, start="2999-01-01")
    assert _check(portal, BEN)["resultReason"] == "coverage-not-begun"

    _add(portal, BEN, start="2000-01-01", end="2998-12-31")
    assert _check(portal, BEN)["result"] == "eligible"


def test_one_coverage_can_be_asked_about_alone(portal: Portal) -> None:
    ended = _add(portal, AMARA, start="2000-01-01", end="2001-01-01")
    assert _check(portal, AMARA, coverageId=ended["id"])["resultReason"] == "coverage-ended"
    assert _check(portal, AMARA)["result"] == "eligible"


def test_an_answer_says_which_slot_it_is_about(portal: Portal) -> None:
    about = {"appointmentId": "apt-20000001", "slotId": "slt-10000011"}
    with portal.listen("coverage.eligibility") as heard:
        checked = _check(portal, AMARA, **about)
        heard.settle(0.3)
    told = [each.json() for each in heard.records if each.key == checked["id"]]
    assert [each["to"] for each in told] == ["queued", "complete"]
    assert all(about.items() <= each.items() for each in (checked, *told))


def test_somebody_elses_coverage_cannot_be_asked_about(portal: Portal) -> None:
    body = {"patientId": BEN, "coverageId": "cov-30000001"}
    answer = portal.make("coverage", "/eligibility-checks", patient(BEN), body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/coverageId")


def test_a_period_must_not_end_before_it_begins(portal: Portal) -> None:
    body = {
        "payerId": "pay-90000003",
        "memberId": "CC-1234",
        "period": {"start": "2030-02-01", "end": "2030-01-01"},
    }
    answer = portal.make("coverage", f"/patients/{BEN}/coverage", patient(BEN), body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/period/end")


def test_what_is_added_later_pays_later(portal: Portal) -> None:
    added = [_add(portal, BEN, start="2020-01-01")["order"] for _ in range(3)]
    assert added == [1, 2, 3]


def test_an_event_carries_no_member_number(portal: Portal) -> None:
    with portal.listen("coverage.coverage") as heard:
        made = _add(portal, BEN, start="2020-01-01")
        found = heard.wait_for(lambda each: each.key == made["id"], within=5.0, mark=0)

    assert found is not None
    assert b"CC-1234" not in (found[0].value or b"")
    assert all(b"CC-1234" not in value for _, value in found[0].headers)
