"""Kills on the embedded broker."""

from __future__ import annotations

import pytest

from tests.kills.campaigns import embedded_round


@pytest.mark.timeout(400)
def test_nothing_is_lost_doubled_or_turned_round(embedded_kills: tuple[int, int]) -> None:
    seed, kills = embedded_kills

    outcome = embedded_round(seed, kills)

    print(outcome)  # noqa: T201 - shown if it fails
    assert not outcome.wrong, outcome.report
    assert len(outcome.struck) == kills, outcome.report
    assert len(outcome.told.bookings) >= kills, f"too little load to prove anything: {outcome}"
