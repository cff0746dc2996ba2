"""What scheduling makes of coverage's answers: of a late one, of one about another slot, and of none."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from harness.contract.model import JSON
from tests.services.portal import AMARA, BEN, Portal, eventually, patient


def _answer(portal: Portal, appointment: JSON, **answer: JSON) -> None:
    """Say as coverage does that the payer has answered for this appointment."""
    about = {"appointmentId": appointment["id"], "patientId": appointment["patientId"]}
    check = {"id": f"elg-{uuid.uuid4().hex[:20]}", "version": 2, "from": "queued", "to": "complete"}
    portal.tell("coverage", "eligibilityChanged", **check, **about, **answer)


def _now(portal: Portal, appointment: JSON) -> JSON:
    return portal.get("scheduling", f"/appointments/{appointment['id']}")


def _said(portal: Portal, appointment: JSON, do: Callable[[], None]) -> list[JSON]:
    """What the topic says of an appointment because of ``do``; nothing may go to the dead letter."""
    with portal.listen("scheduling.appointment", "scheduling.dead-letter") as heard:
        do()
        heard.settle(0.5)
    assert [each for each in heard.records if "dead-letter" in each.topic] == []
    said = [each.json() for each in heard.records if each.key == appointment["id"]]
    return [each for each in said if each["reason"] not in ("requested", "rescheduled")]


def _moved(portal: Portal, appointment: JSON) -> JSON:
    who = appointment["patientId"]
    path, body = f"/appointments/{appointment['id']}/reschedule", {"slotId": portal.held_slot(who)}
    answer = portal.post("scheduling", path, patient(who), body, If_Match="*")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_answer_books_and_another_says_why_not(scheduling: Portal) -> None:
    for result, told in (
        ("eligible", ("booked", "eligible", None)),
        ("not-eligible", ("pending", "not-eligible", True)),
        ("unknown", ("pending", "eligibility-unknown", True)),
    ):
        asked = scheduling.booked(AMARA)
        (said,) = _said(
            scheduling,
            asked,
            lambda: _answer(scheduling, asked, slotId=asked["slotId"], result=result),  # noqa: B023
        )
        assert (said["to"], said["reason"], said.get("selfPay")) == told


def test_after_a_minute_without_an_answer_the_patient_hears_why_and_may_pay(scheduling: Portal) -> None:
    asked = scheduling.booked(BEN)
    assert _said(scheduling, asked, lambda: scheduling.advance("scheduling", "PT50S")) == []
    (said,) = _said(scheduling, asked, lambda: scheduling.advance("scheduling", "PT12S"))
    assert (said["from"], said["to"], said["reason"]) == ("pending", "pending", "eligibility-unknown")
    assert (said["pendingReason"], said["selfPay"]) == ("eligibility-unknown", True)
    shown = _now(scheduling, asked)
    assert (shown["status"], shown["pendingReason"], shown["selfPay"]) == (
        "pending", "eligibility-unknown", True
    )  # fmt: skip
    assert _said(scheduling, asked, lambda: scheduling.advance("scheduling", "PT1H")) == []

    _answer(scheduling, asked, slotId=asked["slotId"], result="eligible")
    booked = eventually(lambda: found if (found := _now(scheduling, asked))["status"] == "booked" else None)
    assert booked.keys().isdisjoint({"pendingReason", "selfPay"})


def test_whoever_was_answered_in_time_hears_no_more(scheduling: Portal) -> None:
    asked = scheduling.booked(BEN)
    _answer(scheduling, asked, slotId=asked["slotId"], result="not-eligible")
    eventually(lambda: _now(scheduling, asked).get("selfPay"))
    assert _said(scheduling, asked, lambda: scheduling.advance("scheduling", "PT1H")) == []


def test_what_is_asked_anew_has_a_minute_of_its_own(scheduling: Portal) -> None:
    asked = scheduling.booked(BEN)
    scheduling.advance("scheduling", "PT10M")
    assert _now(scheduling, asked)["pendingReason"] == "eligibility-unknown"
    moved = _moved(scheduling, asked)
    assert (moved["pendingReason"], moved.get("selfPay")) == ("awaiting-eligibility", None)
    assert _said(scheduling, asked, lambda: scheduling.advance("scheduling", "PT50S")) == []
    (said,) = _said(scheduling, asked, lambda: scheduling.advance("scheduling", "PT12S"))
    assert said["reason"] == "eligibility-unknown"


@pytest.mark.parametrize("result", ["eligible", "not-eligible"])
def test_an_answer_to_an_earlier_question_says_nothing_of_another_slot(
    scheduling: Portal, result: str
) -> None:
    asked = scheduling.booked(AMARA)
    moved = _moved(scheduling, asked)

    def late() -> None:
        _answer(scheduling, asked, slotId=asked["slotId"], result=result)
        _answer(scheduling, asked, result=result)

    assert _said(scheduling, asked, late) == []
    assert _now(scheduling, asked)["pendingReason"] == "awaiting-eligibility"
    _answer(scheduling, asked, slotId=moved["slotId"], result="eligible")
    eventually(lambda: _now(scheduling, asked)["status"] == "booked" or None)
