"""Faults by checks: what every check finds on every fault, beside what Schemathesis and Pact find alone.

``python -m tests.faulty_services.matrix`` prints it; ``--write`` also puts it into the README. Every fault
meets every check, several faults side by side: a quarter of an hour on two cores.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import cache
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path

from harness import runner
from harness.checks import CHECKS, http_pacts
from harness.checks.check import Check
from harness.contract import load_system
from harness.contract.model import System
from harness.findings import Finding, Reported
from harness.target import Limits, Target
from tests.faulty_services import table
from tests.faulty_services.alone import REFUSAL, Failure, schemathesis
from tests.faulty_services.breaking import Break
from tests.faulty_services.fault import Fault
from tests.faulty_services.faults import FAULTS
from tests.faulty_services.running import broken, broker_for
from tests.faulty_services.table import Row, Sound

ROOT = Path(__file__).parents[2]
SEEDS = (1, 2, 3)
"""Schemathesis' runs on a service without a fault: what it reports there is no finding."""


def of_sound(system: System, service: str, limits: Limits) -> Sound:
    """What the checks and Schemathesis say of a service in order."""
    with _alone(system, service, Break()) as target:
        findings = len(list(_findings(system, target, CHECKS, limits)))
        runs: set[Failure] = set()
        for seed in SEEDS:
            runs |= schemathesis(system.contracts[service], target, replace(limits, seed=seed))
    return Sound(findings, {service: frozenset(runs)})


def of_fault(system: System, fault: Fault, sound: Sound, limits: Limits) -> Row:
    """One fault, met by everything."""
    naming = [check for check in CHECKS if check.name == fault.found_by]
    others = [check for check in CHECKS if check.name != fault.found_by]
    with _alone(system, fault.service, fault.breaks) as target:
        named = list(_findings(fault.held_to(system), target, naming, limits))
        findings = [*named, *_findings(system, target, others, limits)]
        failures = schemathesis(system.contracts[fault.service], target, limits)
    return Row(
        fault,
        any(map(fault.names, named)),
        frozenset(each.check for each in findings),
        frozenset(_news(failures - sound.failures[fault.service], system, fault)),
        # This check is Pact's own verifier; states and tokens apart, nothing in it is ours.
        any(each.check == http_pacts.NAME for each in findings),
    )


def _news(failures: set[Failure], system: System, fault: Fault) -> Iterator[Failure]:
    """Failures that the fault may explain.

    Schemathesis takes right refusals for ``RejectedPositiveData`` wherever chance leads it to one: they
    count for the operation that is wrong alone.
    """
    operation = system.contracts[fault.service].operations.get(fault.operation)
    for label, kind, status in failures:
        method, _, path = label.partition(" ")
        own = operation is not None and operation.method.upper() == method and operation.path.endswith(path)
        if own or kind != REFUSAL:
            yield label, kind, status


@contextmanager
def _alone(system: System, service: str, fault: Break) -> Iterator[Target]:
    with broker_for(system) as started, broken(system, service, fault, started.broker) as target:
        yield target


def _findings(system: System, target: Target, checks: Sequence[Check], limits: Limits) -> Iterator[Finding]:
    opened: dict[str, runner.Opened] = {target.service: lambda: nullcontext(target)}
    for event in runner.run(runner.Plan(system, opened, checks, limits)):
        if isinstance(event, Reported) and isinstance(event.result, Finding):
            yield event.result


def _workers() -> ProcessPoolExecutor:
    """One more than there are cores: a third of the time a check waits for what may yet come."""
    return ProcessPoolExecutor((os.cpu_count() or 1) + 1, mp_context=get_context("spawn"), initializer=_begin)


def _begin() -> None:
    logging.disable(logging.CRITICAL)  # broken services have much to say


@cache
def _system() -> System:
    return load_system(ROOT / "contracts")


def _sound(service: str, limits: Limits) -> Sound:
    return of_sound(_system(), service, limits)


def _row(number: int, sound: Sound, limits: Limits) -> tuple[bool, frozenset[str], frozenset[Failure], bool]:
    """Faults are functions, which do not travel between processes: what follows them in a ``Row`` does."""
    row = of_fault(_system(), FAULTS[number], sound, limits)
    return row.named, row.found_by, row.schemathesis, row.pact


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 if every fault was found by the check that names it."""
    parser = argparse.ArgumentParser(prog="python -m tests.faulty_services.matrix", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put it into README.md")
    parser.add_argument("--only", default="", help="only faults whose name contains this text")
    parser.add_argument("--cases", type=int, default=5, help="bounds every check; default 5")
    options = parser.parse_args(arguments)
    if options.write and options.only:
        parser.error("only the whole matrix is written")
    chosen = [fault for fault in FAULTS if options.only in fault.name]
    began, rows = time.monotonic(), []
    with tempfile.TemporaryDirectory(prefix="portal-state-") as folder:
        os.environ.setdefault("PORTAL_STATE", folder)
        limits = Limits(cases=options.cases, settle=0.5, timeout=5.0)
        sound = Sound()
        with _workers() as workers:
            for each in workers.map(_sound, sorted({fault.service for fault in chosen}), repeat(limits)):
                sound.findings += each.findings
                sound.failures |= each.failures
            _say(table.heading())
            numbers = [FAULTS.index(fault) for fault in chosen]
            found = workers.map(_row, numbers, repeat(sound), repeat(limits))
            for fault, met in zip(chosen, found, strict=True):
                rows.append(Row(fault, *met))
                _say(table.line(rows[-1]))
    _say(f"{table.totals(rows)} {sound} This took {time.monotonic() - began:.0f} s.")
    if options.write:
        table.write(ROOT / "README.md", rows, sound)
    return 0 if all(each.named for each in rows) else 1


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
