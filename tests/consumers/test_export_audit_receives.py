"""Export-audit relies on proxy-consent's events: whose grant has ended, and whose record was opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pact import match
from pact.interaction import AsyncMessageInteraction

from harness.contract import load
from tests.consumers.agreement import Agreement, Interaction
from tests.consumers.events import event
from tests.consumers.receiving import Receiver, receiving
from tests.consumers.wording import AMARA, id_like, one_of, text_like, time_like

AGREEMENT = Agreement[AsyncMessageInteraction, Receiver]("export-audit", "proxy-consent", "Async")

GRANT, OPENED, EXPORT = "prx-12000031", "btg-14000031", "exp-31000031"
DAUGHTER, CLINICIAN = "rel-2b7k9v4x6m", "prv-70000001"
OWNER = "portal.proxy-consent"

Use = Callable[[Receiver], None]


@AGREEMENT("a proxy's grant is revoked")
def revoked(wanted: AsyncMessageInteraction) -> Use:
    state: dict[str, object] = {
        "id": GRANT, "status": "active", "patientId": AMARA, "proxyId": DAUGHTER, "level": "adult"
    }  # fmt: skip
    wanted.given("ProxyGrant exists", state)
    payload = {
        "from": "active", "to": "inactive", "reason": text_like("patient-request"),
        "patientId": id_like(AMARA), "proxyId": match.regex(DAUGHTER, regex="^(rel|pat)-[0-9a-z]{8,26}$"),
        "level": one_of("adult", "child", "teenager"), "scopes": match.each_like("patient/Export.read"),
    }  # fmt: skip
    event(wanted, f"{OWNER}.grant.v1", f"{OWNER}.GrantChanged.v1", GRANT, 2, payload)

    def use(service: Receiver) -> None:
        service.service.control_face.advance(1)
        found = service.get(f"/exports/{EXPORT}")
        assert (found["status"], "accessEndsAt" in found) == ("cancelled", True)

    return use


@AGREEMENT("a record is opened in an emergency")
def opened(wanted: AsyncMessageInteraction) -> Use:
    payload = {
        "to": "in-progress", "reason": "opened", "patientId": id_like(AMARA),
        "openedBy": text_like(CLINICIAN), "endsAt": time_like("2031-02-20T09:00:00Z"),
    }  # fmt: skip
    event(wanted, f"{OWNER}.breakglass.v1", f"{OWNER}.BreakGlassChanged.v1", OPENED, 1, payload)

    def use(service: Receiver) -> None:
        (entry,) = service.get(f"/patients/{AMARA}/access-log")["items"]
        assert (entry["agentId"], entry["breakGlass"], entry["sequence"]) == (CLINICIAN, True, 1)

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_export_audit_takes_proxy_consent_s_events(
    interaction: Interaction[AsyncMessageInteraction, Receiver], contracts: Path
) -> None:
    with receiving(load(contracts / "export-audit")) as service:
        service.exists("ExportJob", id=EXPORT, patientId=AMARA, startedBy=DAUGHTER, status="in-progress")
        interaction.taken(service, service.take)
