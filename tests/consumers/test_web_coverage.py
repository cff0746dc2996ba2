"""portal-web relies on coverage: what insurance there is, and whether it pays."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pact import match
from pact.interaction import HttpInteraction

from tests.consumers.agreement import Agreement, Interaction
from tests.consumers.portal_web import PortalWeb, PriorAuth, Refused
from tests.consumers.wording import (
    AMARA,
    ETAG,
    JSON_TYPE,
    KEY,
    id_like,
    one_of,
    text_like,
    time_like,
)

AGREEMENT = Agreement[HttpInteraction, PortalWeb]("portal-web", "coverage", "HTTP")

COVERAGE, CHECK = "cov-30000001", "elg-40000001"
PRIOR_AUTH, REFUSED = "pau-17000001", "pau-17000014"
DUE, ETAG_READ = "2031-02-27T08:00:00Z", '"1"'

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


def _prior_auth(id: str, outcome: str, decision: str, *answers: object) -> dict[str, object]:
    state = {"id": id, "patientId": AMARA, "dueAt": DUE, "outcome": outcome, "decision": decision}
    return {**state, "answers": list(answers)} if answers else dict(state)


@AGREEMENT("what the payer is asked to authorize")
def waiting(wanted: HttpInteraction) -> Use:
    told = {
        "id": id_like(PRIOR_AUTH),
        "decision": one_of("pended", "approved", "denied"),
        "dueAt": time_like(DUE),
    }
    (
        wanted.given("PriorAuth exists", _prior_auth(PRIOR_AUTH, "queued", "pended"))
        .with_request("GET", f"/v1/patients/{AMARA}/prior-authorizations")
        .will_respond_with(200)
        .with_body({"items": match.each_like(told), "total": match.int(1)}, JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        assert portal.prior_auths() == [PriorAuth(PRIOR_AUTH, "pended", DUE, ())]

    return use


DENIED = {"sequence": 1, "decision": "denied", "denialReason": "not-covered"}


@AGREEMENT("why the payer does not authorize it")
def denied(wanted: HttpInteraction) -> Use:
    answer = {"sequence": match.int(1), "decision": "denied", "denialReason": text_like("not-covered")}
    (
        wanted.given("PriorAuth exists", _prior_auth(REFUSED, "complete", "denied", DENIED))
        .with_request("GET", f"/v1/prior-authorizations/{REFUSED}")
        .will_respond_with(200)
        .with_header("ETag", ETAG)
        .with_body(
            {
                "id": REFUSED,
                "outcome": "complete",
                "decision": "denied",
                "dueAt": time_like(DUE),
                "answers": match.each_like(answer),
            },
            JSON_TYPE,
        )
    )

    def use(portal: PortalWeb) -> None:
        assert portal.prior_auth(REFUSED).why_not == ("not-covered",)

    return use


@AGREEMENT("the patient has a denial looked at again")
def appealed(wanted: HttpInteraction) -> Use:
    (
        wanted.given("PriorAuth exists", _prior_auth(REFUSED, "complete", "denied", DENIED))
        .with_request("POST", f"/v1/prior-authorizations/{REFUSED}/appeal")
        .with_header("If-Match", ETAG)
        .with_body({"ground": "new-evidence"}, JSON_TYPE)
        .will_respond_with(200)
        .with_body(
            {"id": REFUSED, "outcome": "queued", "decision": "pended", "dueAt": time_like(DUE)}, JSON_TYPE
        )
    )

    def use(portal: PortalWeb) -> None:
        before = PriorAuth(REFUSED, "denied", DUE, ("not-covered",), ETAG_READ)
        assert portal.appeal(before, "new-evidence").says == "pended"

    return use


@AGREEMENT("there is nothing to appeal against yet")
def too_early(wanted: HttpInteraction) -> Use:
    (
        wanted.given("PriorAuth exists", _prior_auth(PRIOR_AUTH, "queued", "pended"))
        .with_request("POST", f"/v1/prior-authorizations/{PRIOR_AUTH}/appeal")
        .with_header("If-Match", ETAG)
        .with_body({"ground": "new-evidence"}, JSON_TYPE)
        .will_respond_with(409)
        .with_body({"status": 409, "title": text_like("Conflict")}, "application/problem+json")
    )

    def use(portal: PortalWeb) -> None:
        with pytest.raises(Refused) as caught:
            portal.appeal(PriorAuth(PRIOR_AUTH, "pended", DUE, (), ETAG_READ), "new-evidence")
        assert caught.value.status == 409

    return use


@AGREEMENT("the care that is due")
def due(wanted: HttpInteraction) -> Use:
    gap = {"display": text_like("Colorectal cancer screening"), "dueOn": text_like("2031-06-30")}
    (
        wanted.given("CareGap exists", {"patientId": AMARA, "status": "open"})
        .with_request("GET", f"/v1/patients/{AMARA}/care-gaps")
        .with_query_parameter("status", "open")
        .will_respond_with(200)
        .with_body({"items": match.each_like(gap), "total": match.int(1)}, JSON_TYPE)
    )

    def use(portal: PortalWeb) -> None:
        assert portal.due() == ["Colorectal cancer screening"]

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_the_web_client_understands_coverage(interaction: Interaction[HttpInteraction, PortalWeb]) -> None:
    interaction.tried(lambda url: PortalWeb(url, AMARA, "of-the-test"))
