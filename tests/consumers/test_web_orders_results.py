"""portal-web relies on orders-results: what was ordered, what was found, and what has to wait."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pact import match
from pact.interaction import HttpInteraction

from tests.consumers.agreement import Agreement, Interaction
from tests.consumers.portal_web import PortalWeb, Refused, Result
from tests.consumers.wording import AMARA, ETAG, JSON_TYPE, id_like, one_of, text_like, time_like

AGREEMENT = Agreement[HttpInteraction, PortalWeb]("portal-web", "orders-results", "HTTP")

ORDER, REPORT, HELD, UNREAD = "ord-12000002", "rpt-13000001", "rpt-13000007", "rpt-13000011"
ETAG_READ, UNTIL = '"1"', "2031-02-22T12:00:00Z"

Use = Callable[[PortalWeb], None]


@AGREEMENT("the orders that nobody has answered yet")
def ordered(wanted: HttpInteraction) -> Use:
    (
        wanted.given("Order exists", {"id": ORDER, "patientId": AMARA, "status": "active"})
        .with_request("GET", f"/v1/patients/{AMARA}/orders")
        .with_query_parameter("status", "active")
        .will_respond_with(200)
        .with_body({"items": match.each_like({"id": id_like(ORDER)}), "total": match.int(1)}, JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        assert portal.orders() == [ORDER]

    return use


@AGREEMENT("what was found so far")
def listed(wanted: HttpInteraction) -> Use:
    told = {"id": id_like(REPORT), "status": one_of("final", "registered", "partial", "corrected")}
    (
        wanted.given("Report exists", {"id": REPORT, "patientId": AMARA, "status": "final"})
        .with_request("GET", f"/v1/patients/{AMARA}/results")
        .will_respond_with(200)
        .with_body({"items": match.each_like(told), "total": match.int(1)}, JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        assert [(each.id, each.status) for each in portal.results()] == [(REPORT, "final")]

    return use


@AGREEMENT("a number and its unit")
def measured(wanted: HttpInteraction) -> Use:
    quantity = {"value": match.number(11.2), "unit": text_like("g/dL")}
    state: dict[str, object] = {
        "id": REPORT, "patientId": AMARA, "status": "final", "release": "released",
        "observations": [{"code": "718-7", "quantity": {"value": 11.2, "unit": "g/dL"}}],
    }  # fmt: skip
    (
        wanted.given("Report exists", state)
        .with_request("GET", f"/v1/reports/{REPORT}")
        .will_respond_with(200)
        .with_header("ETag", ETAG)
        .with_body(
            {"id": REPORT, "status": "final", "observations": match.each_like({"quantity": quantity})},
            JSON_TYPE,
        )
    )

    def use(portal: PortalWeb) -> None:
        assert portal.result(REPORT).says == ("11.2 g/dL",)

    return use


@AGREEMENT("a result that is held back")
def held(wanted: HttpInteraction) -> Use:
    state: dict[str, object] = {
        "id": HELD, "patientId": AMARA, "status": "final",
        "release": "held", "holdReason": "preventing-harm", "heldUntil": UNTIL,
    }  # fmt: skip
    (
        wanted.given("Report exists", state)
        .with_request("GET", f"/v1/reports/{HELD}")
        .will_respond_with(200)
        .with_header("ETag", ETAG)
        .with_body({"id": HELD, "status": "final", "heldUntil": time_like(UNTIL)}, JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        result = portal.result(HELD)
        assert (result.says, result.waits_until) == ((), UNTIL)

    return use


@AGREEMENT("the patient has read it")
def read(wanted: HttpInteraction) -> Use:
    state: dict[str, object] = {"id": UNREAD, "patientId": AMARA, "status": "final", "release": "released"}
    (
        wanted.given("Report exists", state)
        .with_request("POST", f"/v1/reports/{UNREAD}/acknowledge")
        .with_header("If-Match", ETAG)
        .will_respond_with(200)
        .with_body({"id": UNREAD, "readAt": time_like("2031-02-20T08:00:00Z")}, JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        seen = Result(UNREAD, "final", (), None, ETAG_READ)
        assert portal.has_read(seen) == "2031-02-20T08:00:00Z"

    return use


@AGREEMENT("there is nothing to read yet")
def too_early(wanted: HttpInteraction) -> Use:
    (
        wanted.given("Report exists", {"id": REPORT, "patientId": AMARA, "status": "registered"})
        .with_request("POST", f"/v1/reports/{REPORT}/acknowledge")
        .with_header("If-Match", ETAG)
        .will_respond_with(409)
        .with_body({"status": 409, "title": text_like("Conflict")}, "application/problem+json")
    )

    def use(portal: PortalWeb) -> None:
        with pytest.raises(Refused) as caught:
            portal.has_read(Result(REPORT, "final", (), None, ETAG_READ))
        assert caught.value.status == 409

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_the_web_client_understands_results(interaction: Interaction[HttpInteraction, PortalWeb]) -> None:
    interaction.tried(lambda url: PortalWeb(url, AMARA, "of-the-test"))
