"""What could not be told is gathered by its reason, so that a person can read it."""

from __future__ import annotations

import io

from rich.console import Console

from harness.findings import CheckStarted, CouldNotTell, Reported, RunFinished
from harness.reports.console import ConsoleReport
from harness.reports.unknowns import gathered, remedies

WHY, REMEDY = "no Ticket can be made", "Offer control"


def _untold(check: str, operation: str, trying: str = "", reason: str = WHY) -> CouldNotTell:
    return CouldNotTell(check, "tickets", operation, reason, REMEDY, trying)


MANY = [
    _untold("lifecycle", "sellTicket", "refusal of Ticket sold"),
    _untold("access", "sellTicket"),
    _untold("lifecycle", "sellTicket", "refusal of Ticket torn"),
    _untold("lifecycle", "sellTicket", "refusal of Ticket sold"),
    _untold("lifecycle", "returnTicket", "Ticket sold → free"),
    _untold("paging", "", reason="the list is too long"),
]


def test_one_reason_is_one_unknown_with_all_that_it_stood_in_the_way_of() -> None:
    first, second = gathered(MANY)
    assert (first.reason, first.count) == (WHY, 5)
    assert first.lines == [
        "lifecycle: sellTicket (refusal of Ticket sold, torn); returnTicket (Ticket sold → free)",
        "access: sellTicket",
    ]
    assert (second.reason, second.lines) == ("the list is too long", ["paging"])
    assert remedies([first, second]) == {REMEDY: 6}


def test_the_console_says_a_remedy_once() -> None:
    shown = io.StringIO()
    report = ConsoleReport(Console(file=shown, width=60))
    report.add(CheckStarted("tickets", "lifecycle"))
    for each in MANY:
        report.add(Reported(each))
    report.add(RunFinished(1.0))
    report.close()
    text = shown.getvalue()
    assert text.count(REMEDY) == text.count(WHY) == 1
    assert "    access: sellTicket\n" in text
    assert "6 could not tell" in text


def test_a_long_reason_is_not_cut() -> None:
    shown = io.StringIO()
    report = ConsoleReport(Console(file=shown, width=40))
    report.add(CheckStarted("tickets", "lifecycle"))
    report.add(Reported(_untold("lifecycle", "sellTicket", "x" * 50, reason="because " * 12 + "of that")))
    report.close()
    assert "because of that" in shown.getvalue()
    assert "x" * 50 in shown.getvalue()
