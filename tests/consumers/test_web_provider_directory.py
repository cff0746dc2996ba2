"""portal-web relies on the provider directory: who can be seen, where, and whom a slot belongs to."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pact import match
from pact.interaction import HttpInteraction

from tests.consumers.agreement import Agreement, Interaction
from tests.consumers.portal_web import PortalWeb
from tests.consumers.wording import AMARA, JSON_TYPE, id_like, text_like

AGREEMENT = Agreement[HttpInteraction, PortalWeb]("portal-web", "provider-directory", "HTTP")

PROVIDER, PLACE = "prv-70000002", "loc-80000001"

Use = Callable[[PortalWeb], None]


def _shown() -> dict[str, object]:
    return {
        "id": id_like(PROVIDER),
        "familyName": text_like("Sato"),
        "locationIds": match.each_like(id_like(PLACE)),
        "acceptingPatients": match.bool(True),
    }


@AGREEMENT("dermatologists who are here")
def listed(wanted: HttpInteraction) -> Use:
    state: dict[str, object] = {"id": PROVIDER, "status": "active", "specialty": "dermatology"}
    (
        wanted.given("Provider exists", state)
        .with_request("GET", "/v1/providers")
        .with_query_parameters({"status": "active", "specialty": "dermatology"})
        .will_respond_with(200)
        .with_body({"items": match.each_like(_shown()), "total": match.int(1)}, content_type=JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        (provider,) = portal.providers("dermatology")
        assert (provider.id, provider.places) == (PROVIDER, (PLACE,))

    return use


@AGREEMENT("the provider of a slot")
def read(wanted: HttpInteraction) -> Use:
    (
        wanted.given("Provider exists", {"id": PROVIDER, "status": "active"})
        .with_request("GET", f"/v1/providers/{PROVIDER}")
        .will_respond_with(200)
        .with_body({**_shown(), "id": PROVIDER}, content_type=JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        assert portal.provider(PROVIDER).name == "Sato"

    return use


@AGREEMENT("the place of an appointment")
def placed(wanted: HttpInteraction) -> Use:
    (
        wanted.given("Location exists", {"id": PLACE, "status": "active"})
        .with_request("GET", f"/v1/locations/{PLACE}")
        .will_respond_with(200)
        .with_body({"id": PLACE, "name": text_like("Riverside Clinic")}, content_type=JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        assert portal.place(PLACE) == "Riverside Clinic"

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_the_web_client_understands_the_directory(
    interaction: Interaction[HttpInteraction, PortalWeb],
) -> None:
    interaction.tried(lambda url: PortalWeb(url, AMARA, "of-the-test"))
