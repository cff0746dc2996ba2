"""Export-audit relies on patient-profile's events: all but the log becomes the surviving record's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pact.interaction import AsyncMessageInteraction

from harness.contract import load
from tests.consumers.agreement import Interaction
from tests.consumers.merging import NEW, OLD, Merging, merged
from tests.consumers.receiving import Receiver, receiving

AGREEMENT = Merging("export-audit", "patient-profile", "Async")


@AGREEMENT("a record is merged into another")
def merges(wanted: AsyncMessageInteraction) -> Callable[[Receiver], None]:
    merged(wanted)

    def use(service: Receiver) -> None:
        for path in ("exports", "disclosures", "access-log"):
            assert service.get(f"/patients/{OLD}/{path}")["total"] == 0
            assert service.get(f"/patients/{NEW}/{path}")["total"] == 1
        (entry,) = service.get(f"/patients/{NEW}/access-log")["items"]
        assert entry["patientId"] == OLD

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_export_audit_follows_a_merge(
    interaction: Interaction[AsyncMessageInteraction, Receiver], contracts: Path
) -> None:
    with receiving(load(contracts / "export-audit")) as service:
        for schema in ("ExportJob", "Disclosure", "AccessEntry"):
            service.exists(schema, patientId=OLD)
        interaction.taken(service, service.take)
