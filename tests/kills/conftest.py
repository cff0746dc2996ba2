"""Which kills a run makes: ``--kills N`` and ``--kill-seed S``."""

from __future__ import annotations

import os
import random

import pytest

from tests.kills import campaigns


def seed_of(config: pytest.Config, rounds: str) -> int:
    """The first round's seed: as asked for, else another in each run, the same in all its processes."""
    asked: int | None = config.getoption("--kill-seed")
    if asked is not None:
        return asked
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    return random.Random(run and run + rounds).randrange(10**6)  # noqa: S311 - no secret


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """``embedded_kills``, ``apache_kills`` and ``replica_kills`` are (seed, kills) of one round each."""
    kills = int(metafunc.config.getoption("--kills"))
    sizes = {
        "embedded_kills": (kills, campaigns.ROUND),
        "apache_kills": (_share(kills, campaigns.APACHE), campaigns.APACHE),
        "replica_kills": (_share(kills, campaigns.REPLICAS), campaigns.REPLICAS),
    }
    for name, (count, size) in sizes.items():
        if name in metafunc.fixturenames:
            rounds = campaigns.rounds(count, size, seed_of(metafunc.config, name))
            metafunc.parametrize(name, rounds, ids=[f"seed {seed}" for seed, _ in rounds])


def _share(kills: int, of_all: int) -> int:
    return max(1, kills * of_all // campaigns.EMBEDDED)
