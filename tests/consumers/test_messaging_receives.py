"""Messaging relies on proxy-consent's events: whose access has ended has nothing sent any more."""

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
from tests.consumers.wording import AMARA, id_like, one_of, text_like

AGREEMENT = Agreement[AsyncMessageInteraction, Receiver]("messaging", "proxy-consent", "Async")

GRANT, NEPHEW = "prx-12000021", "rel-8w3q6y1c4n"
WAITING, SENT = "msg-50000001", "msg-50000002"
TOPIC, TYPE = "portal.proxy-consent.grant.v1", "portal.proxy-consent.GrantChanged.v1"

Use = Callable[[Receiver], None]


@AGREEMENT("a proxy's access has ended")
def ended(wanted: AsyncMessageInteraction) -> Use:
    state: dict[str, object] = {"id": GRANT, "status": "active", "patientId": AMARA, "proxyId": NEPHEW}
    wanted.given("ProxyGrant exists", state)
    told = {
        "from": "active",
        "to": "inactive",
        "reason": one_of("patient-request", "proxy-request", "safety", "error", "ended"),
        "patientId": id_like(AMARA),
        "proxyId": match.regex(NEPHEW, regex="^(rel|pat)-[0-9a-z]{8,26}$"),
        "level": one_of("adult", "child", "teenager"),
        "scopes": match.each_like(text_like("patient/Communication.read")),
    }
    event(wanted, TOPIC, TYPE, GRANT, 2, told)

    def use(messaging: Receiver) -> None:
        assert messaging.get(f"/messages/{WAITING}")["statusReason"] == "proxy-revoked"
        sent = messaging.get(f"/messages/{SENT}")
        assert (sent["status"], sent["sender"]["id"]) == ("in-progress", NEPHEW)

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_messaging_takes_proxy_consent_s_events(
    interaction: Interaction[AsyncMessageInteraction, Receiver], contracts: Path
) -> None:
    sender = {"role": "proxy", "id": NEPHEW, "onBehalfOf": AMARA}
    with receiving(load(contracts / "messaging")) as messaging:
        for id, status in ((WAITING, "preparation"), (SENT, "in-progress")):
            messaging.exists("Message", id=id, status=status, patientId=AMARA, sender=sender)
        interaction.taken(messaging, messaging.take)
