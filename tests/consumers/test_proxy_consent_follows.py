"""Proxy-consent relies on patient-profile's events: what a merged patient has is the surviving one's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pact.interaction import AsyncMessageInteraction

from harness.contract import load
from tests.consumers.agreement import Interaction
from tests.consumers.merging import NEW, OLD, Merging, merged
from tests.consumers.receiving import Receiver, receiving

AGREEMENT = Merging("proxy-consent", "patient-profile", "Async")

OTHER = "pat-4k7m2q9x1a"


@AGREEMENT("a record is merged into another")
def merges(wanted: AsyncMessageInteraction) -> Callable[[Receiver], None]:
    merged(wanted)

    def use(service: Receiver) -> None:
        assert service.get(f"/patients/{OLD}/proxy-grants")["total"] == 0
        assert service.get(f"/patients/{NEW}/proxy-grants")["total"] == 1
        assert service.get(f"/patients/{NEW}/consents")["total"] == 1
        assert service.get(f"/patients/{OTHER}/proxy-grants?proxyId={NEW}")["total"] == 1

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_proxy_consent_follows_a_merge(
    interaction: Interaction[AsyncMessageInteraction, Receiver], contracts: Path
) -> None:
    with receiving(load(contracts / "proxy-consent")) as service:
        service.exists("ProxyGrant", patientId=OLD)
        service.exists("ProxyGrant", patientId=OTHER, proxyId=OLD)
        service.exists("Consent", patientId=OLD)
        interaction.taken(service, service.take)
