"""What time alone brings about is declared by the lifecycle: once for each of its transitions."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harness.contract import load
from harness.driving.ledger import Ledger
from harness.kafka.wire import Record

TOPIC, KEY = "portal.proxy-consent.breakglass.v1", "btg-14000001"


@pytest.fixture
def ledger(contracts: Path) -> Ledger:
    bench = SimpleNamespace(
        contract=load(contracts / "proxy-consent"), alone=True, caller=SimpleNamespace(correlations=set())
    )
    return Ledger(cast("Any", bench))


def _told(number: int, before: str, to: str) -> Record:
    headers = {
        "ce_id": f"event-{number}",
        "ce_type": "portal.proxy-consent.BreakGlassChanged.v1",
        "ce_correlationid": "of-a-state-that-was-made",
        "ce_causationid": KEY,
    }
    value = json.dumps({"id": KEY, "from": before, "to": to}).encode()
    return Record(TOPIC, 0, number, KEY, tuple((k, v.encode()) for k, v in headers.items()), value)


def test_two_timers_that_lead_to_one_state_are_two(ledger: Ledger) -> None:
    """An access runs out, and later its review is overdue: ready both times."""
    ended, overdue = _told(1, "in-progress", "ready"), _told(2, "ready", "ready")
    assert list(ledger.settle([ended, overdue])) == []


def test_a_timer_that_is_told_twice_is_one_too_many(ledger: Ledger) -> None:
    once, again = _told(1, "in-progress", "ready"), _told(2, "in-progress", "ready")
    assert [each.record for each in ledger.settle([once, again])] == [again]
