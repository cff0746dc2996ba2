"""Notifications' own rules: on which channel a patient is told, and what is kept of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

import pytest

from harness.contract.model import JSON
from tests.services.portal import AMARA, BEN, CHLOE, DANIEL, ESTHER, FARAH, Portal, eventually, patient


def _publish(portal: Portal, who: str, **change: JSON) -> str:
    """Say as scheduling does that an appointment of this patient changed; its id."""
    told = {"id": f"apt-{uuid.uuid4().hex[:20]}", "patientId": who, **change}
    portal.tell("scheduling", "appointmentChanged", **told)
    return str(told["id"])


def _delivery(portal: Portal, who: str, appointment: str) -> JSON:
    path = f"/patients/{who}/deliveries?appointmentId={appointment}"

    def look() -> JSON:
        found = portal.get("notifications", path, patient(who))["items"]
        return found[0] if found else None

    return eventually(look)


def _told(portal: Portal, who: str, **change: JSON) -> JSON:
    return _delivery(portal, who, _publish(portal, who, **{"from": "pending", "to": "booked", **change}))


def _preferences(portal: Portal, who: str, version: str | None, **wish: JSON) -> int:
    path, body = f"/patients/{who}/preferences", {"channels": [], **wish}
    headers = {} if version is None else {"If_Match": version}
    return portal.call("notifications", "PUT", path, patient(who), body, **headers).status_code


@pytest.mark.parametrize(
    ("who", "channel"),
    [(AMARA, "push"), (DANIEL, "sms"), (CHLOE, "push"), (BEN, "none"), (FARAH, "push")],
    ids=["everything", "lapsed-coverage", "teenager", "nothing", "restricted-address"],
)
def test_the_first_channel_that_leads_to_the_patient_is_taken(portal: Portal, who: str, channel: str) -> None:
    assert _told(portal, who)["channel"] == channel


def test_in_confidence_neither_address_nor_number_is_used(portal: Portal) -> None:
    wish = {"email": "farah@mail.example", "phone": "+12025550188", "confidentialCommunication": True}
    assert _preferences(portal, FARAH, "*", channels=["email", "sms"], **wish) == 200
    assert _told(portal, FARAH)["channel"] == "none"


def test_push_needs_a_device(portal: Portal) -> None:
    wish = {"channels": ["push", "email"], "email": "esther@mail.example"}
    assert _preferences(portal, ESTHER, "*", **wish) == 200
    assert _told(portal, ESTHER)["channel"] == "email"

    device = {"platform": "web", "token": "0123456789abcdef"}
    assert portal.make("notifications", f"/patients/{ESTHER}/devices", patient(ESTHER), device).is_success
    assert _told(portal, ESTHER)["channel"] == "push"


@pytest.mark.parametrize(
    ("change", "template"),
    [
        ({"from": None, "to": "pending", "pendingReason": "awaiting-eligibility"}, "appointment-requested"),
        ({"to": "pending", "pendingReason": "not-eligible", "selfPay": True}, "appointment-self-pay"),
        ({"from": "booked", "to": "pending"}, "appointment-rescheduled"),
        ({"to": "booked"}, "appointment-booked"),
        ({"to": "cancelled"}, "appointment-cancelled"),
    ],
)
def test_each_change_has_its_notice(portal: Portal, change: Mapping[str, JSON], template: str) -> None:
    assert _told(portal, AMARA, **change)["templateId"] == template


def test_other_changes_need_no_notice(portal: Portal) -> None:
    quiet = _publish(portal, AMARA, **{"from": "booked", "to": "checked-in"})
    _publish(portal, AMARA, id=quiet, version=2, **{"from": "checked-in", "to": "booked"})

    _delivery(portal, AMARA, quiet)  # of the later one: same key, so it was read after the other

    listed = portal.get("notifications", f"/patients/{AMARA}/deliveries?appointmentId={quiet}")
    assert [each["templateId"] for each in listed["items"]] == ["appointment-booked"]


def test_what_reaches_nobody_is_not_done_until_it_is_tried_again(portal: Portal) -> None:
    begun = _told(portal, BEN)
    path = f"/deliveries/{begun['id']}"
    portal.advance("notifications", "PT2S")
    ended = portal.get("notifications", path, patient(BEN))
    assert (ended["status"], ended["notDoneReason"]) == ("not-done", "no-channel")

    assert _preferences(portal, BEN, '"0"', channels=["sms"], phone="+12025550199") == 200
    again = portal.post("notifications", f"{path}/retry", patient(BEN), If_Match="*")
    assert (again.status_code, again.json()["channel"]) == (200, "sms"), again.text
    assert "notDoneReason" not in again.json()
    portal.advance("notifications", "PT2S")
    assert portal.get("notifications", path, patient(BEN))["status"] == "completed"


def test_a_delivery_and_its_events_carry_no_address(portal: Portal) -> None:
    with portal.listen("notifications.delivery") as heard:
        begun = _told(portal, DANIEL)
        portal.advance("notifications", "PT2S")
        heard.settle(0.5)
        said = b"".join(each.value or b"" for each in heard.records if each.key == begun["id"])

    assert said.count(begun["id"].encode()) == 3
    assert b"2025550163" not in said
    assert "2025550163" not in str(portal.get("notifications", f"/deliveries/{begun['id']}"))


def test_preferences_that_were_never_set_have_a_version_too(portal: Portal) -> None:
    first = portal.call("notifications", "GET", f"/patients/{BEN}/preferences", patient(BEN))
    assert (first.json()["channels"], first.headers["etag"]) == ([], '"0"')

    assert _preferences(portal, BEN, None) == 428
    assert _preferences(portal, BEN, '"3"') == 412
    assert _preferences(portal, BEN, '"0"') == 200
    assert _preferences(portal, BEN, '"0"') == 412
    assert _preferences(portal, BEN, '"1"') == 200


def test_what_new_preferences_leave_out_is_gone(portal: Portal) -> None:
    assert _preferences(portal, AMARA, "*", channels=["push"]) == 200
    kept = portal.get("notifications", f"/patients/{AMARA}/preferences")
    assert kept == {"id": AMARA, "channels": ["push"], "confidentialCommunication": False}


def test_a_device_is_found_under_its_own_patient_only(portal: Portal) -> None:
    path = f"/patients/{AMARA}/devices"
    for claims in (patient(BEN), {"actor": "staff", "sub": "staff-1"}):
        wrong = f"/patients/{BEN}/devices/dev-50000001"
        assert portal.call("notifications", "DELETE", wrong, claims, If_Match="*").status_code == 404

    right = f"{path}/dev-50000001"
    assert portal.call("notifications", "DELETE", right, patient(AMARA), If_Match="*").status_code == 204
    assert [each["id"] for each in portal.get("notifications", path)["items"]] == ["dev-50000002"]


def test_others_hear_of_preferences_but_not_of_addresses(portal: Portal) -> None:
    with portal.listen("notifications.preferences") as heard:
        wish = {"channels": ["sms"], "phone": "+12025550177", "confidentialCommunication": True}
        assert _preferences(portal, ESTHER, "*", **wish) == 200
        heard.wait_for(lambda each: each.key == ESTHER, within=5.0, mark=0)
        heard.settle(0.2)

    (told,) = heard.records
    assert (told.json()["channels"], told.json()["confidentialCommunication"]) == (["sms"], True)
    assert b"2025550177" not in (told.value or b"")
