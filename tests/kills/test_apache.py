"""Kills on Apache Kafka, the broker's own among them."""

from __future__ import annotations

import pytest

from tests.kafka.apache import ApacheKafka
from tests.kills.campaigns import apache_round
from tests.kills.schedule import BROKER


@pytest.mark.apache
@pytest.mark.timeout(400)
def test_nothing_is_lost_doubled_or_turned_round(
    apache_kafka: ApacheKafka, apache_kills: tuple[int, int]
) -> None:
    seed, kills = apache_kills

    outcome = apache_round(apache_kafka, seed, kills)

    assert not outcome.wrong, outcome.report
    assert len(outcome.struck) == kills, outcome.report
    assert [each for each in outcome.struck if each.kill.kind == BROKER] or kills < 5
    assert len(outcome.told.bookings) >= kills, f"too little load to prove anything: {outcome}"
