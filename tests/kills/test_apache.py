"""Kills on Apache Kafka, the broker's own among them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kafka.apache import ApacheKafka
from tests.kafka.artifacts import skip_where_it_cannot_be_had
from tests.kills.campaigns import apache_round
from tests.kills.schedule import BROKER


@pytest.fixture(scope="module")
def fresh_kafka() -> Iterator[ApacheKafka]:
    """One with no past: events that others' services left unread would be taken for effects of this round."""
    skip_where_it_cannot_be_had()
    with ApacheKafka() as running:
        yield running


@pytest.mark.apache
@pytest.mark.timeout(400)
def test_nothing_is_lost_doubled_or_turned_round(
    fresh_kafka: ApacheKafka, apache_kills: tuple[int, int]
) -> None:
    seed, kills = apache_kills

    outcome = apache_round(fresh_kafka, seed, kills)

    assert not outcome.wrong, outcome.report
    assert len(outcome.struck) == kills, outcome.report
    assert [each for each in outcome.struck if each.kill.kind == BROKER] or kills < 5
    assert len(outcome.told.bookings) >= kills, f"too little load to prove anything: {outcome}"
