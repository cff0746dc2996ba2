"""Each fault is found by the check that it is made for, and left alone by others."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, nullcontext
from pathlib import Path

import pytest

from harness import runner
from harness.checks import CHECKS
from harness.contract import load_system
from harness.contract.model import System
from harness.findings import CouldNotTell, Finding, Reported, Result
from harness.kafka.broker import Broker
from harness.target import Limits, Target
from tests.faulty_services import table
from tests.faulty_services.fault import Fault
from tests.faulty_services.faults import FAULTS
from tests.faulty_services.running import broken, broker_for


@pytest.fixture(scope="module")
def system(contracts: Path) -> System:
    return load_system(contracts)


@pytest.fixture(scope="module")
def broker_of(system: System) -> Iterator[Callable[[str], Broker]]:
    """A broker a service, so that none hears what another one's tests have published."""
    started: dict[str, Broker] = {}
    with ExitStack() as stack:

        def broker_of(service: str) -> Broker:
            if service not in started:
                started[service] = stack.enter_context(broker_for(system)).broker
            return started[service]

        yield broker_of


def _results(
    system: System, target: Target, names: tuple[str, ...], cases: int
) -> Generator[Result, None, None]:
    known = {check.name: check for check in CHECKS}
    opened: dict[str, runner.Opened] = {target.service: lambda: nullcontext(target)}
    limits = Limits(cases=cases, settle=0.5, timeout=5.0)
    plan = runner.Plan(system, opened, [known[name] for name in names], limits)
    for event in runner.run(plan):
        if isinstance(event, Reported):
            yield event.result


def _is_named(fault: Fault, results: Generator[Result, None, None]) -> bool:
    """Runs the check no further than to the finding."""
    told: list[Result] = []
    with closing(results):
        for each in results:
            told.append(each)
            if fault.names(each):
                return True
    pytest.fail("\n".join(map(str, told)))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name.replace(" ", "-"))
def test_a_fault_is_found_by_its_check_and_by_no_other(
    fault: Fault, system: System, broker_of: Callable[[str], Broker]
) -> None:
    with broken(system, fault.service, fault.breaks, broker_of(fault.service)) as target:
        others = list(_results(system, target, fault.clean, fault.cases))
        assert {each.check for each in others} == set(fault.clean)
        assert not [each for each in others if isinstance(each, Finding | CouldNotTell)]

        named = _results(fault.held_to(system), target, (fault.found_by,), fault.cases)
        assert _is_named(fault, named)


def test_every_kind_of_fault_is_tried() -> None:
    assert {fault.group for fault in FAULTS} == {
        "schema and status",
        "validation",
        "state",
        "access",
        "events",
    }
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


def test_the_readme_lists_every_fault_and_who_finds_it(contracts: Path) -> None:
    readme = contracts.parent / "README.md"
    assert table.listed(readme.read_text(encoding="utf-8")) == {each.name: each.found_by for each in FAULTS}
