"""Medications rely on encounters' events: after a discharge somebody goes through all that is taken."""

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

AGREEMENT = Agreement[AsyncMessageInteraction, Receiver]("medications", "encounters-records", "Async")

ENCOUNTER, MEDICATION = "enc-12000005", "med-21000001"
TOPIC, TYPE = "portal.encounters-records.encounter.v1", "portal.encounters-records.EncounterChanged.v1"

Use = Callable[[Receiver], None]


@AGREEMENT("a patient is discharged")
def discharged(wanted: AsyncMessageInteraction) -> Use:
    payload = {"to": "finished", "reason": "discharged", "patientId": id_like(AMARA)}
    event(wanted, TOPIC, TYPE, ENCOUNTER, 3, {**payload, "class": "IMP"})

    def use(medications: Receiver) -> None:
        (opened,) = medications.get(f"/patients/{AMARA}/reconciliations")["items"]
        assert (opened["status"], opened["encounterId"]) == ("requested", ENCOUNTER)
        assert opened["medicationRequestIds"] == [MEDICATION]

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_medications_take_a_discharge(
    interaction: Interaction[AsyncMessageInteraction, Receiver], contracts: Path
) -> None:
    with receiving(load(contracts / "medications")) as medications:
        medications.exists("MedicationRequest", id=MEDICATION, status="active", patientId=AMARA)
        interaction.taken(medications, medications.take)
