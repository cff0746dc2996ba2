"""Encounters and records rely on patient-profile's events: who was merged has nothing left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pact.interaction import AsyncMessageInteraction

from harness.contract import load
from tests.consumers.agreement import Interaction
from tests.consumers.merging import NEW, OLD, Merging, merged
from tests.consumers.receiving import Receiver, receiving

AGREEMENT = Merging("encounters-records", "patient-profile", "Async")


@AGREEMENT("a record is merged into another")
def merges(wanted: AsyncMessageInteraction) -> Callable[[Receiver], None]:
    merged(wanted)

    def use(service: Receiver) -> None:
        for kept in ("encounters", "allergies"):
            assert service.get(f"/patients/{OLD}/{kept}")["total"] == 0
            assert service.get(f"/patients/{NEW}/{kept}")["total"] == 1

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_encounters_follow_a_merge(
    interaction: Interaction[AsyncMessageInteraction, Receiver], contracts: Path
) -> None:
    with receiving(load(contracts / "encounters-records")) as service:
        service.exists("Encounter", patientId=OLD)
        service.exists("Allergy", patientId=OLD)
        interaction.taken(service, service.take)
