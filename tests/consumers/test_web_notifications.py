"""portal-web relies on notifications: how the patient is reached, and what was sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pact import match
from pact.interaction import HttpInteraction

from tests.consumers.agreement import Agreement, Interaction
from tests.consumers.portal_web import PortalWeb
from tests.consumers.wording import AMARA, JSON_TYPE, KEY, id_like, one_of

AGREEMENT = Agreement[HttpInteraction, PortalWeb]("portal-web", "notifications", "HTTP")

DEVICE, DELIVERY, TOKEN = "dev-50000001", "dlv-60000001", "8f14e45fceea167a5a36dedd4bea2543"

Use = Callable[[PortalWeb], None]


@AGREEMENT("the channels that are on")
def channels(wanted: HttpInteraction) -> Use:
    (
        wanted.given("Preferences exists", {"id": AMARA, "channels": ["push"]})
        .with_request("GET", f"/v1/patients/{AMARA}/preferences")
        .will_respond_with(200)
        .with_body({"id": AMARA, "channels": match.each_like(one_of("push", "email", "sms"))}, JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        assert portal.channels() == ["push"]

    return use


@AGREEMENT("a device is registered")
def register(wanted: HttpInteraction) -> Use:
    (
        wanted.with_request("POST", f"/v1/patients/{AMARA}/devices")
        .with_header("Idempotency-Key", KEY)
        .with_body({"platform": "ios", "token": TOKEN}, content_type=JSON_TYPE)
        .will_respond_with(201)
        .with_body({"id": id_like(DEVICE), "platform": "ios"}, content_type=JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        assert portal.register_device("ios", TOKEN) == DEVICE

    return use


@AGREEMENT("what was sent")
def deliveries(wanted: HttpInteraction) -> Use:
    (
        wanted.given("Delivery exists", {"id": DELIVERY, "patientId": AMARA, "status": "completed"})
        .with_request("GET", f"/v1/patients/{AMARA}/deliveries")
        .will_respond_with(200)
        .with_body(
            {
                "items": match.each_like(
                    {
                        "id": id_like(DELIVERY),
                        "status": match.like("completed"),
                        "templateId": match.like("appointment-booked"),
                    }
                ),
                "total": match.int(1),
            },
            content_type=JSON_TYPE,
        )
    )

    def use(portal: PortalWeb) -> None:
        (delivery,) = portal.deliveries()
        assert (delivery.id, delivery.status) == (DELIVERY, "completed")

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_the_web_client_understands_notifications(
    interaction: Interaction[HttpInteraction, PortalWeb],
) -> None:
    interaction.tried(lambda url: PortalWeb(url, AMARA, "of-the-test"))
