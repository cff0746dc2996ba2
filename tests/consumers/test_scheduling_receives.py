"""Scheduling relies on coverage's events: the payer's answer books an appointment, or says why not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pact.interaction import AsyncMessageInteraction

from harness.contract import load
from tests.consumers.agreement import Agreement, Interaction
from tests.consumers.events import event
from tests.consumers.receiving import Receiver, receiving
from tests.consumers.wording import AMARA, BEN, id_like

AGREEMENT = Agreement[AsyncMessageInteraction, Receiver]("scheduling", "coverage", "Async")

CHECK, APPOINTMENT, SLOT = "elg-40000021", "apt-20000021", "slt-10000004"
TOPIC, TYPE = "portal.coverage.eligibility.v1", "portal.coverage.EligibilityChanged.v1"

Use = Callable[[Receiver], None]


def _queued(wanted: AsyncMessageInteraction, patient: str) -> None:
    about = {"patientId": patient, "appointmentId": APPOINTMENT, "slotId": SLOT}
    wanted.given("EligibilityCheck exists", {"id": CHECK, "outcome": "queued", **about})


def _answer(patient: str, result: str) -> dict[str, object]:
    ids = {"patientId": patient, "appointmentId": APPOINTMENT, "slotId": SLOT}
    about = {name: id_like(id) for name, id in ids.items()}
    return {"from": "queued", "to": "complete", "result": result, **about}


@AGREEMENT("the payer pays")
def pays(wanted: AsyncMessageInteraction) -> Use:
    wanted.given(
        "Coverage exists", {"patientId": AMARA, "status": "active", "period": {"start": "2020-01-01"}}
    )
    _queued(wanted, AMARA)
    event(wanted, TOPIC, TYPE, CHECK, 2, _answer(AMARA, "eligible"))

    def use(scheduling: Receiver) -> None:
        assert scheduling.get(f"/appointments/{APPOINTMENT}")["status"] == "booked"

    return use


@AGREEMENT("the payer does not pay")
def does_not_pay(wanted: AsyncMessageInteraction) -> Use:
    _queued(wanted, BEN)
    event(wanted, TOPIC, TYPE, CHECK, 2, _answer(BEN, "not-eligible"))

    def use(scheduling: Receiver) -> None:
        found = scheduling.get(f"/appointments/{APPOINTMENT}")
        assert (found["status"], found["pendingReason"]) == ("pending", "not-eligible")

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_scheduling_takes_coverage_s_events(
    interaction: Interaction[AsyncMessageInteraction, Receiver], contracts: Path
) -> None:
    patient = BEN if "not" in interaction.description else AMARA
    with receiving(load(contracts / "scheduling")) as scheduling:
        scheduling.exists("Appointment", id=APPOINTMENT, patientId=patient, slotId=SLOT, status="pending")
        interaction.taken(scheduling, scheduling.take)
