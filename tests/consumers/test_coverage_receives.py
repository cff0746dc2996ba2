"""Coverage relies on scheduling's events: an appointment that waits makes it ask the payer."""

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

AGREEMENT = Agreement[AsyncMessageInteraction, Receiver]("coverage", "scheduling", "Async")

APPOINTMENT, SLOT = "apt-20000021", "slt-10000004"

Use = Callable[[Receiver], None]


@AGREEMENT("an appointment waits for eligibility")
def waits(wanted: AsyncMessageInteraction) -> Use:
    about = {"patientId": id_like(AMARA), "slotId": id_like(SLOT)}
    payload = {"to": "pending", "pendingReason": "awaiting-eligibility", **about}
    topic, ce_type = "portal.scheduling.appointment.v1", "portal.scheduling.AppointmentChanged.v1"
    event(wanted, topic, ce_type, APPOINTMENT, 1, payload)

    def use(coverage: Receiver) -> None:
        (asked,) = coverage.published("portal.coverage.eligibility.v1")
        assert (asked["to"], asked["patientId"]) == ("queued", AMARA)
        assert (asked["appointmentId"], asked["slotId"]) == (APPOINTMENT, SLOT)

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_coverage_takes_scheduling_s_events(
    interaction: Interaction[AsyncMessageInteraction, Receiver], contracts: Path
) -> None:
    with receiving(load(contracts / "coverage")) as coverage:
        interaction.taken(coverage, coverage.take)
