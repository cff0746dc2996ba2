"""Three ways not to pass stay three; nothing that did not run reads as passed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import orjson
import pytest
from rich.console import Console

from harness import reports
from harness.checks.check import Check, Run
from harness.contract.model import Contract, Lifecycle, Place, System, Transition
from harness.contract.schema import schema_of
from harness.errors import TargetError
from harness.findings import CouldNotTell, Finding, NotApplicable, Passed, Result
from harness.reports.console import ConsoleReport
from harness.reports.outcome import Outcome, outcome
from harness.runner import Plan, run
from harness.target import Capability, Limits, Target

FINDING = Finding(
    "lies",
    "orders",
    "getOrder",
    "a required field is missing",
    received="{} <script>alert(1)</script> \x00",
    documented="id",
    where=Place("contracts/orders/openapi.yaml", 12),
    reproduce="curl http://127.0.0.1/orders/1",
)


def check(name: str, run: Run, *needs: Capability) -> Check:
    return Check(name, run, frozenset(needs), "sees", "misses")


def passes(_: System, target: Target, __: Limits) -> Iterator[Result]:
    yield Passed("truth", target.service, "getOrder", cases=3)


def lies(_: System, __: Target, ___: Limits) -> Iterator[Result]:
    yield FINDING


def breaks(_: System, __: Target, ___: Limits) -> Iterator[Result]:
    yield Passed("broken", "orders", "getOrder")
    raise KeyError("a value that must not be shown")


def says_nothing(_: System, __: Target, ___: Limits) -> Iterator[Result]:
    yield from ()


@contextmanager
def orders() -> Iterator[Target]:
    yield Target("orders", "http://127.0.0.1:9", "external", frozenset())


@contextmanager
def unreachable() -> Iterator[Target]:
    raise TargetError("orders=http://127.0.0.1:9", "nothing answers there")
    yield


def outcome_of(*checks: Check, opened: object = orders) -> Outcome:
    system = System(Path("contracts"), {})
    return outcome(run(Plan(system, {"orders": opened}, checks, Limits())))  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("checks", "code", "verdicts"),
    [
        ([check("truth", passes)], 0, ["passed"]),
        ([check("truth", passes), check("lies", lies)], 1, ["passed", "findings"]),
        ([check("truth", passes), check("broken", breaks)], 2, ["passed", "could not tell"]),
        ([check("broken", breaks), check("lies", lies)], 1, ["could not tell", "findings"]),
        ([check("truth", passes), check("needy", lies, "kafka")], 0, ["passed", "not applicable"]),
        ([check("truth", passes), check("quiet", says_nothing)], 0, ["passed", "not applicable"]),
        ([], 2, []),
    ],
)
def test_verdicts_and_exit_codes(checks: list[Check], code: int, verdicts: list[str]) -> None:
    found = outcome_of(*checks)
    assert [each.verdict for each in found.checks] == verdicts
    assert found.exit_code == code


def test_an_unreachable_target_is_not_a_pass() -> None:
    found = outcome_of(check("truth", passes), opened=unreachable)
    assert found.exit_code == 2
    (result,) = found.results
    assert isinstance(result, CouldNotTell)
    assert "nothing answers there" in result.reason


@contextmanager
def broken() -> Iterator[Target]:
    yield Target("orders", "http://127.0.0.1:9", "external", frozenset())
    raise OSError("a value that must not be shown")


def test_a_target_that_breaks_takes_no_other_result_with_it() -> None:
    found = outcome_of(check("lies", lies), opened=broken)
    assert FINDING in found.results
    assert found.exit_code == 1
    unknown = [r.reason for r in found.results if isinstance(r, CouldNotTell)]
    assert len(unknown) == 1
    assert "OSError at test_runner.py:" in unknown[0]
    assert "must not be shown" not in unknown[0]


def test_what_the_examples_show_of_phi_is_in_no_result() -> None:
    name = {"type": "string", "x-phi": True}
    schema = schema_of({"properties": {"name": name}, "examples": [{"name": "Kowalczyk"}]})
    contract = Contract("orders", "", "", Path(), schemas={"Person": schema})

    def tells(_: System, __: Target, ___: Limits) -> Iterator[Result]:
        yield replace(FINDING, received="Kowalczyk", reproduce="curl Kowalczyk")
        yield CouldNotTell("tells", "orders", "getOrder", "it says Kowalczyk")

    plan = Plan(System(Path(), {"orders": contract}), {"orders": orders}, [check("tells", tells)], Limits())
    results = outcome(run(plan)).results
    assert len(results) == 2
    assert "Kowalczyk" not in repr(results)
    assert "curl ***" in repr(results)


def test_a_word_for_a_state_is_shown_though_a_copy_of_a_record_says_it() -> None:
    kept = {"type": "string", "x-phi": True}
    schema = schema_of(
        {"properties": {"kept": kept}, "examples": [{"kept": "active"}, {"kept": "Kowalczyk"}]}
    )
    lifecycle = Lifecycle("Person", "status", (Transition("active"),))
    copies = Contract("copies", "", "", Path(), schemas={"Copy": schema})
    orders_ = Contract("orders", "", "", Path(), lifecycles={"Person": lifecycle})

    def tells(_: System, __: Target, ___: Limits) -> Iterator[Result]:
        yield replace(FINDING, received="inactive, Kowalczyk")

    system = System(Path(), {"copies": copies, "orders": orders_})
    plan = Plan(system, {"orders": orders}, [check("tells", tells)], Limits())
    (result,) = outcome(run(plan)).results
    assert isinstance(result, Finding)
    assert result.received == "inactive, ***"


def test_a_defect_of_a_check_names_its_place_and_no_value() -> None:
    found = outcome_of(check("broken", breaks))
    unknown = [r for r in found.results if isinstance(r, CouldNotTell)]
    assert "KeyError at test_runner.py:" in unknown[0].reason
    assert "must not be shown" not in repr(found.results)


def test_not_applicable_says_why() -> None:
    found = outcome_of(check("needy", lies, "kafka", "control"))
    (result,) = found.results
    assert isinstance(result, NotApplicable)
    assert "no Kafka address" in result.reason
    assert "--control" in result.reason


def test_written_reports_agree(tmp_path: Path) -> None:
    found = outcome_of(check("truth", passes), check("lies", lies), check("broken", breaks))
    junit, json, html = reports.write(found, tmp_path / "report")
    suites = {suite.get("name"): suite for suite in ET.parse(junit).getroot()}
    assert suites["orders.lies"].get("failures") == "1"
    assert suites["orders.broken"].get("errors") == "1"
    document = orjson.loads(json.read_bytes())
    assert document["exitCode"] == 1
    assert [each["verdict"] for each in document["checks"]] == ["passed", "findings", "could not tell"]
    assert document["checks"][1]["results"][0]["where"] == {"file": FINDING.where.file, "line": 12}
    page = html.read_text()
    assert "a required field is missing" in page
    assert "<script>" not in page
    assert "http-equiv" in page


def test_the_console_shows_received_beside_documented() -> None:
    console = Console(record=True, width=120, force_terminal=False, file=io.StringIO())
    with ConsoleReport(console) as shown:
        for event in run(Plan(System(Path(), {}), {"orders": orders}, [check("lies", lies)], Limits())):
            shown.add(event)
    shown.close()
    text = console.export_text()
    for part in ("received", "documented", "contracts/orders/openapi.yaml:12", "curl http", "1 finding"):
        assert part in text
