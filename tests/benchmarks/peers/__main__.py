"""Mocks beside one another: ``python -m tests.benchmarks.peers``.

Each serves the same shipped contract, alone, on one core, with the load on another, after it was asked once
what it answers to a good GET, a good POST and a bad one. Figures are requests a second, as ratios to a bare
uvicorn app too, and how long half and 99 of 100 requests took. ``--features`` tries what each can do instead.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.peers import document, readme, report
from tests.benchmarks.peers.bench import Cores
from tests.benchmarks.peers.features import table, tried
from tests.benchmarks.peers.measuring import Figures, Plan, measured
from tests.benchmarks.peers.servers import BARE, SERVERS
from tests.conftest import ROOT


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 if ours is not as fast as it should be, or a peer not as its cells say."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.peers", description=__doc__)
    parser.add_argument("--features", action="store_true", help="try what each can do, instead of its speed")
    parser.add_argument(
        "--write", action="store_true", help="put it into README.md: both, or the features alone"
    )
    parser.add_argument("--only", default="", help="only servers whose name contains this text")
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement; default 5")
    parser.add_argument("--warm-up", type=int, default=5, help="seconds before each; default 5")
    parser.add_argument("--rounds", type=int, default=1, help="medians of so many; default 1")
    options = parser.parse_args(arguments)
    if options.write and options.only:
        parser.error("only the whole comparison is written")
    cores = Cores.here()
    cores.take()
    plan = Plan(
        tuple(each for each in SERVERS if options.only in each or (each == BARE and not options.features)),
        options.rounds, options.seconds, options.warm_up,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="portal-state-") as folder:
        os.environ["PORTAL_STATE"] = str(Path(folder))
        with document.bench(cores) as bench:
            figures: Figures | None = None
            wrong: list[str] = []
            if not options.features:
                report.say(f"{cores}")
                figures = measured(bench, plan)
                report.show(figures)
                wrong += report.missed(figures)
            if options.write or options.features:
                cells = tried.everything(bench, options.only)
                table.show(cells)
                wrong += table.surprises(cells)
                if options.write:
                    readme.write(ROOT / "README.md", figures)
    for each in wrong:
        report.say(each)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
