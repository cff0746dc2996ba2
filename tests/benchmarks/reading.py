"""How long a large contract takes to load, compile and lint, and how that grows with its size:
``python -m tests.benchmarks.reading [OPERATIONS ...]``. Each size has a process of its own, on one core.

An unchanged contract is loaded a second time, twice over: alone, and with every operation, schema and other
part of it touched, which is what the first load has made too.

Exit code 1 if 600 operations take longer than 5 s, if 3,000 take more than 1.25 times five times as long, or
if an unchanged contract is not loaded five times as fast the second time, touched or not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from harness.contract.later import NAMED
from harness.contract.model import Contract, Schema, System
from harness.contract.schema import Direction
from tests.memory import peak

SIZES = (600, 1200, 1800, 2400, 3000)
MOST_SECONDS = 5.0
MOST_GROWTH = 1.25
"""Of the time for each operation, from the smallest size to the largest."""

LEAST_GAIN = 5.0
_WIDTH = 60
_TRIES = 3
_Result = TypeVar("_Result")

PARTS = ("load", "compile", "lint")


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        sys.stdout.write(json.dumps(measured(int(sys.argv[2]))))
        return
    sizes = tuple(int(each) for each in sys.argv[1:]) or SIZES
    found = {size: _in_a_process(size) for size in sizes}
    console = Console(width=110)
    console.print(_table(found))
    for line in plot({size: sum(each[part] for part in PARTS) for size, each in found.items()}):
        console.print(line, markup=False, highlight=False)
    wrong = list(faults(found))
    for fault in wrong:
        console.print(fault, style="red")
    sys.exit(1 if wrong else 0)


def _in_a_process(size: int) -> dict[str, float]:
    command = [sys.executable, "-m", "tests.benchmarks.reading", "--one", str(size)]
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, env={**os.environ, "PORTAL_CACHE": folder}
        )
    found: dict[str, float] = json.loads(ran.stdout)
    return found


def schemas_in_use(contract: Contract) -> Iterator[tuple[Schema, Direction]]:
    """What a server of the contract compiles: parameters, bodies and answers, with their direction."""
    for operation in contract.operations.values():
        yield from ((each.schema, "request") for each in operation.parameters)
        bodies = operation.body.content.values() if operation.body else ()
        yield from ((each.schema, "request") for each in bodies if each.schema is not None)
        for response in operation.responses.values():
            answers = response.content.values()
            yield from ((each.schema, "response") for each in answers if each.schema is not None)


def measured(operations: int) -> dict[str, float]:
    """Seconds of CPU for each part, and for a second load; megabytes of the file and of memory at the end."""
    from harness.contract import load_system
    from harness.contract.schema import compile_schema
    from harness.lint import lint
    from tests.benchmarks.generated_contract import contract

    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "openapi.yaml")
        path.write_text(contract(operations))
        megabytes = path.stat().st_size / 1e6
        load, system = _timed(lambda: load_system(folder))
        used = [use for each in system.contracts.values() for use in schemas_in_use(each)]
        compiling, _ = _timed(lambda: [compile_schema(*use) for use in used])
        linting, _ = _timed(lambda: list(lint(system)))
        again = min(_timed(lambda: load_system(folder))[0] for _ in range(_TRIES))
        touched = min(_timed(lambda: touch(load_system(folder)))[0] for _ in range(_TRIES))
    named = {"load": load, "compile": compiling, "lint": linting, "again": again, "touched": touched}
    return {**named, "megabytes": megabytes, "memory": peak()}


def touch(system: System) -> None:
    """Have everything made that a contract is made of."""
    for contract in system.contracts.values():
        for part in NAMED:
            list(getattr(contract, part).values())


def _timed(run: Callable[[], _Result]) -> tuple[float, _Result]:
    began = time.process_time()
    result = run()
    return time.process_time() - began, result


def _table(found: dict[int, dict[str, float]]) -> Table:
    names = (
        "operations",
        "MB",
        *PARTS,
        "together",
        "ms each",
        "again",
        "gain",
        "touched",
        "gain",
        "MiB",
    )
    table = Table(*names, title="Seconds of CPU on one core")
    for size, each in found.items():
        whole = sum(each[part] for part in PARTS)
        table.add_row(
            f"{size:,}",
            f"{each['megabytes']:.1f}",
            *(f"{each[part]:.2f}" for part in PARTS),
            f"{whole:.2f}",
            f"{1000 * whole / size:.1f}",
            f"{each['again']:.3f}",
            f"{each['load'] / each['again']:.0f} x",
            f"{each['touched']:.3f}",
            f"{each['load'] / each['touched']:.1f} x",
            f"{each['memory']:.0f}",
        )
    return table


def plot(seconds: dict[int, float]) -> list[str]:
    """A bar for each size, and ``|`` where it would end if the cost grew with the size alone."""
    if not seconds:
        return []
    least = min(seconds)
    line = {size: seconds[least] * size / least for size in seconds}
    scale = (_WIDTH - 1) / max(*seconds.values(), *line.values())
    rows = []
    for size, took in seconds.items():
        bar = list("█" * max(1, round(took * scale)) + " " * _WIDTH)[:_WIDTH]
        bar[min(round(line[size] * scale), _WIDTH - 1)] = "|"
        rows.append(f"{size:>6,} {''.join(bar).rstrip()} {took:.1f} s")
    return rows


def faults(found: dict[int, dict[str, float]]) -> list[str]:
    """What is not as fast as it should be."""
    whole = {size: sum(each[part] for part in PARTS) for size, each in found.items()}
    least, most = min(whole), max(whole)
    wrong = [f"600 operations take {whole[600]:.1f} s" for _ in range(whole.get(600, 0) > MOST_SECONDS)]
    growth = (whole[most] / most) / (whole[least] / least)
    if growth > MOST_GROWTH:
        wrong.append(f"an operation of {most:,} costs {growth:.2f} times what one of {least:,} costs")
    for size, each in found.items():
        for second, how in (("again", ""), ("touched", ", touched")):
            gain = each["load"] / each[second]
            if gain < LEAST_GAIN:
                wrong.append(f"{size:,} operations load only {gain:.1f} times as fast again{how}")
    return wrong


if __name__ == "__main__":
    main()
