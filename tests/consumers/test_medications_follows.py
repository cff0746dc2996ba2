"""Medications rely on patient-profile's events: who was merged takes nothing any more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pact.interaction import AsyncMessageInteraction

from harness.contract import load
from tests.consumers.agreement import Interaction
from tests.consumers.merging import NEW, OLD, Merging, merged
from tests.consumers.receiving import Receiver, receiving

AGREEMENT = Merging("medications", "patient-profile", "Async")


@AGREEMENT("a record is merged into another")
def merges(wanted: AsyncMessageInteraction) -> Callable[[Receiver], None]:
    merged(wanted)

    def use(service: Receiver) -> None:
        for kept in ("medications", "medication-history", "reconciliations"):
            assert service.get(f"/patients/{OLD}/{kept}")["total"] == 0
            assert service.get(f"/patients/{NEW}/{kept}")["total"] == 1

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_medications_follow_a_merge(
    interaction: Interaction[AsyncMessageInteraction, Receiver], contracts: Path
) -> None:
    with receiving(load(contracts / "medications")) as service:
        for schema in ("MedicationRequest", "Dispense", "Reconciliation"):
            service.exists(schema, patientId=OLD)
        interaction.taken(service, service.take)
