"""A request that says itself where to go is accepted from fewer states than its operation."""

from __future__ import annotations

from pathlib import Path

from harness.contract import load
from harness.contract.model import Contract
from harness.driving.anatomy import Anatomy
from harness.driving.edges import edge_for, sources_for
from harness.driving.scenarios import scenarios


def _sources(contract: Contract, operation: str, schema: str) -> dict[str, tuple[str, ...]]:
    named = contract.operations[operation]
    (driven,) = [d for d in Anatomy(contract).driven(named) if d.lifecycle.schema == schema]
    return {each.name: sources_for(driven, each, named) for each in scenarios(named)}


def test_each_example_starts_where_it_leads_on(contracts: Path) -> None:
    medications = load(contracts / "medications")
    own = _sources(medications, "advanceDispense", "Dispense")
    assert own["no-contact"] == ("preparation",)
    assert own["long-name"] == ("in-progress",)
    assert own["two-scripts"] == ("preparation", "in-progress")
    beside = _sources(medications, "reconcile", "MedicationRequest")
    assert beside["discharged-yesterday-resume"] == ("on-hold",)
    assert beside["discharged-yesterday-start"] == ("draft",)


def test_where_no_criterion_admits_it_all_that_the_operation_accepts_is_left(contracts: Path) -> None:
    """So it is tried all the same, and what comes of it is told."""
    medications = load(contracts / "medications")
    decide = medications.operations["decideRefill"]
    driven = next(d for d in Anatomy(medications).driven(decide) if d.lifecycle.schema == "MedicationRequest")
    (approving,) = [each for each in scenarios(decide) if each.body == {"decision": "approve"}]
    assert edge_for(driven, "active", approving, decide) is None
    assert sources_for(driven, approving, decide) == ("active",)
