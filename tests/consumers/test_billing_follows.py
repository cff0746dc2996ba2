"""Billing relies on patient-profile's events: what a merged patient owes is the surviving one's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pact.interaction import AsyncMessageInteraction

from harness.contract import load
from tests.consumers.agreement import Interaction
from tests.consumers.merging import NEW, OLD, Merging, merged
from tests.consumers.receiving import Receiver, receiving

AGREEMENT = Merging("billing", "patient-profile", "Async")


@AGREEMENT("a record is merged into another")
def merges(wanted: AsyncMessageInteraction) -> Callable[[Receiver], None]:
    merged(wanted)

    def use(service: Receiver) -> None:
        for path in ("invoices", "payments", "explanations-of-benefit"):
            assert service.get(f"/patients/{OLD}/{path}")["total"] == 0
            assert service.get(f"/patients/{NEW}/{path}")["total"] == 1

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_billing_follows_a_merge(
    interaction: Interaction[AsyncMessageInteraction, Receiver], contracts: Path
) -> None:
    with receiving(load(contracts / "billing")) as service:
        for kept in ("Invoice", "Payment", "ExplanationOfBenefit"):
            service.exists(kept, patientId=OLD)
        interaction.taken(service, service.take)
