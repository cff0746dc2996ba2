"""Billing relies on scheduling's events: a visit that has taken place is billed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pact.interaction import AsyncMessageInteraction

from harness.contract import load
from tests.consumers.agreement import Agreement, Interaction
from tests.consumers.events import event
from tests.consumers.receiving import Receiver, receiving
from tests.consumers.wording import AMARA, id_like

AGREEMENT = Agreement[AsyncMessageInteraction, Receiver]("billing", "scheduling", "Async")

APPOINTMENT = "apt-20000021"
TOPIC, TYPE = "portal.scheduling.appointment.v1", "portal.scheduling.AppointmentChanged.v1"


@AGREEMENT("a visit has taken place")
def fulfilled(wanted: AsyncMessageInteraction) -> Callable[[Receiver], None]:
    payload = {"from": "checked-in", "to": "fulfilled", "patientId": id_like(AMARA)}
    event(wanted, TOPIC, TYPE, APPOINTMENT, 4, payload)

    def use(billing: Receiver) -> None:
        (drafted,) = billing.get(f"/patients/{AMARA}/invoices")["items"]
        assert (drafted["status"], drafted["appointmentId"]) == ("draft", APPOINTMENT)
        (asked,) = billing.published("portal.billing.invoice.v1")
        assert (asked["id"], asked["pendingReason"]) == (drafted["id"], "awaiting-payer")

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_billing_takes_scheduling_s_events(
    interaction: Interaction[AsyncMessageInteraction, Receiver], contracts: Path
) -> None:
    with receiving(load(contracts / "billing")) as billing:
        interaction.taken(billing, billing.take)
