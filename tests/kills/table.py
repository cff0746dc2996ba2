"""``python -m tests.kills.table``: how each kind of kill was survived, as a table."""

from __future__ import annotations

import argparse
import random
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from tests.kafka.apache import ApacheKafka
from tests.kafka.artifacts import obstacle
from tests.kills import campaigns
from tests.kills.outcome import Outcome
from tests.kills.schedule import BROKER, REPLICA, SERVICES

KINDS = (*SERVICES, "relay", "consumer", "request", "timer", REPLICA, BROKER)

WIDTH = 110
CAPTION = (
    "p50, max: from the kill until all work goes on; wait: the longest that a client waited for an answer "
    "meanwhile; MiB: the most that the killed process held"
)


@dataclass
class Row:
    tried: int = 0
    survived: int = 0
    again: int = 0
    recovered: list[float] = field(default_factory=list)
    waited: float = 0.0
    held: float = 0.0

    def cells(self) -> tuple[str, ...]:
        seconds = (statistics.median(self.recovered), max(self.recovered)) if self.recovered else ()
        times = [f"{each:.1f}" for each in seconds] or ["-", "-"]
        held = f"{self.held:.0f}" if self.held else "-"
        return (str(self.tried), str(self.survived), str(self.again), *times, f"{self.waited:.1f}", held)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds and print the table. Returns 0 if everything was survived."""
    options = _options(arguments)
    console = Console(highlight=False, width=WIDTH)
    outcomes: list[tuple[str, Outcome]] = []
    for broker, outcome in _outcomes(options.kills, options.seed, console):
        outcomes.append((broker, outcome))
        console.print(f"{broker}: {outcome}", style="dim", soft_wrap=True)
        if outcome.wrong:
            console.print(outcome.report, soft_wrap=True)
    console.print(table(outcomes))
    return 1 if any(outcome.wrong for _, outcome in outcomes) else 0


def table(outcomes: Iterable[tuple[str, Outcome]]) -> Table:
    """A row for each broker and kind that was tried, from (broker, outcome)."""
    rows: dict[tuple[str, str], Row] = {}
    for broker, outcome in outcomes:
        for number, struck in enumerate(outcome.struck):
            row = rows.setdefault((broker, struck.kill.kind), Row())
            row.tried += 1
            row.survived += outcome.survived[number]
            row.again += outcome.redelivered[number]
            row.waited = max(row.waited, outcome.waited[number])
            row.held = max(row.held, struck.held)
            recovered = outcome.recovered[number]
            if recovered is not None:
                row.recovered.append(recovered)
    shown = Table("broker", "killed", title="Kills", caption=CAPTION)
    for name in ("tried", "survived", "came again", "p50 s", "max s", "wait s", "MiB"):
        shown.add_column(name, justify="right")
    for (broker, kind), row in sorted(rows.items(), key=lambda each: (each[0][0], KINDS.index(each[0][1]))):
        shown.add_row(broker, kind, *row.cells())
    return shown


def _outcomes(kills: int, seed: int, console: Console) -> Iterable[tuple[str, Outcome]]:
    for each, count in campaigns.rounds(kills, campaigns.ROUND, seed):
        yield "embedded", campaigns.embedded_round(each, count)
    share = max(1, kills * campaigns.REPLICAS // campaigns.EMBEDDED)
    for each, count in campaigns.rounds(share, campaigns.REPLICAS, seed):
        yield "embedded", campaigns.replica_round(each, count)
    if why := obstacle():
        console.print(f"Apache Kafka: not tried, {why}", soft_wrap=True)
        return
    share = max(1, kills * campaigns.APACHE // campaigns.EMBEDDED)
    with ApacheKafka() as cluster:
        for each, count in campaigns.rounds(share, campaigns.APACHE, seed):
            yield "Apache", campaigns.apache_round(cluster, each, count)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.kills.table", description=__doc__)
    parser.add_argument(
        "--kills", type=int, default=campaigns.EMBEDDED, help="on the embedded broker; default 200"
    )
    seed = random.randrange(10**6)  # noqa: S311 - no secret
    parser.add_argument("--seed", type=int, default=seed, help="default: another each time")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
