"""Sources of copies rely on export-audit's events: what they have of who wants a copy is handed over.

Three of the ten, which all do the same: one that hides nothing, one that holds results back, one in between.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pact import match
from pact.interaction import AsyncMessageInteraction

from harness.contract import load
from harness.contract.schema import compile_schema
from tests.consumers.agreement import Agreement
from tests.consumers.events import event
from tests.consumers.receiving import Receiver, receiving
from tests.consumers.wording import AMARA, id_like, text_like

EXPORT = "exp-31000031"
TOPIC, TYPE = "portal.export-audit.export.v1", "portal.export-audit.ExportChanged.v1"
KINDS = {"scheduling": "Appointment", "medications": "MedicationRequest", "orders-results": "Order"}

Source = Agreement[AsyncMessageInteraction, Receiver]


def _source(service: str) -> Source:
    agreement = Source(service, "export-audit", "Async")

    @agreement("a copy is asked for")
    def asked(wanted: AsyncMessageInteraction) -> Callable[[Receiver], None]:
        payload: dict[str, object] = {
            "to": "accepted",
            "reason": "requested",
            "patientId": id_like(AMARA),
            "sources": match.each_like(text_like(service)),
        }
        event(wanted, TOPIC, TYPE, EXPORT, 1, payload)

        def use(receiver: Receiver) -> None:
            ((path, body),) = receiver.called("export-audit", "deliverPart")
            assert path == {"exportId": EXPORT, "source": service}
            (entry,) = body["entries"]
            assert entry["resourceType"] == KINDS[service]

        return use

    return agreement


AGREEMENTS = {service: _source(service) for service in KINDS}


@pytest.mark.parametrize("service", KINDS)
def test_what_a_source_has_is_to_be_handed_over(service: str, contracts: Path) -> None:
    (interaction,) = AGREEMENTS[service].interactions
    with receiving(load(contracts / service)) as source:
        source.exists(KINDS[service], patientId=AMARA, confidentiality="N")
        interaction.taken(source, source.take)
        ((_, body),) = source.called("export-audit", "deliverPart")
    operation = load(contracts / "export-audit").operations["deliverPart"]
    assert operation.body is not None
    (media,) = operation.body.content.values()
    assert media.schema is not None
    assert compile_schema(media.schema).violations(body) == ()
