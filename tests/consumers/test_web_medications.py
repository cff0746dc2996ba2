"""portal-web relies on medications: what is taken, whether there is a refill, and why not."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pact import match
from pact.interaction import HttpInteraction

from tests.consumers.agreement import Agreement, Interaction
from tests.consumers.portal_web import Medication, NoRefill, PortalWeb
from tests.consumers.wording import AMARA, ETAG, JSON_TYPE, KEY, id_like, one_of, text_like

AGREEMENT = Agreement[HttpInteraction, PortalWeb]("portal-web", "medications", "HTTP")

MEDICATION, REFILL, DISPENSE = "med-21000001", "rfl-22000021", "dsp-23000001"
DECLINED = "rfl-22000003"
ASKED = {"patientId": AMARA, "medicationRequestId": MEDICATION}
REQUEST_STATUSES = (
    "active", "on-hold", "cancelled", "completed", "entered-in-error", "stopped", "draft", "unknown",
)  # fmt: skip

Use = Callable[[PortalWeb], None]


def _prescribed(wanted: HttpInteraction, **said: object) -> None:
    usual = {"status": "active", "refillsAllowed": 5, "refillsRemaining": 4}
    wanted.given("MedicationRequest exists", {"id": MEDICATION, "patientId": AMARA, **usual, **said})


@AGREEMENT("what a patient takes")
def listed(wanted: HttpInteraction) -> Use:
    _prescribed(wanted)
    shown = {
        "id": id_like(MEDICATION),
        "status": one_of(*REQUEST_STATUSES),
        "medication": {"display": text_like("Lisinopril 10 mg tablet")},
        "refillsRemaining": match.int(4),
    }
    (
        wanted.with_request("GET", f"/v1/patients/{AMARA}/medications")
        .will_respond_with(200)
        .with_body({"items": match.each_like(shown), "total": match.int(1)}, content_type=JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        assert portal.medications() == [Medication(MEDICATION, "active", "Lisinopril 10 mg tablet", 4)]

    return use


def _asking(wanted: HttpInteraction) -> HttpInteraction:
    return (
        wanted.with_request("POST", "/v1/refills")
        .with_header("Idempotency-Key", KEY)
        .with_body(ASKED, content_type=JSON_TYPE)
    )


@AGREEMENT("a refill is asked for")
def asked(wanted: HttpInteraction) -> Use:
    _prescribed(wanted)
    (
        _asking(wanted)
        .will_respond_with(201)
        .with_header("ETag", ETAG)
        .with_body({"id": id_like(REFILL), "status": "requested"}, content_type=JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        assert portal.ask_for_refill(MEDICATION) == REFILL

    return use


@AGREEMENT("a refill is asked for that is open already")
def asked_again(wanted: HttpInteraction) -> Use:
    wanted.given("Refill exists", {"id": REFILL, "status": "requested", **ASKED})
    _prescribed(wanted, openRefillId=REFILL)
    _asking(wanted).will_respond_with(200).with_body({"id": REFILL}, content_type=JSON_TYPE)

    def use(portal: PortalWeb) -> None:
        assert portal.ask_for_refill(MEDICATION) == REFILL

    return use


@AGREEMENT("a refill is asked for too early")
def too_early(wanted: HttpInteraction) -> Use:
    _prescribed(wanted, refillableFrom="2999-12-31")
    told = {
        "status": 409,
        "title": text_like("Conflict"),
        "refusal": "too-early",
        "refillableFrom": match.regex("2031-03-05", regex=r"^\d{4}-\d{2}-\d{2}$"),
    }
    _asking(wanted).will_respond_with(409).with_body(told, content_type="application/problem+json")

    def use(portal: PortalWeb) -> None:
        with pytest.raises(NoRefill) as caught:
            portal.ask_for_refill(MEDICATION)
        assert (caught.value.why, caught.value.first) == ("too-early", "2031-03-05")

    return use


@AGREEMENT("a refill that was declined")
def declined(wanted: HttpInteraction) -> Use:
    state: dict[str, object] = {
        "id": DECLINED,
        "status": "rejected",
        "declineReason": "visit-needed",
        **ASKED,
    }
    reasons = ("visit-needed", "dose-changed", "no-longer-taken", "other")
    (
        wanted.given("Refill exists", state)
        .with_request("GET", f"/v1/refills/{DECLINED}")
        .will_respond_with(200)
        .with_body({"status": "rejected", "declineReason": one_of(*reasons)}, content_type=JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        assert portal.refill(DECLINED) == ("rejected", "visit-needed")

    return use


@AGREEMENT("what was dispensed")
def dispensed(wanted: HttpInteraction) -> Use:
    (
        wanted.given("Dispense exists", {"id": DISPENSE, "patientId": AMARA, "status": "completed"})
        .with_request("GET", f"/v1/patients/{AMARA}/medication-history")
        .will_respond_with(200)
        .with_body(
            {"items": match.each_like({"id": id_like(DISPENSE), "status": text_like("completed")})}, JSON_TYPE
        )
    )

    def use(portal: PortalWeb) -> None:
        assert portal.dispensed() == [(DISPENSE, "completed")]

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_the_web_client_understands_medications(
    interaction: Interaction[HttpInteraction, PortalWeb],
) -> None:
    interaction.tried(lambda url: PortalWeb(url, AMARA, "of-the-test"))
