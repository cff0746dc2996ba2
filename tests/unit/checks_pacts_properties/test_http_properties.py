"""Schemathesis through our check: silent on a desk in order, and each fault under its own name."""

from __future__ import annotations

import logging
import warnings
from contextlib import nullcontext
from dataclasses import replace

import pytest

from harness.checks import http_properties
from harness.contract.model import System
from harness.driving import property_setup
from harness.driving.property_defects import Defect
from harness.driving.property_run import Reach, Trouble, run_properties
from harness.findings import CouldNotTell, Finding, Passed, Reported
from harness.runner import Plan, run
from harness.target import Limits
from tests.unit.checks_pacts_properties.conftest import Open
from tests.unit.checks_pacts_properties.desk import Desk, Fault


def test_a_desk_in_order_has_no_findings(
    system: System, limits: Limits, opened: Open, capfd: pytest.CaptureFixture[str]
) -> None:
    desk = Desk()
    results = list(http_properties.run(system, opened(desk), limits))

    assert [each for each in results if not isinstance(each, Passed)] == []
    assert {each.operation for each in results} == set(system.contracts["lending"].operations)
    assert sum(each.cases for each in results if isinstance(each, Passed)) > 100
    assert capfd.readouterr() == ("", "")
    sent = {headers.get("idempotency-key") for method, path, headers in desk.requests if method == "POST"}
    assert len(sent) > limits.cases  # a key of its own for each well-formed request


@pytest.mark.parametrize(
    ("fault", "operation", "title", "received", "documented"),
    [
        ("drops-due-date", "lendBook", "Response violates schema", "'dueOn' is missing", "Loan: required"),
        ("answers-200", "lendBook", "Undocumented status code", "200", "201, 400"),
        ("lets-anybody-in", "getLoan", "API accepts requests without authentication", "200", "401 or 403"),
        ("accepts-anything", "lendBook", "Schema-violating request accepted", "201", "rejected"),
        ("keeps-deleted", "forgetLoan", "Deleted resource still available", "200", "404"),
        ("keeps-nothing", "lendBook", "Created resource not found", "201", "what was answered"),
        ("keeps-another", "lendBook", "A change is not kept", "other values of bookId", "what was answered"),
    ],
)
def test_each_fault_is_found(
    system: System, limits: Limits, opened: Open,
    fault: Fault, operation: str, title: str, received: str, documented: str,
) -> None:  # fmt: skip
    results = list(http_properties.run(system, opened(Desk(fault)), replace(limits, cases=2)))

    found = [each for each in results if isinstance(each, Finding) and each.title == title]
    assert operation in {each.operation for each in found}, results
    finding = next(each for each in found if each.operation == operation)
    assert received in finding.received
    assert documented in finding.documented
    assert finding.where.file.endswith("openapi.yaml") or finding.where.file.endswith("http.yaml")
    assert finding.where.line > 1
    assert finding.reproduce.startswith("curl ")
    assert "Bearer $TOKEN" in finding.reproduce or "Authorization" not in finding.reproduce
    assert len({(each.operation, each.title, each.documented) for each in found}) == len(found)
    assert not any(isinstance(each, Passed) and each.operation == operation for each in results)


def test_schemathesis_alone_follows_links_to_what_was_deleted(
    system: System, limits: Limits, opened: Open
) -> None:
    target = opened(Desk("keeps-deleted"))

    for seed in range(1, 9):  # a chain of three calls, which a seed may miss
        told = run_properties(system.contracts["lending"], target, replace(limits, cases=25, seed=seed))
        if any(
            isinstance(each, Defect) and each.title == "Deleted resource still available" for each in told
        ):
            return
    pytest.fail("no seed led to it")


def test_two_runs_with_one_seed_find_the_same(system: System, limits: Limits, opened: Open) -> None:
    def titles() -> list[tuple[str, str]]:
        results = http_properties.run(system, opened(Desk("drops-due-date")), replace(limits, cases=2))
        return sorted((each.operation, each.title) for each in results if isinstance(each, Finding))

    assert titles() == titles()


class Odd:
    """Stands for the headers of a connection's own, which chance writes too seldom to wait for them."""

    def __contains__(self, name: str) -> bool:
        known = ("accept", "authorization", "content", "connection", "host", "idempotency", "if-")
        return name[:1] in "abcdefghijklm" and not name.startswith(known)


def test_no_request_of_any_phase_says_what_is_the_connection_s_to_say(
    system: System, limits: Limits, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor where the token is spoilt, and no credentials are asked for."""
    monkeypatch.setattr(property_setup, "FRAMING", Odd())
    desk = Desk()

    list(run_properties(system.contracts["lending"], opened(desk), replace(limits, cases=40)))

    sent = [name.lower() for _, _, headers in desk.requests for name in headers]
    assert len(sent) > 1000
    assert not [name for name in sent if name in Odd()]


def test_a_share_of_the_boundary_values_is_a_share_of_what_is_sent(
    system: System, limits: Limits, opened: Open
) -> None:
    def sent(boundaries: float) -> dict[str, int]:
        some = replace(limits, cases=1, boundaries=boundaries)
        reach = [
            each
            for each in run_properties(system.contracts["lending"], opened(Desk()), some)
            if isinstance(each, Reach)
        ]
        return {name: sum(statuses.values()) for name, statuses in reach[-1].statuses.items()}

    fifth, again, whole = sent(0.2), sent(0.2), sent(1.0)

    assert fifth == again
    assert set(fifth) == set(whole)
    assert sum(fifth.values()) < sum(whole.values()) / 2


def test_a_target_that_remembers_nothing_is_not_blamed_for_it(
    system: System, limits: Limits, opened: Open
) -> None:
    target = replace(opened(Desk("keeps-deleted")), kind="mock", capabilities=frozenset(), control=None)

    assert all(isinstance(each, Passed) for each in http_properties.run(system, target, limits))


def test_without_a_token_source_nothing_passes(system: System, limits: Limits, opened: Open) -> None:
    target = replace(opened(Desk()), tokens=None)
    plan = Plan(system, {"lending": lambda: nullcontext(target)}, [http_properties.CHECK], limits)

    told = [event.result for event in run(plan) if isinstance(event, Reported)]

    troubles = [each for each in told if isinstance(each, CouldNotTell)]
    assert len(troubles) == 1
    assert "--token-command" in troubles[0].reason
    assert not any(isinstance(each, Passed) for each in told)


def test_an_unreachable_target_is_could_not_tell(system: System, limits: Limits, opened: Open) -> None:
    target = replace(opened(Desk()), url="http://127.0.0.1:9", control=None)
    plan = Plan(system, {"lending": lambda: nullcontext(target)}, [http_properties.CHECK], limits)

    told = [event.result for event in run(plan) if isinstance(event, Reported)]

    assert len(told) == 1
    assert isinstance(told[0], CouldNotTell)
    assert "did not answer" in told[0].reason


def test_a_target_that_goes_away_is_told_once_an_operation(
    system: System, limits: Limits, opened: Open
) -> None:
    contract, target = system.contracts["lending"], replace(opened(Desk()), url="http://127.0.0.1:9")

    told = list(run_properties(contract, replace(target, control=None), replace(limits, cases=2)))

    troubles = [each for each in told if isinstance(each, Trouble)]
    assert len(troubles) == len(told) - 1
    names = [each.operation.id for each in troubles if each.operation]
    assert sorted(names) == sorted(contract.operations)
    assert all("refused" in each.reason for each in troubles)


def test_what_takes_too_long_is_told_and_nothing_passes(system: System, limits: Limits, opened: Open) -> None:
    results = list(http_properties.run(system, opened(Desk()), replace(limits, budget=0.2)))

    assert not any(isinstance(each, Passed) for each in results)
    assert any("not everything was tried within" in r.reason for r in results if isinstance(r, CouldNotTell))


def test_libraries_keep_quiet_and_what_was_set_stays(system: System, limits: Limits, opened: Open) -> None:
    filters, handlers = list(warnings.filters), list(logging.getLogger("urllib3").handlers)

    list(http_properties.run(system, opened(Desk()), replace(limits, cases=1)))

    assert list(warnings.filters) == filters
    assert logging.getLogger("urllib3").handlers == handlers


def test_what_never_succeeded_does_not_read_as_passed(system: System, limits: Limits, opened: Open) -> None:
    results = list(http_properties.run(system, opened(Desk("refuses-loans")), replace(limits, cases=2)))

    (lend,) = [each for each in results if each.operation == "lendBook"]
    assert isinstance(lend, CouldNotTell)
    assert "no request succeeded" in lend.reason


def test_of_what_is_refused_for_overload_nothing_is_told(
    system: System, limits: Limits, opened: Open
) -> None:
    results = list(http_properties.run(system, opened(Desk("busy-at-times")), replace(limits, cases=2)))

    lending = [each for each in results if each.operation == "lendBook"]
    assert not any(isinstance(each, Finding | Passed) for each in lending), lending
    assert any(isinstance(each, CouldNotTell) and "too busy" in each.reason for each in lending)
