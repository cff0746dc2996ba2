"""Orders-results relies on coverage's events: an order shows what became of its prior authorization."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pact.interaction import AsyncMessageInteraction

from harness.contract import load
from tests.consumers.agreement import Agreement, Interaction
from tests.consumers.events import event
from tests.consumers.receiving import Receiver, receiving
from tests.consumers.wording import AMARA, id_like, one_of, time_like

AGREEMENT = Agreement[AsyncMessageInteraction, Receiver]("orders-results", "coverage", "Async")

ORDER, PRIOR_AUTH = "ord-12000022", "pau-17000022"
TOPIC, TYPE = "portal.coverage.priorauth.v1", "portal.coverage.PriorAuthChanged.v1"

Use = Callable[[Receiver], None]


@AGREEMENT("the payer decides on what was ordered")
def decided(wanted: AsyncMessageInteraction) -> Use:
    state: dict[str, object] = {
        "id": PRIOR_AUTH, "patientId": AMARA, "orderId": ORDER, "outcome": "queued", "decision": "pended",
    }  # fmt: skip
    wanted.given("PriorAuth exists", state)
    payload = {
        "from": "queued",
        "to": "complete",
        "reason": "decided",
        "patientId": id_like(AMARA),
        "orderId": id_like(ORDER),
        "priority": one_of("standard", "urgent"),
        "decision": one_of("denied", "approved", "pended"),
        "dueAt": time_like("2031-02-27T08:00:00Z"),
    }
    event(wanted, TOPIC, TYPE, PRIOR_AUTH, 2, payload)

    def use(service: Receiver) -> None:
        order = service.get(f"/orders/{ORDER}")
        assert (order["status"], order["priorAuthId"]) == ("active", PRIOR_AUTH)
        assert order["authorization"] == "denied"

    return use


@pytest.mark.parametrize("interaction", AGREEMENT.interactions, ids=str)
def test_orders_results_takes_coverage_s_events(
    interaction: Interaction[AsyncMessageInteraction, Receiver], contracts: Path
) -> None:
    with receiving(load(contracts / "orders-results")) as service:
        service.exists("Order", id=ORDER, patientId=AMARA, status="active")
        interaction.taken(service, service.take)
