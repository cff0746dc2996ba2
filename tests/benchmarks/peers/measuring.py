"""One server after the other: asked once, then loaded."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.errors import HarnessError, ProcessError
from tests.benchmarks.peers import report
from tests.benchmarks.peers.asked import BAD_BODY, GET, POST, Asked, get, post
from tests.benchmarks.peers.bench import Bench, Running, client, send
from tests.benchmarks.peers.load import Measured, measure
from tests.benchmarks.peers.servers import BARE, SERVERS

CONNECTIONS = 32


@dataclass(frozen=True)
class Plan:
    """Which servers, how often, and seconds of each measurement and of what goes before it uncounted."""

    servers: tuple[str, ...]
    rounds: int
    seconds: int
    warm_up: int


@dataclass
class Figures:
    """What was found; a server that could not be measured stands in ``absent`` with the reason."""

    measured: dict[tuple[str, str], list[Measured]] = field(default_factory=dict)
    running: dict[str, Running] = field(default_factory=dict)
    answered: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    @property
    def servers(self) -> list[str]:
        """Those that were measured."""
        return [each for each in self.running if each not in self.absent]

    def of(self, server: str, load: str) -> Measured:
        """The median of each figure."""
        rounds = self.measured[server, load]
        return Measured(
            statistics.median(each.rate for each in rounds),
            statistics.median(each.p50 for each in rounds),
            statistics.median(each.p99 for each in rounds),
            statistics.median(each.busy for each in rounds),
        )


def measured(bench: Bench, plan: Plan) -> Figures:
    """Every server of the plan, in turns."""
    figures = Figures()
    for _ in range(plan.rounds):
        for name in plan.servers:
            if name in figures.absent:
                continue
            report.say(f"  {name} …")
            try:
                with SERVERS[name](bench) as running:
                    figures.running[name] = running
                    figures.answered[name] = asked_once(bench, running)
                    for load, one in _loaded(bench, running, plan):
                        figures.measured.setdefault((name, load.name), []).append(one)
            except HarnessError as error:
                if name == BARE:
                    raise
                figures.absent[name] = str(error)
    return figures


def _loaded(bench: Bench, running: Running, plan: Plan) -> Iterator[tuple[Asked, Measured]]:
    for load in (get(bench.token), post(bench.token)):
        if plan.warm_up:
            measure(running.base, load, CONNECTIONS, plan.warm_up)
        yield load, measure(running.base, load, CONNECTIONS, plan.seconds)


def asked_once(bench: Bench, running: Running) -> tuple[int, int, int]:
    """The statuses of a good GET, a good POST and a bad one. Raises ProcessError if a good one is refused."""
    with client(running.base) as to:
        good = [send(to, each(bench.token)) for each in (get, post)]
        bad = send(to, post(bench.token, BAD_BODY))
    for name, answer, status in zip((GET, POST), good, (200, 201), strict=True):
        if answer.status_code != status:
            found = f"its answer to a good {name} is {answer.status_code}: {answer.text[:300]}"
            raise ProcessError(f"{answer.request.url}", found)
    return good[0].status_code, good[1].status_code, bad.status_code
