"""Pacts verified over HTTP: kept, broken, and impossible to look at are three different things."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.checks import http_pacts, http_properties
from harness.contract.model import System
from harness.findings import CouldNotTell, Finding, Passed
from harness.target import Limits
from tests.unit.checks_pacts_properties import agreements
from tests.unit.checks_pacts_properties.conftest import Open
from tests.unit.checks_pacts_properties.desk import Desk


@pytest.fixture
def agreed(system: System, tmp_path: Path) -> Iterator[System]:
    """The system with one pact: read in a state, lend without one, be refused without a token."""
    interactions = [agreements.reading(), agreements.lending(), agreements.refusing()]
    yield replace(system, pacts=(agreements.write(tmp_path / "desk-web-lending.json", interactions),))


def test_a_kept_pact_passes_in_its_states_and_with_tokens(
    agreed: System, limits: Limits, opened: Open, capfd: pytest.CaptureFixture[str]
) -> None:
    desk = Desk()

    results = list(http_pacts.run(agreed, opened(desk), limits))

    assert [(type(each), each.operation) for each in results] == [
        (Passed, "getLoan"),
        (Passed, "lendBook"),
        (Passed, "getLoan"),
    ]
    assert capfd.readouterr() == ("", "")
    tokens = [headers.get("authorization", "").removeprefix("Bearer ") for _, _, headers in desk.requests]
    claims = json.loads(bytes.fromhex(tokens[0]))
    assert claims["patient"] == "m-0042"  # of whom the state speaks
    assert tokens[2] == ""
    assert "portal-interaction" not in desk.requests[0][2]


def test_a_proxy_of_the_environment_is_no_hindrance(
    agreed: System, limits: Limits, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    target = opened(Desk())

    assert all(isinstance(each, Passed) for each in http_pacts.run(agreed, target, limits))
    assert all(
        isinstance(each, Passed) for each in http_properties.run(agreed, target, replace(limits, cases=1))
    )
    assert "NO_PROXY" not in os.environ


@pytest.mark.parametrize(
    ("fault", "received", "documented"),
    [("answers-200", "expected 201 but was 200", "201"), ("drops-due-date", "dueOn", "dueOn")],
)
def test_a_broken_pact_is_a_finding(
    agreed: System, limits: Limits, opened: Open, fault: str, received: str, documented: str
) -> None:
    desk = Desk("answers-200" if fault == "answers-200" else "drops-due-date")

    results = list(http_pacts.run(agreed, opened(desk), limits))

    (finding,) = [each for each in results if isinstance(each, Finding)]
    assert finding.operation == "lendBook"
    assert finding.title == "Not what desk-web relies on: lends a book"
    assert received in finding.received
    assert documented in finding.documented
    assert finding.where.file.endswith("desk-web-lending.json")
    assert '"lends a book"' in Path(finding.where.file).read_text().splitlines()[finding.where.line - 1]
    assert "Bearer $TOKEN" in finding.reproduce
    assert "pact-0001-lend" in finding.reproduce
    assert sum(isinstance(each, Passed) for each in results) == 2


def test_without_control_states_cannot_be_told(agreed: System, limits: Limits, opened: Open) -> None:
    target = replace(opened(Desk()), kind="external", control=None, capabilities=frozenset({"state"}))

    results = list(http_pacts.run(agreed, target, limits))

    (trouble,) = [each for each in results if isinstance(each, CouldNotTell)]
    assert trouble.trying == "desk-web: a loan"
    assert "--control lending=URL" in trouble.remedy
    assert "Loan exists" in trouble.reason
    assert sum(isinstance(each, Passed) for each in results) == 2


def test_a_mock_is_asked_for_the_answer_that_is_due(agreed: System, limits: Limits, opened: Open) -> None:
    desk = Desk()
    target = replace(opened(desk), kind="mock", control=None, capabilities=frozenset())

    list(http_pacts.run(agreed, target, limits))

    assert [headers.get("prefer") for _, _, headers in desk.requests] == ["code=200", "code=201", "code=401"]


def test_states_that_nobody_can_make_are_named(
    system: System, limits: Limits, opened: Open, tmp_path: Path
) -> None:
    interactions = [
        agreements.reading("in a mood", [{"name": "the moon is full"}]),
        agreements.reading("of an unknown kind", [agreements.exists({}, "Unicorn")]),
        agreements.reading("that the desk refuses to make", [agreements.exists({}, "NewLoan")]),
    ]
    agreed = replace(system, pacts=(agreements.write(tmp_path / "p.json", interactions),))

    results = list(http_pacts.run(agreed, opened(Desk()), limits))

    assert all(isinstance(each, CouldNotTell) for each in results)
    reasons = [each.reason for each in results if isinstance(each, CouldNotTell)]
    assert ["the moon is full" in reasons[0], "Unicorn" in reasons[1], "NewLoan" in reasons[2]] == [True] * 3


def test_an_interaction_of_another_kind_is_not_passed_over(
    system: System, limits: Limits, opened: Open, tmp_path: Path
) -> None:
    asked = {"type": "Synchronous/Messages", "description": "asks and is answered"}
    agreed = replace(system, pacts=(agreements.write(tmp_path / "p.json", [asked]),))

    (told,) = http_pacts.run(agreed, opened(Desk()), limits)

    assert isinstance(told, CouldNotTell)
    assert "Synchronous/Messages" in told.reason


def test_two_interactions_of_one_name_and_a_broken_file_are_told(
    system: System, limits: Limits, opened: Open, tmp_path: Path
) -> None:
    twice = agreements.write(tmp_path / "twice.json", [agreements.lending(), agreements.lending()])
    broken = tmp_path / "broken.json"
    broken.write_text('{\n "consumer": \n', encoding="utf-8")
    agreed = replace(system, pacts=(twice, broken))

    results = list(http_pacts.run(agreed, opened(Desk()), limits))

    reasons = [each.reason for each in results if isinstance(each, CouldNotTell)]
    assert any("broken.json:3" in each for each in reasons)
    assert any(
        "two interactions are called 'lends a book'" in each and "twice.json:" in each for each in reasons
    )


def test_an_unreachable_target_is_could_not_tell(agreed: System, limits: Limits, opened: Open) -> None:
    target = replace(opened(Desk()), url="http://127.0.0.1:9")

    results = list(http_pacts.run(agreed, target, limits))

    assert len(results) == 3
    assert all(isinstance(each, CouldNotTell) and "did not answer" in each.reason for each in results)


def test_pacts_of_other_providers_are_left_alone(
    system: System, limits: Limits, opened: Open, tmp_path: Path
) -> None:
    other = agreements.write(tmp_path / "other.json", [agreements.lending()])
    other.write_text(other.read_text().replace('"name": "lending"', '"name": "bakery"'))

    assert list(http_pacts.run(replace(system, pacts=(other,)), opened(Desk()), limits)) == []
