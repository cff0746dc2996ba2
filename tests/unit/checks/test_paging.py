"""Paging, on a shop that keeps its contract and on shops that do not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.checks import paging
from harness.contract.model import System
from harness.findings import CouldNotTell, Finding, Passed, Result
from harness.target import Claims, Limits
from tests.unit.checks.counter import token
from tests.unit.checks.shop import open_shop

LISTS = {"searchSeats", "listTickets"}


def _results(system: System, limits: Limits, *faults: str) -> list[Result]:
    with open_shop(None, *faults) as target:
        return list(paging.run(system, target, limits))


def test_lists_that_page_truly(system: System, limits: Limits) -> None:
    results = _results(system, limits)
    assert {each.operation for each in results} == LISTS
    for result in results:
        assert isinstance(result, Passed)
        assert "while 3 more were inserted" in result.title
        assert "a cursor of nobody's is refused" in result.title
        assert "filters status" in result.title


@pytest.mark.parametrize(
    ("fault", "title"),
    [
        ("page-overlaps", "An item stands on several pages"),
        ("page-gaps", "An item of the list stands on no page"),
        ("newest-first", "An item stands on several pages when others are inserted between them"),
        ("one-too-many", "A page holds more items than its limit"),
        ("endless", "The pages never end"),
        ("total-of-page", "The total is not the number of items on every page"),
        ("wrong-total", "The total is not the number of items that 'status' lets through"),
        ("no-filter", "The filter 'status' lets through what does not match"),
        ("hides-match", "The filter 'status' hides what matches"),
        ("any-cursor", "A cursor that was never given out is accepted"),
    ],
)
def test_what_is_wrong_with_a_list_is_named(system: System, limits: Limits, fault: str, title: str) -> None:
    results = _results(system, limits, fault)
    findings = [each for each in results if isinstance(each, Finding)]
    assert findings, results
    assert title in [each.title for each in findings]
    assert {each.operation for each in findings} <= LISTS
    assert all(each.received and each.documented and each.where.line for each in findings)
    assert all(each.reproduce.startswith("curl ") for each in findings)


def test_a_list_without_control_is_filled_by_the_contracts_own_post(system: System, limits: Limits) -> None:
    with open_shop(control=False) as target:
        results = list(paging.run(system, target, limits))
    [tickets] = [each for each in results if each.operation == "listTickets"]
    assert isinstance(tickets, Passed)
    assert "while 3 more were inserted" in tickets.title
    seats, told = [each for each in results if each.operation == "searchSeats"]
    assert isinstance(told, Passed)
    assert "inserted" not in told.title
    assert isinstance(seats, CouldNotTell)
    assert seats.trying == "inserting items between two pages"
    assert "no Seat can be made" in seats.reason


def test_a_list_that_cannot_be_filled_is_named(system: System, limits: Limits) -> None:
    def reads_only(claims: Claims) -> str:
        return token({**claims, "scope": str(claims["scope"]).replace("write", "read")})

    with open_shop(control=False) as target:
        results = list(paging.run(system, replace(target, tokens=reads_only), limits))
    [tickets] = [each for each in results if each.operation == "listTickets"]
    assert isinstance(tickets, CouldNotTell)
    assert "the list cannot be filled: it holds 0 items" in tickets.reason
    assert "buyTicket answered 403" in tickets.reason


def test_what_a_list_leaks_is_not_taken_for_bad_paging(system: System, limits: Limits) -> None:
    assert not [each for each in _results(system, limits, "anybody") if isinstance(each, Finding)]
