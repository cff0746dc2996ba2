"""portal-web relies on scheduling: find a slot, hold it, book it, look at the appointment, cancel it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pact import match
from pact.interaction import HttpInteraction

from tests.consumers.agreement import Agreement, Interaction
from tests.consumers.portal_web import Appointment, PortalWeb, Refused
from tests.consumers.wording import AMARA, ETAG, JSON_TYPE, KEY, id_like, one_of, time_like

AGREEMENT = Agreement[HttpInteraction, PortalWeb]("portal-web", "scheduling", "HTTP")

SLOT, APPOINTMENT = "slt-10000002", "apt-20000001"

Use = Callable[[PortalWeb], None]

PLACE = {
    "start": time_like("2031-03-03T09:30:00Z"),
    "specialty": match.like("cardiology"),
}


@AGREEMENT("free slots of a specialty")
def free_slots(wanted: HttpInteraction) -> Use:
    (
        wanted.given("Slot exists", {"id": SLOT, "status": "free", "specialty": "cardiology"})
        .with_request("GET", "/v1/slots")
        .with_query_parameters({"status": "free", "specialty": "cardiology"})
        .will_respond_with(200)
        .with_body(
            {
                "items": match.each_like({"id": id_like(SLOT), "status": "free", **PLACE}),
                "total": match.int(1),
            },
            content_type=JSON_TYPE,
        )
    )

    def use(portal: PortalWeb) -> None:
        (slot,) = portal.free_slots("cardiology")
        assert (slot.id, slot.status) == (SLOT, "free")

    return use


@AGREEMENT("a free slot is held")
def hold(wanted: HttpInteraction) -> Use:
    (
        wanted.given("Slot exists", {"id": SLOT, "status": "free"})
        .with_request("POST", f"/v1/slots/{SLOT}/hold")
        .with_body({"patientId": AMARA}, content_type=JSON_TYPE)
        .will_respond_with(200)
        .with_body({"id": SLOT, "status": "busy-tentative", **PLACE}, content_type=JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        assert portal.hold(SLOT).status == "busy-tentative"

    return use


@AGREEMENT("a slot that somebody else has is not held")
def hold_refused(wanted: HttpInteraction) -> Use:
    (
        wanted.given("Slot exists", {"id": SLOT, "status": "busy"})
        .with_request("POST", f"/v1/slots/{SLOT}/hold")
        .with_body({"patientId": AMARA}, content_type=JSON_TYPE)
        .will_respond_with(409)
        .with_body({"title": match.like("Conflict"), "status": 409}, content_type="application/problem+json")
    )

    def use(portal: PortalWeb) -> None:
        with pytest.raises(Refused) as refused:
            portal.hold(SLOT)
        assert refused.value.status == 409

    return use


@AGREEMENT("an appointment is booked into a held slot")
def book(wanted: HttpInteraction) -> Use:
    held: dict[str, object] = {"id": SLOT, "status": "busy-tentative", "heldFor": AMARA}
    (
        wanted.given("Slot exists", held)
        .with_request("POST", "/v1/appointments")
        .with_header("Idempotency-Key", KEY)
        .with_body({"patientId": AMARA, "slotId": SLOT}, content_type=JSON_TYPE)
        .will_respond_with(201)
        .with_header("ETag", ETAG)
        .with_body(
            {
                "id": id_like("apt-20000021"),
                "status": "pending",
                "pendingReason": "awaiting-eligibility",
                "slotId": SLOT,
                **PLACE,
            },
            content_type=JSON_TYPE,
        )
    )

    def use(portal: PortalWeb) -> None:
        booked = portal.book(SLOT)
        assert (booked.status, booked.waits_for) == ("pending", "awaiting-eligibility")

    return use


@AGREEMENT("an appointment with its version")
def read(wanted: HttpInteraction) -> Use:
    (
        wanted.given("Appointment exists", {"id": APPOINTMENT, "patientId": AMARA, "status": "booked"})
        .with_request("GET", f"/v1/appointments/{APPOINTMENT}")
        .will_respond_with(200)
        .with_header("ETag", ETAG)
        .with_body(
            {
                "id": APPOINTMENT,
                "status": one_of(
                    "booked", "proposed", "pending", "arrived", "fulfilled", "cancelled", "noshow",
                    "entered-in-error", "checked-in", "waitlist",
                ),
                "patientId": AMARA,
            },
            content_type=JSON_TYPE,
        )
    )  # fmt: skip

    def use(portal: PortalWeb) -> None:
        found = portal.appointment(APPOINTMENT)
        assert (found.id, found.version) == (APPOINTMENT, '"1"')

    return use


@AGREEMENT("a booked appointment is cancelled")
def cancel(wanted: HttpInteraction) -> Use:
    booked: dict[str, object] = {"id": APPOINTMENT, "patientId": AMARA, "status": "booked", "slotId": SLOT}
    (
        wanted.given("Slot exists", {"id": SLOT, "status": "busy"})
        .given("Appointment exists", booked)
        .with_request("POST", f"/v1/appointments/{APPOINTMENT}/cancel")
        .with_header("If-Match", '"1"')
        .with_body({"cancellationReason": "pat"}, content_type=JSON_TYPE)
        .will_respond_with(200)
        .with_header("ETag", ETAG)
        .with_body({"id": APPOINTMENT, "status": "cancelled"}, content_type=JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        before = Appointment(APPOINTMENT, "booked", None, '"1"', None)
        assert portal.cancel(before, "pat").status == "cancelled"

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_the_web_client_understands_scheduling(interaction: Interaction[HttpInteraction, PortalWeb]) -> None:
    interaction.tried(lambda url: PortalWeb(url, AMARA, "of-the-test"))
