"""Billing relies on coverage's events: what the payers pay is taken off the invoice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from pact import match
from pact.interaction import AsyncMessageInteraction

from harness.contract import load
from harness.contract.model import JSON
from tests.consumers.agreement import Agreement, Interaction
from tests.consumers.events import event
from tests.consumers.receiving import Receiver, receiving
from tests.consumers.wording import AMARA, BEN, id_like, one_of

AGREEMENT = Agreement[AsyncMessageInteraction, Receiver]("billing", "coverage", "Async")

INVOICE, UNPAID = "inv-51000031", "inv-51000032"
TOPIC, TYPE = "portal.coverage.eob.v1", "portal.coverage.EobChanged.v1"
WHY = ("no-active-coverage", "coverage-ended", "coverage-not-begun", "payer-unreachable")

UNPAID_YET: Mapping[str, JSON] = {
    "total": {"value": 18000, "currency": "USD"},
    "paidAmount": {"value": 0, "currency": "USD"},
}

Use = Callable[[Receiver], None]


def _money(value: int) -> dict[str, object]:
    return {"value": value, "currency": "USD"}


def _money_like(value: int) -> dict[str, object]:
    return {"value": match.int(value), "currency": "USD"}


@AGREEMENT("the payers say what they pay")
def decided(wanted: AsyncMessageInteraction) -> Use:
    shares = {"total": _money_like(18000), "payerAmount": _money_like(14400)}
    about = {"patientId": id_like(AMARA), "invoiceId": id_like(INVOICE)}
    payload = {"from": "queued", "to": "complete", "patientAmount": _money_like(3600), **shares, **about}
    event(wanted, TOPIC, TYPE, "eob-53000031", 2, {**payload, "reason": "decided"})

    def use(billing: Receiver) -> None:
        issued = billing.get(f"/invoices/{INVOICE}")
        assert (issued["status"], issued["openAmount"]) == ("issued", _money(3600))
        assert billing.get("/explanations-of-benefit/eob-53000031")["invoiceId"] == INVOICE

    return use


@AGREEMENT("there is no payer to ask")
def undecided(wanted: AsyncMessageInteraction) -> Use:
    shares = {"total": _money_like(18000), "payerAmount": _money_like(0), "patientAmount": _money_like(18000)}
    about = {"patientId": id_like(BEN), "invoiceId": id_like(UNPAID), "outcomeReason": one_of(*WHY)}
    payload = {"from": "queued", "to": "error", "reason": "undecided", **shares, **about}
    event(wanted, TOPIC, TYPE, "eob-53000032", 2, payload)

    def use(billing: Receiver) -> None:
        issued = billing.get(f"/invoices/{UNPAID}")
        assert (issued["status"], issued["selfPay"]) == ("issued", True)
        assert issued["payerReason"] == "no-active-coverage"

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_billing_takes_coverage_s_events(
    interaction: Interaction[AsyncMessageInteraction, Receiver], contracts: Path
) -> None:
    with receiving(load(contracts / "billing")) as billing:
        for id, who in ((INVOICE, AMARA), (UNPAID, BEN)):
            billing.exists("Invoice", id=id, patientId=who, status="draft", **UNPAID_YET)
        interaction.taken(billing, billing.take)
