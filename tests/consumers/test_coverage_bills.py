"""Coverage relies on billing's events: an invoice that waits makes it ask the payers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pact import match
from pact.interaction import AsyncMessageInteraction

from harness.contract import load
from tests.consumers.agreement import Agreement, Interaction
from tests.consumers.events import event
from tests.consumers.receiving import Receiver, receiving
from tests.consumers.wording import AMARA, id_like

AGREEMENT = Agreement[AsyncMessageInteraction, Receiver]("coverage", "billing", "Async")

INVOICE = "inv-51000031"
TOPIC, TYPE = "portal.billing.invoice.v1", "portal.billing.InvoiceChanged.v1"


@AGREEMENT("an invoice waits for the payer")
def waits(wanted: AsyncMessageInteraction) -> Callable[[Receiver], None]:
    total = {"value": match.int(18000), "currency": "USD"}
    payload = {"to": "draft", "pendingReason": "awaiting-payer", "patientId": id_like(AMARA), "total": total}
    owed = {"payerAmount": {**total, "value": match.int(0)}, "openAmount": total}
    event(wanted, TOPIC, TYPE, INVOICE, 1, {**payload, **owed, "reason": "drafted"})

    def use(coverage: Receiver) -> None:
        (asked,) = coverage.published("portal.coverage.eob.v1")
        assert (asked["to"], asked["patientId"]) == ("queued", AMARA)
        assert (asked["invoiceId"], asked["total"]) == (INVOICE, {"value": 18000, "currency": "USD"})

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_coverage_takes_billing_s_events(
    interaction: Interaction[AsyncMessageInteraction, Receiver], contracts: Path
) -> None:
    with receiving(load(contracts / "coverage")) as coverage:
        interaction.taken(coverage, coverage.take)
