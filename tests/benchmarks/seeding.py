"""How fast ``portal seed`` fills databases: ``python -m tests.benchmarks.seeding [PATIENTS]``.

It runs as a user runs it, into a temporary folder. Records are what ``portal seed`` counts: rows of the
services' aggregates, without those of the contracts' own examples, which are there whoever is seeded. Seconds
of the processor are those of user and system together; what goes before the first record, and does not grow,
is told apart. It asserts nothing; the aim is 5,000 records a second.
"""

from __future__ import annotations

import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

PATIENTS = 20_000
_COMMAND = [sys.executable, "-m", "harness.cli.main", "seed"]
_DONE = re.compile(r"^(\S+): ([\d,]+) records of [\d,]+ people", re.MULTILINE)


@dataclass(frozen=True)
class Cost:
    """Seconds of the clock and of the processor; ``peak`` in MiB."""

    clock: float
    user: float
    system: float
    peak: float

    @property
    def processor(self) -> float:
        return self.user + self.system


def main() -> None:
    patients = int(sys.argv[1]) if len(sys.argv) > 1 else PATIENTS
    with tempfile.TemporaryDirectory(prefix="portal-seeding-") as folder:
        _, before = seeded(Path(folder, "one"), 1)
        records, whole = seeded(Path(folder, "many"), patients)
        size = sum(each.stat().st_size for each in Path(folder, "many").glob("*.db"))
    many = sum(records.values())
    table = Table("service", "records", title=f"{patients:,} people")
    for name, count in records.items():
        table.add_row(name, f"{count:,}")
    console = Console()
    console.print(table)
    filling = max(whole.processor - before.processor, 1e-6)
    console.print(
        f"{many:,} records, {size / 2**20:,.0f} MiB; {whole.clock:.1f} s by the clock, {whole.user:.1f} s "
        f"user and {whole.system:.1f} s system, of which {before.processor:.1f} s before the first record; "
        f"at most {whole.peak:.0f} MiB of memory"
    )
    console.print(
        f"{many / filling:,.0f} records a second of the processor, {many / whole.clock:,.0f} by the clock"
    )


def seeded(folder: Path, patients: int) -> tuple[dict[str, int], Cost]:
    """How many records each service was given, and what that cost."""
    used, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    ran = subprocess.run(
        [*_COMMAND, "--patients", str(patients), "--data", str(folder)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    clock, now = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    records = {name: int(count.replace(",", "")) for name, count in _DONE.findall(ran.stdout)}
    peak = now.ru_maxrss / 1024  # of the largest child so far, which is the last
    return records, Cost(clock, now.ru_utime - used.ru_utime, now.ru_stime - used.ru_stime, peak)


if __name__ == "__main__":
    main()
