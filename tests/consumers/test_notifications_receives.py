"""Notifications relies on scheduling's events: the patient is told what became of an appointment."""

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

AGREEMENT = Agreement[AsyncMessageInteraction, Receiver]("notifications", "scheduling", "Async")

APPOINTMENT = "apt-20000021"
TOPIC, TYPE = "portal.scheduling.appointment.v1", "portal.scheduling.AppointmentChanged.v1"

Use = Callable[[Receiver], None]


def _told(template: str) -> Use:
    def use(notifications: Receiver) -> None:
        (delivery,) = notifications.get(f"/patients/{AMARA}/deliveries")["items"]
        assert (delivery["templateId"], delivery["appointmentId"]) == (template, APPOINTMENT)

    return use


@AGREEMENT("an appointment is booked")
def booked(wanted: AsyncMessageInteraction) -> Use:
    event(
        wanted, TOPIC, TYPE, APPOINTMENT, 2, {"from": "pending", "to": "booked", "patientId": id_like(AMARA)}
    )
    return _told("appointment-booked")


@AGREEMENT("a booked appointment is cancelled")
def cancelled(wanted: AsyncMessageInteraction) -> Use:
    payload = {"from": "booked", "to": "cancelled", "patientId": id_like(AMARA)}
    event(wanted, TOPIC, TYPE, APPOINTMENT, 3, payload)
    return _told("appointment-cancelled")


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_notifications_takes_scheduling_s_events(
    interaction: Interaction[AsyncMessageInteraction, Receiver], contracts: Path
) -> None:
    with receiving(load(contracts / "notifications")) as notifications:
        interaction.taken(notifications, notifications.take)
