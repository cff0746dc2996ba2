"""Coverage relies on orders-results' events: an order that needs authorization makes it ask the payer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pact.interaction import AsyncMessageInteraction

from harness.contract import load
from tests.consumers.agreement import Agreement, Interaction
from tests.consumers.events import event
from tests.consumers.receiving import Receiver, receiving
from tests.consumers.wording import AMARA, id_like, one_of

AGREEMENT = Agreement[AsyncMessageInteraction, Receiver]("coverage", "orders-results", "Async")

ORDER = "ord-12000022"

Use = Callable[[Receiver], None]


@AGREEMENT("an order needs authorization")
def needs(wanted: AsyncMessageInteraction) -> Use:
    payload = {
        "to": "active",
        "reason": "ordered",
        "patientId": id_like(AMARA),
        "priority": one_of("urgent", "routine", "asap", "stat"),
        "requiresAuthorization": True,
    }
    topic, ce_type = "portal.orders-results.order.v1", "portal.orders-results.OrderChanged.v1"
    event(wanted, topic, ce_type, ORDER, 1, payload)

    def use(coverage: Receiver) -> None:
        (asked,) = coverage.published("portal.coverage.priorauth.v1")
        assert (asked["to"], asked["patientId"], asked["orderId"]) == ("queued", AMARA, ORDER)
        assert asked["priority"] == "urgent"

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_coverage_takes_events_of_orders(
    interaction: Interaction[AsyncMessageInteraction, Receiver], contracts: Path
) -> None:
    with receiving(load(contracts / "coverage")) as coverage:
        interaction.taken(coverage, coverage.take)
