"""Runs checks against targets and says what happened, as events that reports consume."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from harness.checks.check import Check
from harness.checks.discretion import discreet, known_phi
from harness.contract.model import System
from harness.errors import HarnessError
from harness.findings import (
    CheckFinished,
    CheckStarted,
    CouldNotTell,
    Event,
    NotApplicable,
    Reported,
    Result,
    RunFinished,
    RunStarted,
)
from harness.target import WITHOUT, Limits, Target

_DEFECT = "Please report this as a defect of Portal."

Opened = Callable[[], AbstractContextManager[Target]]
"""Makes a target reachable for as long as the context is open, e.g. by starting a child process."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run: for each service how its target is opened, and which checks, in order."""

    system: System
    targets: Mapping[str, Opened]
    checks: Sequence[Check]
    limits: Limits
    settings: Mapping[str, str] = field(default_factory=dict)


def run(plan: Plan) -> Generator[Event]:
    """Every check against every target, one service at a time.

    A target that cannot be opened, and a check that ends in a HarnessError or in an error of our own,
    become ``CouldNotTell``: nothing that did not run reads as passed. No result holds a value that the
    contracts' examples show for what is marked ``x-phi``.
    """
    began = time.monotonic()
    secrets = known_phi(plan.system)
    yield started(plan)
    for service, opened in plan.targets.items():
        try:
            with opened() as target:
                for check in plan.checks:
                    yield from _run_check(check, plan, target, secrets)
        except HarnessError as error:
            yield Reported(CouldNotTell("", service, "", error.paragraph()))
        except Exception as error:  # the other services' results must not go down with it
            reason = f"the target could not be opened or closed: {_described(error)}"
            yield Reported(CouldNotTell("", service, "", reason, _DEFECT))
    yield RunFinished(time.monotonic() - began)


def started(plan: Plan) -> RunStarted:
    """What is going to be done."""
    checks = tuple(check.name for check in plan.checks)
    return RunStarted(dict.fromkeys(plan.targets, checks), plan.settings)


def unfinished(plan: Plan, services: Iterable[str], done: Set[tuple[str, str]], why: str) -> Iterator[Event]:
    """What a run that ended too early did not get to; ``done``: (service, check) it finished.

    A check that was at work yields events as well: half of it must not read as passed.
    """
    for service in services:
        for check in plan.checks:
            if (service, check.name) not in done:
                yield CheckStarted(service, check.name)
                yield Reported(CouldNotTell(check.name, service, "", why))
                yield CheckFinished(service, check.name, 0.0)


def _run_check(check: Check, plan: Plan, target: Target, secrets: Collection[str]) -> Iterator[Event]:
    began = time.monotonic()
    yield CheckStarted(target.service, check.name)
    missing = sorted(check.needs - target.capabilities)
    if missing:
        reason = "; ".join(WITHOUT[each] for each in missing)
        yield Reported(NotApplicable(check.name, target.service, "", reason))
    else:
        for result in _results(check, plan, target):
            yield Reported(discreet(result, secrets))
    yield CheckFinished(target.service, check.name, time.monotonic() - began)


def _results(check: Check, plan: Plan, target: Target) -> Iterator[Result]:
    silent = True
    try:
        for result in check.run(plan.system, target, plan.limits):
            silent = False
            yield result
    except HarnessError as error:
        silent = False
        yield CouldNotTell(check.name, target.service, "", error.paragraph())
    except Exception as error:  # a defect of ours must not read as "the service is fine"
        silent = False
        yield CouldNotTell(
            check.name, target.service, "", f"the check itself failed with {_described(error)}", _DEFECT
        )
    if silent:
        yield NotApplicable(
            check.name, target.service, "", "the contract has nothing that this check looks at"
        )


def _described(error: BaseException) -> str:
    """Type, file and line of an error: enough to report it, and free of the values it speaks of."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    name = trace.tb_frame.f_code.co_filename.rsplit("/", 1)[-1]
    return f"{type(error).__name__} at {name}:{trace.tb_lineno}"
