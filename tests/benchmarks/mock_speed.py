"""What a mock costs: ``python -m tests.benchmarks.mock_speed COMMAND [AMOUNT]``.

requests: rate, CPU and p99 beside a bare uvicorn app, in turns (AMOUNT: seconds each); unlike: the same, each
request with a header of its own, so that no head comes twice; growth: that of 12 and of 1,200 operations;
kafka: AMOUNT validated messages through one core. Every table is of one run; nothing is asserted. Ratios of
CPU hold on a busy machine too, rates do not. What a mock holds, and how soon it is there: ``mock_memory``,
``mock_start``.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.mock_contract import BARE, Load
from tests.benchmarks.mock_load import TURN, Measured, measure, send
from tests.benchmarks.mock_servers import Serving, serving_of

ROUNDS = 4
CONNECTIONS = 32
CONTRACTS = Path(__file__).parents[2] / "contracts"


def requests(seconds: float) -> Table:
    """Aims: stateless 0.50 of bare uvicorn, stateful 0.25, p99 no more than 3 times its."""
    names = (BARE, "stateless", "stateful", "stateless, with a token", "stateful, with a token")
    return _beside(names, seconds, "Beside bare uvicorn; journal on", raw)


def unlike(seconds: float) -> Table:
    """What heads cost that are not known: see ``harness.serving.known_heads``."""
    names = (BARE, "stateless", "stateful")
    return _beside(names, seconds, "Beside bare uvicorn, no head twice; journal on", _unlike)


def growth(seconds: float) -> Table:
    """Aim: a ratio of 1."""
    names = ("12 operations", "1200 operations")
    return _beside(names, seconds, "The number of operations; stateless, journal on", _unlike)


def _beside(names: Sequence[str], seconds: float, title: str, raw: Callable[[Load], bytes]) -> Table:
    found: dict[tuple[str, str], list[Measured]] = {}
    with _all(names) as servers:
        for server in servers.values():
            for load in server.loads:
                send(server.port, raw(load), server.pid, connections=CONNECTIONS, requests=CONNECTIONS * 10)
        for _ in range(ROUNDS):
            for name, server in servers.items():
                for load in server.loads:
                    one = measure(
                        server.port, raw(load), server.pid, connections=CONNECTIONS, seconds=seconds
                    )
                    found.setdefault((name, load.name), []).append(one)
    first, table = names[0], Table(title=title)
    for head in ("server", "request", "per second", "ratio", "CPU µs", "ratio", "p50 ms", "p99 ms", "times"):
        table.add_column(head, justify="left" if head in ("server", "request") else "right")
    for (name, asked), all_of in found.items():
        bare = found[first, asked]
        rate, was = _median(all_of, _rate), _median(bare, _rate)
        cpu, cost = _median(all_of, _cpu), _median(bare, _cpu)
        slow, slowest = _median(all_of, _p99), _median(bare, _p99)
        middle = _median(all_of, lambda each: each.percentile(50))
        row = (f"{rate:,.0f}", f"{rate / was:.2f}", f"{cpu * 1e6:.1f}", f"{cost / cpu:.2f}")
        table.add_row(name, asked, *row, f"{middle:.2f}", f"{slow:.2f}", f"{slow / slowest:.1f}")
    return table


def _rate(each: Measured) -> float:
    return each.rate


def _cpu(each: Measured) -> float:
    return each.cpu


def _p99(each: Measured) -> float:
    return each.percentile(99)


def _median(all_of: Sequence[Measured], what: Callable[[Measured], float]) -> float:
    return statistics.median(map(what, all_of))


def kafka(amount: float) -> Table:
    """Aim: 10,000 a second through one core."""
    command = [sys.executable, "-m", "tests.benchmarks.mock_servers", "--kafka", str(int(amount))]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    table = Table("validated messages", "a second", "a second of CPU", title="The Kafka face; journal on")
    for line in told.splitlines():
        table.add_row(*line.split("\t"))
    return table


def raw(load: Load) -> bytes:
    """A request as it travels."""
    lines = [f"{load.method} {load.path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in load.headers.items()]
    if load.body:
        lines.append(f"Content-Length: {len(load.body.encode())}")
    return "\r\n".join([*lines, "", load.body]).encode()


def _unlike(load: Load) -> bytes:
    """The same, each time with another value of a header that nobody knows to vary."""
    return raw(replace(load, headers={**load.headers, "X-Turn": TURN.decode()}))


@contextmanager
def _all(names: Sequence[str]) -> Iterator[Mapping[str, Serving]]:
    """These servers, each in a process of its own, all on the first core; we are on another."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    processes: list[subprocess.Popen[str]] = []
    try:
        found = {}
        for name in names:
            command = [sys.executable, "-m", "tests.benchmarks.mock_servers", name]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            processes.append(process)
            assert process.stdout is not None
            found[name] = serving_of(process.stdout.readline())
            if len(cores) > 1:
                os.sched_setaffinity(process.pid, cores[:1])
        if len(cores) > 1:
            os.sched_setaffinity(0, cores[1:])
        yield found
    finally:
        for process in processes:
            process.kill()
            process.communicate()
        if len(cores) > 1:
            os.sched_setaffinity(0, cores)


COMMANDS: Mapping[str, tuple[Callable[[float], Table], float]] = {
    "requests": (requests, 2.0),
    "unlike": (unlike, 2.0),
    "growth": (growth, 2.0),
    "kafka": (kafka, 50_000),
}

if __name__ == "__main__":
    run, usual = COMMANDS[sys.argv[1]]
    Console(width=120).print(run(float(sys.argv[2]) if len(sys.argv) > 2 else usual))
