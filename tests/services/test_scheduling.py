"""Scheduling's own rules: holds, who may book a held slot, which slot an appointment takes and gives back."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import httpx

from harness.contract.model import JSON
from harness.kafka.wire import Record
from tests.services.portal import AMARA, ESTHER, STAFF, Portal, eventually, patient

REASONS = {"cancellationReason": "pat-fb"}


def _hold(portal: Portal, slot: str, who: str) -> httpx.Response:
    return portal.post("scheduling", f"/slots/{slot}/hold", patient(who), {"patientId": who})


def _slot(portal: Portal, id: JSON) -> JSON:
    return portal.get("scheduling", f"/slots/{id}")


def _steps(
    portal: Portal, do: Callable[[], object], id: str, entity: str = "slot"
) -> list[tuple[str, str, str]]:
    """What the topic says of what ``do`` made of one aggregate: (from, to, reason) of each event.

    What happened before may be told while it runs.
    """
    seen = portal.call("scheduling", "GET", f"/{entity}s/{id}", STAFF)
    before = int(seen.headers["ETag"].strip('"'))
    with portal.listen(f"scheduling.{entity}") as heard:
        do()
        heard.settle(0.5)
        told = [each.json() for each in heard.records if each.key == id]
        told = [each for each in told if each["version"] > before]
    return [(each["from"], each["to"], each["reason"]) for each in told]


def test_of_many_holds_at_once_one_wins_and_one_event_says_so(portal: Portal) -> None:
    slot = portal.free_slot()
    outcomes: list[int] = []

    def race() -> None:
        with ThreadPoolExecutor(8) as pool:
            people = [AMARA, ESTHER] * 4
            outcomes.extend(
                each.status_code for each in pool.map(lambda who: _hold(portal, slot, who), people)
            )

    assert _steps(portal, race, slot) == [("free", "busy-tentative", "held")]
    assert sorted(outcomes) == [200] + [409] * 7


def test_a_slot_held_for_somebody_else_cannot_be_booked(portal: Portal) -> None:
    slot = portal.held_slot(ESTHER)

    answer = portal.make("scheduling", "/appointments", patient(AMARA), {"patientId": AMARA, "slotId": slot})

    assert answer.status_code == 409
    assert _slot(portal, slot)["heldFor"] == ESTHER


def test_a_slot_that_nobody_holds_cannot_be_booked(portal: Portal) -> None:
    body = {"patientId": AMARA, "slotId": portal.free_slot()}
    assert portal.make("scheduling", "/appointments", patient(AMARA), body).status_code == 409


def test_a_slot_that_does_not_exist_cannot_be_booked(portal: Portal) -> None:
    body = {"patientId": AMARA, "slotId": "slt-nowhere00"}
    answer = portal.make("scheduling", "/appointments", patient(AMARA), body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/slotId")


def test_a_hold_ends_after_ten_minutes_and_not_before(portal: Portal) -> None:
    slot = portal.held_slot(AMARA)
    lasts = datetime.fromisoformat(_slot(portal, slot)["heldUntil"]) - portal.now("scheduling")
    assert timedelta(minutes=9, seconds=50) < lasts <= timedelta(minutes=10)

    portal.advance("scheduling", "PT9M")
    assert _slot(portal, slot)["status"] == "busy-tentative"

    assert _steps(portal, lambda: portal.advance("scheduling", "PT2M"), slot) == [
        ("busy-tentative", "free", "expired")
    ]
    assert "heldFor" not in _slot(portal, slot)
    late = portal.make("scheduling", "/appointments", patient(AMARA), {"patientId": AMARA, "slotId": slot})
    assert late.status_code == 409
    assert _steps(portal, lambda: portal.advance("scheduling", "PT1H"), slot) == []


def test_a_booked_slot_does_not_expire(portal: Portal) -> None:
    asked = portal.booked(AMARA)
    portal.advance("scheduling", "PT11M")
    assert _slot(portal, asked["slotId"])["status"] == "busy"


def test_only_whom_it_is_held_for_gives_a_slot_back(portal: Portal) -> None:
    slot = portal.held_slot(ESTHER)

    answer = portal.post("scheduling", f"/slots/{slot}/release", patient(AMARA), {"patientId": AMARA})
    assert (answer.status_code, _slot(portal, slot)["status"]) == (409, "busy-tentative")

    answer = portal.post("scheduling", f"/slots/{slot}/release", patient(ESTHER), {"patientId": ESTHER})
    assert (answer.status_code, answer.json()["status"]) == (200, "free")


def test_who_holds_a_slot_is_not_shown_to_others(portal: Portal) -> None:
    slot = portal.held_slot(ESTHER)

    def shown(claims: dict[str, JSON]) -> list[set[str]]:
        listed = portal.get("scheduling", "/slots?status=busy-tentative&limit=100", claims)["items"]
        one = portal.get("scheduling", f"/slots/{slot}", claims)
        return [set(each) & {"heldFor", "heldUntil"} for each in (one, *listed) if each["id"] == slot]

    assert shown(patient(AMARA)) == shown({**patient(AMARA), "treats": [ESTHER]}) == [set(), set()]
    assert shown(patient(ESTHER)) == shown(dict(STAFF)) == [{"heldFor", "heldUntil"}] * 2


def test_slots_are_found_by_a_range_of_times(portal: Portal) -> None:
    early = portal.free_slot(start="2032-01-01T08:00:00Z")
    late = portal.free_slot(start="2032-01-01T11:00:00+01:00")
    path = "/slots?startFrom=2032-01-01T08:00:00Z&startBefore=2032-01-01T10:00:00Z"

    assert [each["id"] for each in portal.get("scheduling", path)["items"]] == [early]
    found = portal.get("scheduling", "/slots?startFrom=2032-01-01T10:00:00Z")["items"]
    assert [each["id"] for each in found] == [late]


def test_rescheduling_takes_the_new_slot_and_frees_the_old_one(portal: Portal) -> None:
    asked = portal.booked(AMARA)
    new = portal.held_slot(AMARA)
    path = f"/appointments/{asked['id']}/reschedule"

    answer = portal.post("scheduling", path, patient(AMARA), {"slotId": new}, If_Match="*")

    moved = answer.json()
    assert (moved["status"], moved["slotId"], moved["previousSlotId"]) == ("pending", new, asked["slotId"])
    assert moved["pendingReason"] == "awaiting-eligibility"
    assert (_slot(portal, new)["status"], _slot(portal, asked["slotId"])["status"]) == ("busy", "free")


def test_rescheduling_to_a_slot_that_is_not_held_changes_nothing(portal: Portal) -> None:
    asked = portal.booked(AMARA)
    path = f"/appointments/{asked['id']}/reschedule"

    for slot in (portal.free_slot(), portal.held_slot(ESTHER), asked["slotId"]):
        answer = portal.post("scheduling", path, patient(AMARA), {"slotId": slot}, If_Match="*")
        assert answer.status_code == 409

    assert _slot(portal, asked["slotId"])["status"] == "busy"
    assert portal.get("scheduling", f"/appointments/{asked['id']}")["slotId"] == asked["slotId"]


def test_a_cancelled_appointment_gives_its_slot_back(portal: Portal) -> None:
    asked = portal.booked(AMARA)
    path = f"/appointments/{asked['id']}/cancel"

    def cancel() -> None:
        answer = portal.post("scheduling", path, patient(AMARA), REASONS, If_Match="*")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")

    assert _steps(portal, cancel, str(asked["slotId"])) == [("busy", "free", "cancelled")]


def test_only_a_visit_of_who_has_checked_in_has_taken_place(portal: Portal) -> None:
    booked = portal.exists("scheduling", "Appointment", status="booked", patientId=ESTHER)
    path = f"/appointments/{booked['id']}"
    assert portal.post("scheduling", f"{path}/fulfil", STAFF, If_Match="*").status_code == 409
    portal.post("scheduling", f"{path}/check-in", STAFF, If_Match="*")
    assert portal.post("scheduling", f"{path}/fulfil", patient(ESTHER), If_Match="*").status_code == 403
    assert portal.post("scheduling", f"{path}/fulfil", STAFF, If_Match="*").json()["status"] == "fulfilled"


def test_what_stays_pending_for_a_day_is_cancelled_and_its_slot_freed(portal: Portal) -> None:
    slot = portal.exists("scheduling", "Slot", status="busy")
    waiting = portal.exists(
        "scheduling", "Appointment", status="pending", slotId=slot["id"], pendingReason="not-eligible"
    )
    topics = ("scheduling.slot", "scheduling.appointment")

    with portal.listen(*topics) as heard:
        portal.advance("scheduling", "PT24H")
        heard.settle(0.5)
        told = {each.key: each.json() for each in heard.records}

    ended = portal.get("scheduling", f"/appointments/{waiting['id']}")
    assert (ended["status"], ended["cancellationReason"]) == ("cancelled", "expired")
    assert "pendingReason" not in ended
    assert _slot(portal, slot["id"])["status"] == "free"
    assert told[str(waiting["id"])]["reason"] == told[str(slot["id"])]["reason"] == "expired"


def test_a_late_answer_does_not_revive_a_cancelled_appointment(portal: Portal) -> None:
    topics = ("scheduling.appointment", "coverage.eligibility", "scheduling.dead-letter")
    with portal.listen(*topics) as heard:
        asked = portal.booked(AMARA)
        path = f"/appointments/{asked['id']}"
        cancelled = portal.post("scheduling", f"{path}/cancel", patient(AMARA), REASONS, If_Match="*")
        assert cancelled.status_code == 200

        def answered(record: Record) -> bool:
            told = record.json()
            return bool(told.get("appointmentId") == asked["id"] and told["to"] == "complete")

        assert heard.wait_for(answered, within=10.0, mark=0) is not None
        heard.settle(0.5)
        told = [each.json()["to"] for each in heard.records if each.key == asked["id"]]
        given_up = [each for each in heard.records if each.topic == "portal.scheduling.dead-letter.v1"]

    assert given_up == []
    assert told == ["pending", "cancelled"]
    assert portal.get("scheduling", path)["status"] == "cancelled"


LEAVING = "prv-oftest0001"


def _leaves(portal: Portal, to: str = "inactive") -> None:
    about = {"specialty": "cardiology", "locationIds": ["loc-80000001"], "acceptingPatients": False}
    reason = "deactivated" if to == "inactive" else "updated"
    change = {"id": LEAVING, "version": 2, "from": "active", "to": to, "reason": reason}
    portal.tell("provider-directory", "providerChanged", **change, **about)


def _theirs(portal: Portal, schema: str, status: str, day: str = "2031-03-10", **more: JSON) -> str:
    times = {"start": f"{day}T09:00:00Z", "end": f"{day}T09:30:00Z"}
    made = portal.exists("scheduling", schema, status=status, **{"providerId": LEAVING, **times, **more})
    return str(made["id"])


def _reach(portal: Portal, path: str, status: str) -> JSON:
    """What a GET shows, as soon as it is in this status."""

    def look() -> JSON:
        found = portal.get("scheduling", path)
        return found if found["status"] == status else None

    return eventually(look)


def test_when_a_provider_leaves_all_that_was_to_come_has_to_be_booked_anew(portal: Portal) -> None:
    slots = [_theirs(portal, "Slot", status) for status in ("free", "busy-tentative", "busy")]
    waiting = [
        _theirs(portal, "Appointment", "booked", patientId=AMARA, slotId=slots[2]),
        _theirs(portal, "Appointment", "pending", patientId=ESTHER, pendingReason="not-eligible"),
    ]
    with portal.listen("scheduling.slot", "scheduling.appointment") as heard:
        _leaves(portal)
        for slot in slots:
            assert "heldFor" not in _reach(portal, f"/slots/{slot}", "busy-unavailable")
        for each in waiting:
            proposed = _reach(portal, f"/appointments/{each}", "proposed")
            assert not {"slotId", "start", "end", "pendingReason", "selfPay"} & proposed.keys()
        heard.settle(0.5)
    told = {(each.key, each.json()["to"], each.json()["reason"]) for each in heard.records}
    assert told == {(slot, "busy-unavailable", "provider-left") for slot in slots} | {
        (each, "proposed", "provider-left") for each in waiting
    }
    assert len(heard.records) == len(told), "each of itself, once"


def test_what_is_over_and_what_is_others_stays_when_a_provider_leaves(portal: Portal) -> None:
    stay = [
        _theirs(portal, "Appointment", "booked", "2020-03-10", patientId=AMARA),
        _theirs(portal, "Appointment", "fulfilled", patientId=AMARA),
        _theirs(portal, "Appointment", "booked", patientId=AMARA, providerId="prv-70000001"),
    ]
    before = [portal.get("scheduling", f"/appointments/{each}") for each in stay]
    past, moved = _theirs(portal, "Slot", "busy", "2020-03-10"), _theirs(portal, "Slot", "free")
    _leaves(portal)
    _reach(portal, f"/slots/{moved}", "busy-unavailable")
    assert [portal.get("scheduling", f"/appointments/{each}") for each in stay] == before
    assert _slot(portal, past)["status"] == "busy"


def test_a_provider_who_stays_takes_nothing_away(portal: Portal) -> None:
    slot, other = _theirs(portal, "Slot", "free"), portal.free_slot()
    with portal.listen("scheduling.slot") as heard:
        _leaves(portal, to="active")
        heard.settle(0.5)
    assert heard.records == []
    assert [_slot(portal, each)["status"] for each in (slot, other)] == ["free", "free"]


def test_what_is_proposed_is_booked_anew_by_rescheduling_or_cancelled(portal: Portal) -> None:
    booked, given_up = (_theirs(portal, "Appointment", "booked", patientId=AMARA) for _ in range(2))
    _leaves(portal)
    for each in (booked, given_up):
        _reach(portal, f"/appointments/{each}", "proposed")
    body = {"slotId": portal.held_slot(AMARA)}
    again = portal.post(
        "scheduling", f"/appointments/{booked}/reschedule", patient(AMARA), body, If_Match="*"
    )
    assert (again.status_code, again.json()["status"], again.json()["slotId"]) == (
        200,
        "pending",
        body["slotId"],
    )
    path = f"/appointments/{given_up}/cancel"
    assert portal.post("scheduling", path, patient(AMARA), REASONS, If_Match="*").status_code == 200
