"""How long twelve mocks in one process take until they are ready, and what they hold then:
``python -m tests.benchmarks.mock_start [--rounds N]``. It prints and asserts nothing.

They are copies of three shipped contracts under other names. Cold is without anything in the cache of
contracts, warm is with all of them there. CPU is what the process used until it was ready, the embedded
broker that it started apart; PSS counts what several processes share by each one's part. The interpreter's
own bytecode is there, as in an installation: a start before the first is not counted.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from harness.processes import Child
from tests.benchmarks.mock_load import cpu_of, resident

CONTRACTS = Path(__file__).parents[2] / "contracts"
COPIED = ("scheduling", "coverage", "notifications")
COPIES = 4


@dataclass(frozen=True)
class Start:
    """Seconds until ready, by the clock and of CPU; MiB held by then."""

    wall: float
    cpu: float
    rss: float
    pss: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kafka", default="embedded", help="as for portal mock")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = copies(Path(folder, "contracts"))
        colds, warms = [], []
        start(paths[:1], Path(folder, "cache"), options.kafka, bytecode := Path(folder, "bytecode"))
        for number in range(options.rounds):
            cache = Path(folder, f"cache-{number}")
            colds.append(start(paths, cache, options.kafka, bytecode))
            warms.append(start(paths, cache, options.kafka, bytecode))
    sys.stdout.write(f"{len(paths)} mocks in one process, the median of {options.rounds}\n")
    for name, found in (("cold", colds), ("warm", warms)):
        wall, cpu, rss, pss = (statistics.median(each) for each in zip(*map(astuple, found), strict=True))
        sys.stdout.write(
            f"{name}: ready in {wall:.2f} s, {cpu:.2f} s of CPU; "
            f"{rss:.0f} MiB resident, {pss:.0f} MiB by PSS\n"
        )


def copies(folder: Path) -> list[Path]:
    """Copies of the contracts beside all that they refer to."""
    shutil.copytree(CONTRACTS, folder)
    made = []
    for service in COPIED:
        for number in range(1, COPIES + 1):
            made.append(folder / f"{service}-{number}")
            shutil.copytree(folder / service, made[-1])
    return made


def start(paths: Sequence[Path], cache: Path, kafka: str, bytecode: Path) -> Start:
    """One start of a process of its own, and its end."""
    own = {"PYTHONPYCACHEPREFIX": str(bytecode), "PYTHONDONTWRITEBYTECODE": "", "PORTAL_CACHE": str(cache)}
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder, "ready.json")
        argv = [sys.executable, "-m", "harness.cli.main", "mock", *map(str, paths)]
        began = time.perf_counter()
        with Child.start([*argv, "--kafka", kafka, "--ready-file", str(ready)], ready, 120, own) as child:
            wall = time.perf_counter() - began
            return Start(wall, cpu_of(child.pid), resident(child.pid), shared(child.pid))


def shared(pid: int) -> float:
    """MiB that a process holds, where what it shares with others counts by its part."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    main()
