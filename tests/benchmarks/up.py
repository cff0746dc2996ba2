"""What ``portal up`` of all twelve costs: ``python -m tests.benchmarks.up [IDLE_SECONDS] [REQUESTS]``.

It is started as a user starts it, once with an empty cache of contracts and once with a full one. Of the
process and its broker it prints when they were ready, seconds of the processor, and memory: resident, and the
share of it that is theirs (PSS: what processes have together is divided among them; Linux). Then they stand
idle, and then they are asked: every GET that needs no more than a patient, by staff, one after the other. It
asserts nothing; the aim is ready in under 10 s and under 600 MiB on two cores.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from harness.contract import load_system
from harness.contract.model import System
from harness.processes import Child
from harness.serving.keys import KeyStore

IDLE, REQUESTS = 60.0, 2_000
_READY_WITHIN = 600.0
_CONTRACTS = Path(__file__).parents[2] / "contracts"
_PATIENT = "pat-4k7m2q9x1a"
_COLUMNS = ("", "process", "processor", "resident", "share")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Held:
    """By one process: seconds of the processor since it began, and MiB resident and its share of them."""

    processor: float
    resident: float
    share: float


def main() -> None:
    idle = float(sys.argv[1]) if len(sys.argv) > 1 else IDLE
    requests = int(sys.argv[2]) if len(sys.argv) > 2 else REQUESTS
    console = Console()
    with tempfile.TemporaryDirectory(prefix="portal-up-") as folder:
        first = Table(*_COLUMNS, title="portal up, contracts read for the first time")
        with _up(Path(folder), first):
            pass
        console.print(first)
        table = Table(*_COLUMNS, title="portal up, contracts in the cache")
        with _up(Path(folder), table) as child:
            time.sleep(idle)
            _rows(table, f"idle for {idle:g} s", child.pid)
            answers = asked(child.ready["services"], requests)
            _rows(table, f"{requests:,} requests", child.pid)
        console.print(table)
        console.print(f"answers by status: {dict(sorted(answers.items()))}")


@contextmanager
def _up(folder: Path, table: Table) -> Iterator[Child]:
    """All of them, once they are ready; what that has cost is in the table."""
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    argv = [sys.executable, "-m", "harness.cli.main", "up", "--ready-file", str(ready)]
    began = time.monotonic()
    with Child.start(
        argv, ready, _READY_WITHIN, {"PORTAL_CACHE": str(folder / "cache")}, "portal up"
    ) as child:
        _rows(table, f"ready after {time.monotonic() - began:.1f} s", child.pid)
        yield child


def held(pid: int) -> Held:
    """What a process has used and holds now, as ``/proc`` says."""
    figures = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {line.partition(":")[0]: int(line.split()[1]) / 1024 for line in lines}
    return Held((int(figures[11]) + int(figures[12])) / _TICKS, sizes["Rss"], sizes["Pss"])


def family(pid: int) -> list[int]:
    """A process and those that it started."""
    started = Path(f"/proc/{pid}/task").glob("*/children")
    below = [int(each) for tasks in started for each in tasks.read_text().split()]
    return [pid, *(other for child in below for other in family(child))]


def asked(services: Mapping[str, str], many: int) -> Counter[int]:
    """How often which status was answered."""
    system = load_system(_CONTRACTS)
    scopes = {
        scope
        for each in system.contracts.values()
        for way in each.security_schemes.values()
        for scope in way.scopes
    }
    token = KeyStore().mint({"actor": "staff", "sub": "benchmark", "scope": " ".join(sorted(scopes))})
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(headers=headers, timeout=60, trust_env=False) as client:
        urls = islice(cycle(list(_urls(system, services))), many)
        return Counter(client.get(url).status_code for url in urls)


def _urls(system: System, services: Mapping[str, str]) -> Iterator[str]:
    for name, contract in system.contracts.items():
        for operation in contract.operations.values():
            path = operation.path.replace("{patientId}", _PATIENT)
            if operation.method.upper() == "GET" and "{" not in path:
                yield f"{services[name]}{path}"


def _rows(table: Table, when: str, pid: int) -> None:
    found = [held(each) for each in family(pid)]
    for name, each in zip(("services", *["broker"] * (len(found) - 1)), found, strict=True):
        table.add_row(
            when, name, f"{each.processor:.1f} s", f"{each.resident:.0f} MiB", f"{each.share:.0f} MiB"
        )
        when = ""
    resident, share = sum(each.resident for each in found), sum(each.share for each in found)
    table.add_row("", "together", "", f"{resident:.0f} MiB", f"{share:.0f} MiB", end_section=True)


if __name__ == "__main__":
    main()
