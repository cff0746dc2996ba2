"""What every service that keeps something of patients relies on: the event of a merge."""

from __future__ import annotations

from pact.interaction import AsyncMessageInteraction

from tests.consumers.agreement import Agreement
from tests.consumers.events import event
from tests.consumers.receiving import Receiver
from tests.consumers.wording import id_like

OLD, NEW = "pat-0d4u6p8l2q", "pat-1r5m9w3c7p"
TOPIC, TYPE = "portal.patient-profile.patient.v1", "portal.patient-profile.PatientChanged.v1"

Merging = Agreement[AsyncMessageInteraction, Receiver]


def merged(wanted: AsyncMessageInteraction) -> None:
    """Both records are there, and then one is no more."""
    wanted.given("Patient exists", {"id": OLD, "status": "active"})
    payload = {"from": "active", "to": "merged", "reason": "merged", "replacedBy": id_like(NEW)}
    event(wanted, TOPIC, TYPE, OLD, 2, payload)
