"""Several services verified at once: a process each, whose events come back through a pipe.

A process and not a thread: what generates requests keeps one core busy on its own.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from multiprocessing.connection import Connection, wait

from harness.cli.targets import Wanted
from harness.errors import UsageError
from harness.findings import CheckFinished, Event, RunFinished, RunStarted
from harness.processes import Child, end_with_parent
from harness.runner import Plan, run, started, unfinished
from harness.target import Kind


def at_once(asked: int | None, services: int, kafka: str, shared: bool) -> int:
    """How many services are verified at a time. ``shared``: some are at addresses.

    Raises UsageError where they would disturb each other.
    """
    where = "services at addresses" if shared else f"the cluster at {kafka}"
    if not shared and kafka in ("embedded", "none"):
        return min(services, asked or 2 * (os.cpu_count() or 1))  # half of their time they wait
    if asked is not None and asked > 1:
        raise UsageError(
            f"--jobs {asked}",
            f"{where} would be used by several at once, and what one causes would be taken for another's",
            "--jobs 1",
        )
    return 1


def side_by_side(plan: Plan, wanted: Wanted, kind: Kind, jobs: int) -> Generator[Event]:
    """``runner.run`` of services that we start, up to ``jobs`` at a time.

    A process that ends before it has told everything leaves its checks as ``CouldNotTell``.
    """
    began = time.monotonic()
    yield started(plan)
    waiting = sorted(plan.targets, key=lambda name: _size(plan, name), reverse=True)
    working: dict[Connection, _Job] = {}
    try:
        while waiting or working:
            while waiting and len(working) < jobs:
                service = waiting.pop(0)
                job = _Job(service, _command(plan, wanted, kind, service))
                working[job.told] = job
            for told in wait(list(working)):
                assert isinstance(told, Connection)  # noqa: S101 - nothing else is waited for
                yield from working[told].events(plan)
                if working[told].over:
                    working.pop(told).end()
    finally:
        for job in working.values():
            job.end()
    yield RunFinished(time.monotonic() - began)


def _size(plan: Plan, service: str) -> int:
    """How long it will take beside others: the longest begins first, or the rest would wait for it alone."""
    contract = plan.system.contracts.get(service)
    return len(contract.operations) if contract else 0


def _command(plan: Plan, wanted: Wanted, kind: Kind, service: str) -> list[str]:
    """How portal verifies that service by itself."""
    limits = plan.limits
    return [
        *(sys.executable, "-m", "harness.cli.main", "verify", service),
        *(f"--target={kind}", f"--kafka={wanted.kafka}", f"--contracts={wanted.folder}"),
        *(f"--cases={limits.cases}", f"--seed={limits.seed}", f"--settle={limits.settle}"),
        f"--boundaries={limits.boundaries}",
        *([f"--budget={limits.budget}"] if limits.budget is not None else []),
        *(f"--check={check.name}" for check in plan.checks),
        *([f"--exchanges={wanted.exchanges}"] if wanted.exchanges else []),
        *wanted.reading,
    ]


def tell(plan: Plan, descriptor: int) -> int:
    """What such a process does: run the plan and write its events there. Returns the exit code."""
    end_with_parent()
    with Connection(descriptor, readable=False) as told:
        for event in run(plan):
            told.send(event)
    return 0


class _Job:
    """One service being verified. ``told`` is where its events come from; ``over`` when there are no more."""

    def __init__(self, service: str, command: Sequence[str]) -> None:
        self.service, self.over = service, False
        self._done: set[tuple[str, str]] = set()
        self.told, writing = multiprocessing.Pipe(duplex=False)
        with writing:
            argv = [*command, f"--events={writing.fileno()}"]
            self._child = Child(argv, name=f"portal verify {service}", descriptors=[writing.fileno()])

    def events(self, plan: Plan) -> Iterator[Event]:
        """The next event; at the end, what is missing."""
        try:
            event: Event = self.told.recv()
        except (EOFError, OSError):
            self.over = True
            self._child.stop()
            why = f"the process that verified {self.service} {self._child.ending('too early')}"
            yield from unfinished(plan, [self.service], self._done, why)
            return
        if isinstance(event, CheckFinished):
            self._done.add((event.service, event.check))
        if isinstance(event, RunFinished):
            self.over = True
        elif not isinstance(event, RunStarted):
            yield event

    def end(self) -> None:
        self._child.stop()
        self.told.close()
