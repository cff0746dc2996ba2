"""Export-audit relies on what scheduling tells of accesses: who asked for what of whose, and the outcome."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pact import match
from pact.interaction import AsyncMessageInteraction

from harness.contract import load
from harness.driving.message_metadata import KEY, TOPIC
from tests.consumers.agreement import Agreement, Interaction
from tests.consumers.receiving import Receiver, receiving
from tests.consumers.wording import AMARA, JSON_TYPE, id_like, one_of, text_like, time_like

AGREEMENT = Agreement[AsyncMessageInteraction, Receiver]("export-audit", "scheduling", "Async")

ACCESS, OWNER = "acc-32000031", "portal.export-audit"


@AGREEMENT("somebody reads a patient's appointments")
def read(wanted: AsyncMessageInteraction) -> Callable[[Receiver], None]:
    wanted.with_body(
        {
            "id": id_like(ACCESS),
            "service": "scheduling",
            "operation": "listAppointments",
            "action": "R",
            "agentId": text_like(AMARA),
            "actor": one_of("patient", "proxy", "clinician", "staff", "service"),
            "patientId": id_like(AMARA),
            "outcome": one_of("granted", "denied"),
            "purpose": one_of("PATRQT", "FAMRQT", "TREAT", "HOPERAT"),
            "breakGlass": False,
            "occurredAt": time_like("2031-02-20T08:02:00Z"),
            "confidentiality": one_of("N", "U", "L", "M", "R", "V"),
        },
        content_type=JSON_TYPE,
    )
    wanted.with_metadata(
        {
            TOPIC: f"{OWNER}.access.v1",
            KEY: id_like(ACCESS),
            "ce_specversion": "1.0",
            "ce_id": text_like("7d0f4c1e-9b1a-4f61-8f0e-2f8d1a6b9c31"),
            "ce_type": f"{OWNER}.AccessHappened.v1",
            "ce_source": "/portal/scheduling",
            "ce_subject": id_like(ACCESS),
            "ce_time": time_like("2031-02-20T08:02:00Z"),
            "ce_correlationid": text_like("0d9c1c8a-5b1e-4c3f-8a52-3f2b6f9f7a31"),
            "ce_causationid": text_like("0d9c1c8a-5b1e-4c3f-8a52-3f2b6f9f7a31"),
            "ce_sequence": match.regex("1", regex="^[0-9]{1,19}$"),
            "traceparent": text_like("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        }
    )

    def use(service: Receiver) -> None:
        (entry,) = service.get(f"/patients/{AMARA}/access-log")["items"]
        assert (entry["id"], entry["sequence"]) == (ACCESS, 1)
        assert (entry["operation"], entry["outcome"]) == ("listAppointments", "granted")
        assert service.get("/access-log/verification")["intact"] is True

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_export_audit_writes_down_what_scheduling_tells(
    interaction: Interaction[AsyncMessageInteraction, Receiver], contracts: Path
) -> None:
    with receiving(load(contracts / "export-audit")) as service:
        interaction.taken(service, service.take)
