"""Services verified side by side, each by a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.cli import jobs
from harness.cli.targets import Wanted
from harness.contract.model import System
from harness.errors import UsageError
from harness.reports.outcome import Outcome, outcome
from harness.runner import Plan
from harness.target import Limits, Target
from tests.unit.runner.test_runner import check, passes

TELLS = """
import sys
from multiprocessing.connection import Connection
from harness.findings import *
told = Connection(int(sys.argv[-1].removeprefix("--events=")), readable=False)
told.send(RunStarted({sys.argv[1]: ("truth", "half")}))
for name in ("truth", "half")[: int(sys.argv[2])]:
    told.send(CheckStarted(sys.argv[1], name))
    told.send(Reported(Passed(name, sys.argv[1], "getOrder")))
    told.send(CheckFinished(sys.argv[1], name, 1.0))
"""
"""Verifies nothing, and says that so many checks passed."""

FINISHES = TELLS + "told.send(RunFinished(2.0))"
DIES = TELLS + "told.send(CheckStarted(sys.argv[1], 'half'))\nsys.exit('out of memory')"


def ran(monkeypatch: pytest.MonkeyPatch, programs: dict[str, str], at_once: int = 2) -> Outcome:
    def command(_: Plan, __: Wanted, ___: str, service: str) -> list[str]:
        return [
            sys.executable,
            "-c",
            programs[service],
            service,
            "2" if programs[service] is FINISHES else "1",
        ]

    @contextmanager
    def never(name: str) -> Iterator[Target]:
        raise AssertionError(f"{name} is opened by its own process")
        yield

    monkeypatch.setattr(jobs, "_command", command)
    targets = {name: lambda name=name: never(name) for name in programs}
    plan = Plan(System(Path(), {}), targets, [check("truth", passes), check("half", passes)], Limits())
    wanted = Wanted(System(Path(), {}), Path(), "embedded", {}, lambda _: "")
    return outcome(jobs.side_by_side(plan, wanted, "reference", at_once))


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_all_of_them_are_told_in_the_order_of_the_plan(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    found = ran(monkeypatch, dict.fromkeys(("orders", "bills", "stock"), FINISHES), at_once)
    assert [(each.service, each.check, each.verdict) for each in found.checks] == [
        (service, name, "passed") for service in ("orders", "bills", "stock") for name in ("truth", "half")
    ]
    assert found.exit_code == 0
    assert found.seconds > 0


def test_a_process_that_dies_leaves_what_it_did_not_finish_untold(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ran(monkeypatch, {"orders": DIES, "bills": FINISHES})
    assert [(each.service, each.check, each.verdict) for each in found.checks] == [
        ("orders", "truth", "passed"),
        ("orders", "half", "could not tell"),
        ("bills", "truth", "passed"),
        ("bills", "half", "passed"),
    ]
    assert found.exit_code == 2
    [reason] = found.checks[1].results
    assert "out of memory" in str(reason)


@pytest.mark.parametrize(
    ("asked", "services", "kafka", "shared", "at_once"),
    [
        (1, 3, "embedded", False, 1),
        (8, 3, "none", False, 3),
        (None, 1, "embedded", False, 1),
        (None, 9, "127.0.0.1:9092", False, 1),
        (1, 9, "embedded", True, 1),
    ],
)
def test_as_many_as_do_not_disturb_each_other(
    asked: int | None, services: int, kafka: str, shared: bool, at_once: int
) -> None:
    assert jobs.at_once(asked, services, kafka, shared) == at_once


def test_unasked_it_is_two_a_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 3)
    assert jobs.at_once(None, 12, "embedded", False) == 6


@pytest.mark.parametrize(("kafka", "shared"), [("127.0.0.1:9092", False), ("none", True)])
def test_what_is_shared_is_not_used_by_several(kafka: str, shared: bool) -> None:
    with pytest.raises(UsageError, match="at once"):
        jobs.at_once(2, 3, kafka, shared)
