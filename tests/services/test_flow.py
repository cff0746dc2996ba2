"""The flow that crosses services: hold, book, ask the payer, book or wait, tell the patient."""

from __future__ import annotations

from harness.contract.model import JSON
from tests.services.portal import AMARA, DANIEL, Portal, eventually, patient


def _appointment(portal: Portal, id: str, status: str, **fields: JSON) -> JSON:
    def look() -> JSON:
        found = portal.get("scheduling", f"/appointments/{id}")
        wanted = {"status": status, **fields}
        return found if all(found.get(name) == value for name, value in wanted.items()) else None

    return eventually(look)


def _delivery(portal: Portal, who: str, appointment: str, template: str, status: str) -> JSON:
    path = f"/patients/{who}/deliveries?appointmentId={appointment}&status={status}"

    def look() -> JSON:
        found = portal.get("notifications", path, patient(who))["items"]
        return next((each for each in found if each["templateId"] == template), None)

    return eventually(look)


def test_a_covered_patient_is_booked_and_told(portal: Portal) -> None:
    asked = portal.booked(AMARA)
    assert (asked["status"], asked["pendingReason"]) == ("pending", "awaiting-eligibility")

    booked = _appointment(portal, str(asked["id"]), "booked")
    told = _delivery(portal, AMARA, str(asked["id"]), "appointment-booked", "completed")

    assert "pendingReason" not in booked
    assert told["channel"] == "push"
    assert portal.get("scheduling", f"/slots/{asked['slotId']}")["status"] == "busy"


def test_without_coverage_it_stays_pending_with_the_reason_and_the_patient_is_asked_to_pay(
    portal: Portal,
) -> None:
    asked = portal.booked(DANIEL)

    waiting = _appointment(portal, str(asked["id"]), "pending", pendingReason="not-eligible")
    told = _delivery(portal, DANIEL, str(asked["id"]), "appointment-self-pay", "completed")

    assert waiting["selfPay"] is True
    assert told["channel"] == "sms"


def test_an_answer_causes_no_further_question(portal: Portal) -> None:
    with portal.listen("coverage.eligibility", "coverage.dead-letter") as heard:
        asked = portal.booked(DANIEL)
        _appointment(portal, str(asked["id"]), "pending", pendingReason="not-eligible")
        _delivery(portal, DANIEL, str(asked["id"]), "appointment-self-pay", "completed")
        heard.settle(0.5)
        answers = [each for each in heard.records if each.topic == "portal.coverage.eligibility.v1"]
        given_up = [each for each in heard.records if each not in answers]

    steps = [each.json() for each in answers]
    ours = [(each.get("from"), each["to"]) for each in steps if each.get("appointmentId") == asked["id"]]
    assert given_up == []
    assert ours == [(None, "queued"), ("queued", "complete")]


def test_one_correlation_runs_through_everything(portal: Portal) -> None:
    topics = ("scheduling.appointment", "coverage.eligibility", "notifications.delivery")
    body = {"patientId": AMARA, "slotId": portal.held_slot(AMARA)}
    with portal.listen(*topics) as heard:
        answer = portal.post(
            "scheduling",
            "/appointments",
            patient(AMARA),
            body,
            Idempotency_Key="flow-correlation",
            X_Correlation_Id="one-thread",
        )
        _delivery(portal, AMARA, answer.json()["id"], "appointment-booked", "completed")
        heard.settle(0.2)
        ours = [each for each in heard.records if each.header("ce_correlationid") == "one-thread"]

    told = {(each.topic.split(".")[2], each.json()["to"]) for each in ours}
    assert {("appointment", "pending"), ("eligibility", "queued"), ("eligibility", "complete")} <= told
    assert {("appointment", "booked"), ("delivery", "preparation"), ("delivery", "completed")} <= told
    assert len({each.header("ce_id") for each in ours}) == len(ours)


def test_cancelling_and_rescheduling_travel_the_same_way(portal: Portal) -> None:
    asked = portal.booked(AMARA)
    _appointment(portal, str(asked["id"]), "booked")
    path = f"/appointments/{asked['id']}"

    moved = portal.post(
        "scheduling", f"{path}/reschedule", patient(AMARA), {"slotId": portal.held_slot(AMARA)}, If_Match="*"
    )
    assert (moved.status_code, moved.json()["status"]) == (200, "pending"), moved.text
    _appointment(portal, str(asked["id"]), "booked")
    _delivery(portal, AMARA, str(asked["id"]), "appointment-rescheduled", "completed")

    cancelled = portal.post(
        "scheduling", f"{path}/cancel", patient(AMARA), {"cancellationReason": "pat-fb"}, If_Match="*"
    )
    assert cancelled.status_code == 200, cancelled.text
    _delivery(portal, AMARA, str(asked["id"]), "appointment-cancelled", "completed")
