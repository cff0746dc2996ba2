"""Encounters and records rely on scheduling's events: whoever has checked in has arrived."""

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

AGREEMENT = Agreement[AsyncMessageInteraction, Receiver]("encounters-records", "scheduling", "Async")

APPOINTMENT = "apt-20000021"
TOPIC, TYPE = "portal.scheduling.appointment.v1", "portal.scheduling.AppointmentChanged.v1"

Use = Callable[[Receiver], None]


@AGREEMENT("a patient has checked in")
def checked_in(wanted: AsyncMessageInteraction) -> Use:
    payload = {"from": "booked", "to": "checked-in", "patientId": id_like(AMARA)}
    event(wanted, TOPIC, TYPE, APPOINTMENT, 3, payload)

    def use(encounters: Receiver) -> None:
        (begun,) = encounters.get(f"/patients/{AMARA}/encounters")["items"]
        assert (begun["status"], begun["appointmentId"]) == ("arrived", APPOINTMENT)

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_encounters_take_scheduling_s_events(
    interaction: Interaction[AsyncMessageInteraction, Receiver], contracts: Path
) -> None:
    with receiving(load(contracts / "encounters-records")) as encounters:
        interaction.taken(encounters, encounters.take)
