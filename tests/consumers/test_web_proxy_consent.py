"""portal-web relies on proxy-consent: who may act for the patient, who may no more, and what is permitted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pact import match
from pact.interaction import HttpInteraction

from tests.consumers.agreement import Agreement, Interaction
from tests.consumers.portal_web import PortalWeb, Proxy
from tests.consumers.wording import AMARA, BEN, ETAG, JSON_TYPE, KEY, id_like, one_of, text_like

AGREEMENT = Agreement[HttpInteraction, PortalWeb]("portal-web", "proxy-consent", "HTTP")

GRANT, CONSENT = "prx-12000003", "cns-13000001"
SCOPE = "patient/Appointment.read"

Use = Callable[[PortalWeb], None]


@AGREEMENT("who may act for the patient")
def listed(wanted: HttpInteraction) -> Use:
    state: dict[str, object] = {"id": GRANT, "patientId": AMARA, "proxyId": BEN, "status": "active"}
    shown = {
        "id": id_like(GRANT),
        "status": "active",
        "proxyId": id_like(BEN),
        "scopes": match.each_like(text_like(SCOPE)),
    }
    (
        wanted.given("ProxyGrant exists", {**state, "level": "adult", "scopes": [SCOPE]})
        .with_request("GET", f"/v1/patients/{AMARA}/proxy-grants")
        .with_query_parameters({"status": "active"})
        .will_respond_with(200)
        .with_body({"items": match.each_like(shown), "total": match.int(1)}, content_type=JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        assert portal.proxies() == [Proxy(GRANT, BEN, (SCOPE,))]

    return use


@AGREEMENT("somebody shall act for the patient")
def asked(wanted: HttpInteraction) -> Use:
    body = {"patientId": AMARA, "proxyId": BEN, "level": "adult", "scopes": [SCOPE]}
    (
        wanted.with_request("POST", "/v1/proxy-grants")
        .with_header("Idempotency-Key", KEY)
        .with_body(body, content_type=JSON_TYPE)
        .will_respond_with(201)
        .with_body({"id": id_like(GRANT), "status": "proposed"}, content_type=JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        assert portal.ask_for_proxy(BEN, SCOPE) == GRANT

    return use


@AGREEMENT("somebody shall act for the patient no more")
def revoked(wanted: HttpInteraction) -> Use:
    state: dict[str, object] = {"id": GRANT, "patientId": AMARA, "status": "active"}
    (
        wanted.given("ProxyGrant exists", state)
        .with_request("POST", f"/v1/proxy-grants/{GRANT}/revoke")
        .with_header("If-Match", ETAG)
        .with_body({"reason": "patient-request"}, content_type=JSON_TYPE)
        .will_respond_with(200)
        .with_body({"id": GRANT, "status": "inactive"}, content_type=JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        assert portal.revoke_proxy(GRANT, '"1"') == "inactive"

    return use


@AGREEMENT("what the patient permits and forbids")
def consents(wanted: HttpInteraction) -> Use:
    state: dict[str, object] = {"id": CONSENT, "patientId": AMARA, "status": "active", "provision": "permit"}
    shown = {"id": id_like(CONSENT), "provision": one_of("permit", "deny")}
    (
        wanted.given("Consent exists", state)
        .with_request("GET", f"/v1/patients/{AMARA}/consents")
        .with_query_parameters({"status": "active"})
        .will_respond_with(200)
        .with_body({"items": match.each_like(shown), "total": match.int(1)}, content_type=JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        assert portal.consents() == {CONSENT: "permit"}

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_the_web_client_understands_who_may_act(
    interaction: Interaction[HttpInteraction, PortalWeb],
) -> None:
    interaction.tried(lambda url: PortalWeb(url, AMARA, "of-the-test"))
