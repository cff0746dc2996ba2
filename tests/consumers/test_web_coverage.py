"""portal-web relies on coverage: what insurance there is, and whether it pays."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pact import match
from pact.interaction import HttpInteraction

from tests.consumers.agreement import Agreement, Interaction
from tests.consumers.portal_web import PortalWeb
from tests.consumers.wording import AMARA, JSON_TYPE, KEY, id_like, one_of

AGREEMENT = Agreement[HttpInteraction, PortalWeb]("portal-web", "coverage", "HTTP")

COVERAGE, CHECK = "cov-30000001", "elg-40000001"

Use = Callable[[PortalWeb], None]


@AGREEMENT("a patient's coverage")
def listed(wanted: HttpInteraction) -> Use:
    (
        wanted.given("Coverage exists", {"id": COVERAGE, "patientId": AMARA, "status": "active"})
        .with_request("GET", f"/v1/patients/{AMARA}/coverage")
        .will_respond_with(200)
        .with_body(
            {
                "items": match.each_like(
                    {
                        "id": id_like(COVERAGE),
                        "status": one_of("active", "cancelled", "draft", "entered-in-error"),
                        "payerId": id_like("pay-90000001"),
                    }
                ),
                "total": match.int(1),
            },
            content_type=JSON_TYPE,
        )
    )

    def use(portal: PortalWeb) -> None:
        (coverage,) = portal.coverage()
        assert (coverage.id, coverage.status) == (COVERAGE, "active")

    return use


@AGREEMENT("a payer is asked")
def asked(wanted: HttpInteraction) -> Use:
    (
        wanted.given("Coverage exists", {"id": COVERAGE, "patientId": AMARA, "status": "active"})
        .with_request("POST", "/v1/eligibility-checks")
        .with_header("Idempotency-Key", KEY)
        .with_body({"patientId": AMARA}, content_type=JSON_TYPE)
        .will_respond_with(201)
        .with_body({"id": id_like(CHECK), "outcome": "queued"}, content_type=JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        assert portal.ask_eligibility() == CHECK

    return use


@AGREEMENT("a payer's answer")
def answered(wanted: HttpInteraction) -> Use:
    complete: dict[str, object] = {
        "id": CHECK,
        "patientId": AMARA,
        "outcome": "complete",
        "result": "eligible",
    }
    (
        wanted.given("EligibilityCheck exists", complete)
        .with_request("GET", f"/v1/eligibility-checks/{CHECK}")
        .will_respond_with(200)
        .with_body(
            {
                "id": CHECK,
                "outcome": "complete",
                "result": one_of("eligible", "not-eligible", "unknown"),
            },
            content_type=JSON_TYPE,
        )
    )

    def use(portal: PortalWeb) -> None:
        assert portal.eligibility(CHECK) == "eligible"

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_the_web_client_understands_coverage(interaction: Interaction[HttpInteraction, PortalWeb]) -> None:
    interaction.tried(lambda url: PortalWeb(url, AMARA, "of-the-test"))
