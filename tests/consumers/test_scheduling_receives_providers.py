"""Scheduling relies on the provider directory's events: of who has left nothing can be had any more."""

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

AGREEMENT = Agreement[AsyncMessageInteraction, Receiver]("scheduling", "provider-directory", "Async")

PROVIDER, SLOT, APPOINTMENT = "prv-70000006", "slt-10000031", "apt-20000031"
TOPIC, TYPE = "portal.provider-directory.provider.v1", "portal.provider-directory.ProviderChanged.v1"

Use = Callable[[Receiver], None]


@AGREEMENT("a provider has left")
def left(wanted: AsyncMessageInteraction) -> Use:
    wanted.given("Provider exists", {"id": PROVIDER, "status": "active"})
    payload = {
        "from": "active",
        "to": "inactive",
        "reason": "deactivated",
        "specialty": match.str("cardiology"),
        "locationIds": match.each_like("loc-80000001"),
        "acceptingPatients": match.bool(False),
    }
    event(wanted, TOPIC, TYPE, PROVIDER, 2, payload)

    def use(scheduling: Receiver) -> None:
        assert scheduling.get(f"/slots/{SLOT}")["status"] == "busy-unavailable"
        assert scheduling.get(f"/appointments/{APPOINTMENT}")["status"] == "proposed"

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_scheduling_takes_events_of_providers(
    interaction: Interaction[AsyncMessageInteraction, Receiver], contracts: Path
) -> None:
    with receiving(load(contracts / "scheduling")) as scheduling:
        scheduling.exists("Slot", id=SLOT, providerId=PROVIDER, status="busy")
        scheduling.exists("Appointment", id=APPOINTMENT, providerId=PROVIDER, slotId=SLOT, status="booked")
        interaction.taken(scheduling, scheduling.take)
