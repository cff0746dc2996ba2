"""Two replicas of each service, on one database and in one consumer group; in the end one of each is left."""

from __future__ import annotations

import pytest

from tests.kills.campaigns import replica_round


@pytest.mark.timeout(400)
def test_the_others_take_over_and_nothing_is_done_twice(replica_kills: tuple[int, int]) -> None:
    seed, kills = replica_kills

    outcome = replica_round(seed, kills)

    assert not outcome.wrong, outcome.report
    assert len(outcome.struck) == kills, outcome.report
    assert outcome.plan.stay_dead
    assert len(outcome.told.bookings) >= kills, f"too little load to prove anything: {outcome}"
