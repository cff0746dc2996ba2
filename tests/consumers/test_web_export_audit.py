"""portal-web relies on export-audit: a copy that says what is missing in it, and who has seen what."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pact import match
from pact.interaction import HttpInteraction

from tests.consumers.agreement import Agreement, Interaction
from tests.consumers.portal_copies import Copy, PortalCopies
from tests.consumers.portal_web import Refused
from tests.consumers.wording import AMARA, ETAG, JSON_TYPE, KEY, id_like, one_of, text_like, time_like

AGREEMENT = Agreement[HttpInteraction, PortalCopies]("portal-web", "export-audit", "HTTP")

NEW, GOING, DONE, OVER, UNWANTED = (f"exp-310000{n}" for n in ("21", "01", "04", "06", "08"))
WANTED = ["medications", "orders-results"]
SINCE = "2031-02-20T07:00:00Z"

Use = Callable[[PortalCopies], None]


@AGREEMENT("a copy is asked for")
def asked(wanted: HttpInteraction) -> Use:
    (
        wanted.with_request("POST", f"/v1/patients/{AMARA}/exports")
        .with_header("Idempotency-Key", KEY)
        .with_body({"sources": WANTED}, JSON_TYPE)
        .will_respond_with(202)
        .with_body({"id": id_like(NEW), "status": "accepted"}, JSON_TYPE)
    )

    def use(portal: PortalCopies) -> None:
        assert portal.ask_for_copy(*WANTED) == NEW

    return use


@AGREEMENT("what a copy still waits for")
def waiting(wanted: HttpInteraction) -> Use:
    state: dict[str, object] = {
        "id": GOING, "patientId": AMARA, "status": "accepted",
        "sources": WANTED, "awaited": WANTED, "parts": [],
    }  # fmt: skip
    (
        wanted.given("ExportJob exists", state)
        .with_request("GET", f"/v1/exports/{GOING}")
        .will_respond_with(200)
        .with_header("ETag", ETAG)
        .with_body({"id": GOING, "status": "accepted", "awaited": WANTED}, JSON_TYPE)
    )

    def use(portal: PortalCopies) -> None:
        status, awaited, _ = portal.export(GOING)
        assert (status, awaited) == ("accepted", WANTED)

    return use


@AGREEMENT("a copy in which a part is missing")
def partial(wanted: HttpInteraction) -> Use:
    missing = {"source": "billing", "since": SINCE, "reason": "not-delivered"}
    state: dict[str, object] = {
        "id": DONE, "patientId": AMARA, "status": "completed", "requestedAt": SINCE,
        "sources": ["billing", "medications"], "awaited": ["billing"], "partial": [missing],
        "parts": [{"source": "medications", "receivedAt": SINCE}],
        "content": [{"source": "medications", "entries": []}],
    }  # fmt: skip
    part = {"source": text_like("medications"), "entries": match.like([])}
    told = {"source": text_like("billing"), "since": time_like(SINCE)}
    (
        wanted.given("ExportJob exists", state)
        .with_request("GET", f"/v1/exports/{DONE}/content")
        .will_respond_with(200)
        .with_body({"parts": match.each_like(part), "partial": match.each_like(told)}, JSON_TYPE)
    )

    def use(portal: PortalCopies) -> None:
        assert portal.copy(DONE) == Copy({"medications": 0}, {"billing": SINCE})

    return use


@AGREEMENT("a copy whose time is over")
def over(wanted: HttpInteraction) -> Use:
    (
        wanted.given("ExportJob exists", {"id": OVER, "patientId": AMARA, "status": "expired"})
        .with_request("GET", f"/v1/exports/{OVER}/content")
        .will_respond_with(410)
        .with_body({"status": 410, "title": text_like("Gone")}, "application/problem+json")
    )

    def use(portal: PortalCopies) -> None:
        with pytest.raises(Refused) as caught:
            portal.copy(OVER)
        assert caught.value.status == 410

    return use


@AGREEMENT("a copy is not wanted any more")
def unwanted(wanted: HttpInteraction) -> Use:
    (
        wanted.given("ExportJob exists", {"id": UNWANTED, "patientId": AMARA, "status": "accepted"})
        .with_request("POST", f"/v1/exports/{UNWANTED}/cancel")
        .with_header("If-Match", ETAG)
        .will_respond_with(200)
        .with_body({"id": UNWANTED, "status": "cancelled"}, JSON_TYPE)
    )

    def use(portal: PortalCopies) -> None:
        assert portal.call_off(UNWANTED, '"1"') == "cancelled"

    return use


@AGREEMENT("who has seen my data")
def seen(wanted: HttpInteraction) -> Use:
    entry = {
        "agentId": text_like("prv-70000001"),
        "service": text_like("medications"),
        "outcome": one_of("granted", "denied"),
    }
    state: dict[str, object] = {"patientId": AMARA, "agentId": "prv-70000001", "service": "medications"}
    (
        wanted.given("AccessEntry exists", state)
        .with_request("GET", f"/v1/patients/{AMARA}/access-log")
        .will_respond_with(200)
        .with_body({"items": match.each_like(entry), "total": match.int(1)}, JSON_TYPE)
    )

    def use(portal: PortalCopies) -> None:
        assert portal.seen_by() == [("prv-70000001", "medications", "granted")]

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_the_web_client_understands_exports(interaction: Interaction[HttpInteraction, PortalCopies]) -> None:
    interaction.tried(lambda url: PortalCopies(url, AMARA, "of-the-test"))
