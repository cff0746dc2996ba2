"""The rounds that the tests and the table run: which brokers, how many kills, from which seeds."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.contract import load_system
from harness.kafka.broker import create_topics
from harness.kafka.embedded import EmbeddedBroker
from tests.conftest import ROOT
from tests.kafka.apache import ApacheKafka
from tests.kills.outcome import Outcome
from tests.kills.plan import Plan, members_of
from tests.kills.rounds import Round
from tests.kills.schedule import SERVICES, schedule, spread

EMBEDDED = 200
APACHE = 20
REPLICAS = 12
"""Kills that a run makes unless more are asked for."""

ROUND = 50
"""Kills of one running portal on the embedded broker."""

APART = 3.0
"""Seconds that a replica stays dead, so that the others take its work over."""


def rounds(kills: int, size: int, seed: int) -> list[tuple[int, int]]:
    """(seed, kills) of each round; the first round's seed is ``seed``."""
    whole, rest = divmod(kills, size)
    sizes = [size] * whole + ([rest] if rest else [])
    return [(seed + number, each) for number, each in enumerate(sizes)]


def embedded_round(seed: int, kills: int) -> Outcome:
    """Services, relays and consumers die; the embedded broker lives, because it remembers nothing."""
    repeat = f"pytest tests/kills/test_embedded.py --kill-seed {seed} --kills {kills}"
    return embedded(Plan(seed, schedule(seed, kills), repeat))


def replica_round(seed: int, kills: int) -> Outcome:
    """Two replicas of each service; in the end one of each is left."""
    members = {service: members_of(service, 2) for service in SERVICES}
    lives = spread(seed, kills, members)
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    killed = {name: [each for each in members[name] if lives.get(each)] for name in SERVICES}
    plan = Plan(
        seed,
        lives,
        f"pytest tests/kills/test_replicas.py --kill-seed {seed} --kills {kills * EMBEDDED // REPLICAS}",
        replicas=dict.fromkeys(SERVICES, 2),
        stay_dead=frozenset(chance.choice(each) for each in killed.values() if each),
        pause=APART,
    )
    return embedded(plan)


def apache_round(cluster: ApacheKafka, seed: int, kills: int) -> Outcome:
    """The broker dies too, one time in five; in the end it runs."""
    kill_count = kills * EMBEDDED // APACHE
    repeat = f"pytest tests/kills/test_apache.py -m apache --kill-seed {seed} --kills {kill_count}"
    plan = Plan(seed, schedule(seed, kills, broker=True), repeat)
    create_topics(cluster.broker, list(load_system(ROOT / "contracts").topics.values()))
    with _folder() as folder:
        return Round(plan, cluster.broker, folder, cluster).run()


def embedded(plan: Plan) -> Outcome:
    """A round on an embedded broker of its own."""
    topics = load_system(ROOT / "contracts").topics.values()
    with _folder() as folder, EmbeddedBroker({each.address: each.partitions for each in topics}) as broker:
        return Round(plan, broker.broker, folder).run()


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="portal-kills-", ignore_cleanup_errors=True) as name:
        yield Path(name)
