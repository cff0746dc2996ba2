"""What a run leaves behind reads the same in every report, and as its shape is documented."""

from __future__ import annotations

import io
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import orjson
import pytest
from rich.console import Console

from harness.contract.model import Place, System
from harness.findings import (
    CheckFinished,
    CheckStarted,
    CouldNotTell,
    Event,
    Finding,
    NotApplicable,
    Passed,
    Reported,
    Result,
    RunFinished,
    RunStarted,
)
from harness.reports.console import ConsoleReport
from harness.reports.html import html
from harness.reports.json_report import FORMAT, json_report
from harness.reports.junit import junit
from harness.reports.outcome import Outcome, outcome
from harness.runner import Plan, unfinished
from harness.target import Limits
from tests.unit.runner.test_runner import check, orders, passes

LONG = "curl -sS " + "x" * 300
FINDING = Finding(
    "access", "the orders", "getOrder", "another's order is shown", "200 {}\nX-Twice: 1", "404",
    where=Place("contracts/orders/openapi.yaml", 12), reproduce=LONG,
)  # fmt: skip
WARNING = Finding("access", "the orders", "", "a header too many", "x: 1", "no x", severity="warning")
UNKNOWN = CouldNotTell(
    "paging", "the orders", "listOrders", "the list cannot be filled", "Add --control", "a page"
)
SKIPPED = NotApplicable("events", "the orders", "", "no Kafka address was given for this target")
RUN: tuple[tuple[str, tuple[Result, ...]], ...] = (
    ("truth", (Passed("truth", "the orders", "getOrder", "it holds", cases=3),)),
    ("access", (FINDING, WARNING)),
    ("paging", (UNKNOWN,)),
    ("events", (SKIPPED,)),
)


def events(run: tuple[tuple[str, tuple[Result, ...]], ...] = RUN) -> list[Event]:
    told: list[Event] = [RunStarted({"the orders": tuple(name for name, _ in run)}, {"seed": "1"})]
    for name, results in run:
        told.append(CheckStarted("the orders", name))
        told += [Reported(result) for result in results]
        told.append(CheckFinished("the orders", name, 0.5))
    return [*told, RunFinished(2.0)]


def shown(told: list[Event], ended: str = "", soft: bool = True) -> str:
    console = Console(file=io.StringIO(), width=60, soft_wrap=soft, highlight=False)
    with ConsoleReport(console) as report:
        for event in told:
            report.add(event)
    report.close(ended=ended)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_json_is_as_documented() -> None:
    document: dict[str, Any] = orjson.loads(json_report(outcome(events())))
    assert set(document) == {"format", "exitCode", "seconds", "settings", "checks"}
    assert document["format"] == FORMAT == "portal-report/1"
    assert document["exitCode"] == 1
    names = {"service", "check", "verdict", "seconds", "cases", "results"}
    assert all(set(each) == names for each in document["checks"])
    verdicts = ["passed", "findings", "could not tell", "not applicable"]
    assert [each["verdict"] for each in document["checks"]] == verdicts
    common = {"kind", "check", "service", "operation"}
    members = {
        "passed": {"title", "cases"},
        "finding": {"title", "received", "documented", "severity", "where", "reproduce"},
        "could not tell": {"reason", "remedy", "trying"},
        "not applicable": {"reason"},
    }
    results = [result for each in document["checks"] for result in each["results"]]
    assert {result["kind"] for result in results} == set(members)
    for result in results:
        assert set(result) == common | members[result["kind"]]
    assert results[1]["where"] == {"file": "contracts/orders/openapi.yaml", "line": 12}


def test_junit_totals_are_those_of_its_cases() -> None:
    root = ET.fromstring(junit(outcome(events())))
    cases = list(root.iter("testcase"))
    kinds = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    for node in (root, *root.findall("testsuite")):
        assert node.get("tests") == str(len(list(node.iter("testcase"))))
        for total, kind in kinds.items():
            assert node.get(total) == str(len(list(node.iter(kind)))), (node.get("name"), total)
    assert [case.get("name") for case in cases][1] == "getOrder: another's order is shown"
    assert all(case.get("classname") for case in cases)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                assert value not in self.ids
                self.ids.add(value)
            if name == "href" and value:
                self.links.add(value)


def test_every_link_of_the_page_leads_somewhere_on_it() -> None:
    page = _Links()
    page.feed(html(outcome(events())))
    assert len(page.links) == 2, "to the findings of access, and to what could not be told"
    assert {link.removeprefix("#") for link in page.links} <= page.ids


@pytest.mark.parametrize(
    "told", ["1 finding, 1 warning, 1 could not", "1 not applicable", "3 cases passed in 2.0 s"]
)
def test_page_and_console_count_alike(told: str) -> None:
    page = html(outcome(events()))
    assert told in page
    assert told in shown(events())


def test_what_reproduces_is_copied_whole() -> None:
    for soft in (True, False):
        assert f"\n{LONG}\n" in shown(events(), soft=soft)


def test_a_service_cannot_play_with_the_terminal() -> None:
    nasty = Finding(
        "access", "the orders", "", "\x1b[2J", "\x1b]0;mine\x07\x9b31m", "fine", reproduce="\x1b[31m"
    )
    told = shown(events((("access", (nasty,)),)))
    assert "\x1b" not in told
    assert "\x9b" not in told
    assert r"\x1b]0;mine" in told


def test_columns_stand_under_one_another() -> None:
    lines = [line for line in shown(events()).splitlines() if "the orders  " in line]
    assert len(lines) == 4
    assert len({line.index("the orders") for line in lines}) == 1
    assert len({line.index(name) for line, (name, _) in zip(lines, RUN, strict=True)}) == 1


def test_a_run_that_was_ended_passes_nothing_that_was_not_done() -> None:
    checks = [check("truth", passes), check("half", passes), check("undone", passes)]
    plan = Plan(System(Path(), {}), {"orders": orders}, checks, Limits())
    so_far: list[Event] = [
        RunStarted({"orders": ("truth", "half", "undone")}),
        CheckStarted("orders", "truth"),
        Reported(Passed("truth", "orders", "getOrder")),
        CheckFinished("orders", "truth", 1.0),
        CheckStarted("orders", "half"),
        Reported(Passed("half", "orders", "getOrder")),
    ]
    found: Outcome = outcome(so_far)
    for event in unfinished(plan, plan.targets, found.done, "the run was ended by SIGINT"):
        found.add(event)
    verdicts = [(each.check, each.verdict) for each in found.checks]
    assert verdicts == [("truth", "passed"), ("half", "could not tell"), ("undone", "could not tell")]
    assert found.exit_code == 2
    told = shown(so_far, ended="SIGINT")
    assert "ended by SIGINT: 0 findings" in told
    assert "1 of 3 checks done" in told


def test_services_side_by_side_are_told_apart() -> None:
    mixed: list[Event] = [
        RunStarted({"orders": ("truth", "half"), "bills": ("truth",)}),
        CheckStarted("bills", "truth"),
        CheckStarted("orders", "truth"),
        Reported(Passed("truth", "bills", "getBill", cases=3)),
        Reported(Passed("truth", "orders", "getOrder")),
        CheckFinished("orders", "truth", 1.0),
        CheckStarted("orders", "half"),
        Reported(CouldNotTell("half", "orders", "", "nobody knows")),
        CheckFinished("bills", "truth", 2.0),
        CheckFinished("orders", "half", 3.0),
    ]
    found = outcome(mixed)
    assert [(each.service, each.check, each.verdict, each.cases, each.seconds) for each in found.checks] == [
        ("orders", "truth", "passed", 1, 1.0),
        ("orders", "half", "could not tell", 0, 3.0),
        ("bills", "truth", "passed", 3, 2.0),
    ]
    [line] = [line for line in shown(mixed).splitlines() if "  bills  " in line]
    assert line.split() == ["passed", "bills", "truth", "3", "cases,", "2.0", "s"]
