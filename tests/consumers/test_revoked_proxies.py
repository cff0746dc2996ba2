"""Every service that lets proxies in relies on proxy-consent's events: whose grant has ended is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pact import match
from pact.interaction import AsyncMessageInteraction

from harness.contract import load_system
from harness.contract.model import Contract
from tests.conftest import ROOT
from tests.consumers.agreement import Agreement
from tests.consumers.events import event
from tests.consumers.receiving import Receiver, receiving
from tests.consumers.wording import id_like, one_of, text_like
from tests.services.portal import list_for_proxies

GRANT, PATIENT, PROXY = "prx-12000003", "pat-0h8z5p1t3b", "rel-2b7k9v4x6m"
TOPIC, TYPE = "portal.proxy-consent.grant.v1", "portal.proxy-consent.GrantChanged.v1"

Revoking = Agreement[AsyncMessageInteraction, Receiver]

CONTRACTS = [
    each
    for each in load_system(ROOT / "contracts").contracts.values()
    if any(receive.relation for receive in each.receives.values())
]


def _revoking(contract: Contract) -> Revoking:
    """What a service relies on: the event, and what it then answers to the proxy."""
    agreement = Revoking(contract.service, "proxy-consent", "Async")
    listed = str(list_for_proxies(contract, PATIENT))

    @agreement("a proxy's grant is revoked")
    def revokes(wanted: AsyncMessageInteraction) -> Callable[[Receiver], None]:
        given: dict[str, object] = {"id": GRANT, "status": "active", "patientId": PATIENT, "proxyId": PROXY}
        wanted.given("ProxyGrant exists", given)
        payload: dict[str, object] = {
            "from": "active",
            "to": "inactive",
            "patientId": id_like(PATIENT),
            "proxyId": id_like(PROXY),
            "level": one_of("adult", "child", "teenager"),
            "scopes": match.each_like(text_like("patient/Appointment.read")),
            "reason": one_of("patient-request", "proxy-request", "safety", "error", "ended"),
        }
        event(wanted, TOPIC, TYPE, GRANT, 2, payload)
        return lambda service: _refuses(service, listed)

    return agreement


def _refuses(service: Receiver, path: str) -> None:
    assert service.status(path, actor="proxy", sub=PROXY, proxy_for=[PATIENT]) == 403
    assert service.status(path, actor="proxy", sub="rel-somebody-else", proxy_for=[PATIENT]) == 200
    assert service.status(path, actor="patient", sub=PATIENT, patient=PATIENT) == 200


RELYING = {each.service: _revoking(each) for each in CONTRACTS}

AGREEMENTS = {name: each for name, each in RELYING.items() if name not in {"export-audit", "messaging"}}
"""Those two rely on more of the same events: test_export_audit_receives.py, test_messaging_receives.py."""


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda each: each.service)
def test_a_revoked_proxy_is_refused(contract: Contract) -> None:
    (interaction,) = RELYING[contract.service].interactions
    with receiving(contract) as service:
        path = str(list_for_proxies(contract, PATIENT))
        assert service.status(path, actor="proxy", sub=PROXY, proxy_for=[PATIENT]) == 200
        interaction.taken(service, service.take)
