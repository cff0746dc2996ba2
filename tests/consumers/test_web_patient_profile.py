"""portal-web relies on patient-profile: who the patient is, how to reach them, and what is filled in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pact import match
from pact.interaction import HttpInteraction

from tests.consumers.agreement import Agreement, Interaction
from tests.consumers.portal_web import Moved, PortalWeb
from tests.consumers.wording import AMARA, ETAG, JSON_TYPE, KEY, id_like, text_like

AGREEMENT = Agreement[HttpInteraction, PortalWeb]("portal-web", "patient-profile", "HTTP")

FORM, SURVIVOR = "frm-11000001", "pat-7z4f2c8y6l"

Use = Callable[[PortalWeb], None]


@AGREEMENT("who the patient is")
def read(wanted: HttpInteraction) -> Use:
    (
        wanted.given("Patient exists", {"id": AMARA, "status": "active"})
        .with_request("GET", f"/v1/patients/{AMARA}")
        .will_respond_with(200)
        .with_header("ETag", ETAG)
        .with_body({"id": AMARA, "name": text_like("Amara Okafor")}, content_type=JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        assert portal.name() == "Amara Okafor"

    return use


@AGREEMENT("a patient whose record was merged")
def gone(wanted: HttpInteraction) -> Use:
    state: dict[str, object] = {"id": AMARA, "status": "merged", "identifiers": [], "replacedBy": SURVIVOR}
    (
        wanted.given("Patient exists", state)
        .with_request("GET", f"/v1/patients/{AMARA}")
        .will_respond_with(410)
        .with_body(
            {"status": 410, "title": text_like("Gone"), "replacedBy": id_like(SURVIVOR)},
            content_type="application/problem+json",
        )
    )

    def use(portal: PortalWeb) -> None:
        with pytest.raises(Moved) as caught:
            portal.name()
        assert caught.value.into == SURVIVOR

    return use


@AGREEMENT("a form is handed in")
def handed_in(wanted: HttpInteraction) -> Use:
    body = {"questionnaire": "intake", "answers": [{"linkId": "smoking", "value": "Never smoked"}]}
    (
        wanted.given("Patient exists", {"id": AMARA, "status": "active"})
        .with_request("POST", f"/v1/patients/{AMARA}/forms")
        .with_header("Idempotency-Key", KEY)
        .with_body(body, content_type=JSON_TYPE)
        .will_respond_with(201)
        .with_body({"id": id_like(FORM), "status": "completed"}, content_type=JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        assert portal.hand_in("intake", {"smoking": "Never smoked"}) == FORM

    return use


@AGREEMENT("the forms that were handed in")
def listed(wanted: HttpInteraction) -> Use:
    (
        wanted.given("Form exists", {"id": FORM, "patientId": AMARA, "questionnaire": "intake"})
        .with_request("GET", f"/v1/patients/{AMARA}/forms")
        .will_respond_with(200)
        .with_body({"items": match.each_like({"id": id_like(FORM)}), "total": match.int(1)}, JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        assert portal.forms() == [FORM]

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_the_web_client_understands_the_profile(
    interaction: Interaction[HttpInteraction, PortalWeb],
) -> None:
    interaction.tried(lambda url: PortalWeb(url, AMARA, "of-the-test"))
