"""Message pacts against a desk that really publishes: caused by request, by message and by time."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.checks import message_pacts
from harness.contract.model import JSON, System
from harness.findings import CouldNotTell, Finding, Passed, Result
from harness.kafka.broker import Broker
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.listening import Listener
from harness.kafka.wire import Record, publish
from harness.target import Limits
from tests.unit.checks_pacts_properties import agreements
from tests.unit.checks_pacts_properties.conftest import ALL, Open
from tests.unit.checks_pacts_properties.desk import Desk

LOANS, MEMBERS = "test.lending.loan.v1", "test.members.member.v1"

Tampered = Callable[[Record], Record | None]


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with EmbeddedBroker({LOANS: 1, MEMBERS: 1}) as embedded:
        yield embedded.broker


def _desk(broker: Broker, tampered: Tampered = lambda record: record) -> Desk:
    """A desk that publishes each change, unless somebody tampers with it on the way."""

    def moved(loan: dict[str, JSON], before: JSON, correlation: str) -> None:
        payload = {"id": loan["id"], "to": loan["status"], "memberId": loan["memberId"]}
        headers = {
            "ce_id": str(uuid.uuid4()),
            "ce_type": "test.lending.LoanChanged.v1",
            "content-type": "application/json",
            "ce_correlationid": correlation,
        }
        value = json.dumps({**payload, **({"from": before} if before else {})}).encode()
        pairs = tuple((name, text.encode()) for name, text in headers.items())
        record = tampered(Record(LOANS, 0, 0, str(loan["id"]), pairs, value))
        if record is not None:
            publish(broker, [record])

    return Desk(moved=moved)


def _agreed(system: System, folder: Path, *interactions: dict[str, JSON]) -> System:
    return replace(system, pacts=(agreements.write(folder / "shelf-lending.json", interactions, "shelf"),))


def _verified(
    agreed: System, limits: Limits, opened: Open, broker: Broker, tampered: Tampered = lambda record: record
) -> list[Result]:
    desk = _desk(broker, tampered)
    target = replace(opened(desk), kafka=broker, capabilities=ALL | {"kafka"})
    ended = threading.Event()
    with Listener(broker, [MEMBERS]) as listener:
        thread = threading.Thread(target=_members, args=(listener, desk, ended))
        thread.start()
        try:
            return list(message_pacts.run(agreed, target, limits))
        finally:
            ended.set()
            thread.join(10)


def _members(listener: Listener, desk: Desk, ended: threading.Event) -> None:
    """The desk's own consumer: the loan of a member who left is lost."""
    mark = listener.mark()
    while not ended.is_set():
        for record in listener.wait_for(lambda _: True, 0.05, mark) or []:
            mark += 1
            payload = record.json()
            if payload["loanId"] in desk.loans:
                desk.move(payload["loanId"], "lost", record.header("ce_correlationid") or "")


def _opened() -> dict[str, JSON]:
    payload = {"id": agreements.LOAN, "to": "open"}
    return agreements.message(
        "a loan began", payload, kafka_key=agreements.LOAN, ce_type="test.lending.LoanChanged.v1"
    )


def test_what_requests_messages_and_time_cause_is_caught_and_compared(
    system: System, limits: Limits, opened: Open, broker: Broker, tmp_path: Path
) -> None:
    state = agreements.exists({"id": agreements.LOAN, "memberId": "m-0042", "status": "open"})
    agreed = _agreed(
        system,
        tmp_path,
        _opened(),
        agreements.message(
            "a loan is lost", {"id": agreements.LOAN, "to": "lost", "memberId": "m-0042"}, [state]
        ),
        agreements.message(
            "a loan is overdue", {"id": agreements.LOAN, "from": "open", "to": "overdue"}, [state]
        ),
    )

    results = _verified(agreed, limits, opened, broker)

    assert [type(each) for each in results] == [Passed] * 3, results
    titles = [each.title for each in results if isinstance(each, Passed)]
    assert ["lendBook" in titles[0], "memberLeft" in titles[1], "3600 s" in titles[2]] == [True] * 3


@pytest.mark.parametrize("member", ["m-0001", "m-0002"])
def test_of_the_examples_that_cause_an_event_the_one_that_says_what_is_wanted_is_taken(
    system: System, limits: Limits, opened: Open, broker: Broker, tmp_path: Path, member: str
) -> None:
    wanted = agreements.message("a loan began", {"to": "open", "memberId": member})
    (result,) = _verified(_agreed(system, tmp_path, wanted), limits, opened, broker)
    assert isinstance(result, Passed), result


@pytest.mark.parametrize(
    ("tampered", "received", "documented"),
    [
        (lambda record: replace(record, key=None), "kafka_key", agreements.LOAN),
        (
            lambda record: replace(record, headers=record.headers[2:]),
            "ce_type",
            "test.lending.LoanChanged.v1",
        ),
        (lambda record: replace(record, value=b'{"to": "open"}'), "id", "id"),
    ],
    ids=["without its key", "without its type", "without its id"],
)
def test_an_event_that_differs_is_a_finding(
    system: System, limits: Limits, opened: Open, broker: Broker, tmp_path: Path,
    tampered: Tampered, received: str, documented: str,
) -> None:  # fmt: skip
    (finding,) = _verified(_agreed(system, tmp_path, _opened()), limits, opened, broker, tampered)

    assert isinstance(finding, Finding), finding
    assert finding.operation == "loanChanged"
    assert received in finding.received
    assert documented in finding.documented
    assert finding.where.file.endswith("shelf-lending.json")
    assert "curl" in finding.reproduce
    assert f"topic {LOANS}" in finding.reproduce


def test_a_swallowed_event_is_a_finding(
    system: System, limits: Limits, opened: Open, broker: Broker, tmp_path: Path
) -> None:
    (finding,) = _verified(_agreed(system, tmp_path, _opened()), limits, opened, broker, lambda _: None)

    assert isinstance(finding, Finding)
    assert finding.title == "Nothing was published for shelf: a loan began"
    assert "lendBook" in finding.documented
    assert finding.where.file.endswith("openapi.yaml")


def test_what_nothing_causes_and_what_names_no_topic_is_told(
    system: System, limits: Limits, opened: Open, broker: Broker, tmp_path: Path
) -> None:
    nowhere = agreements.message("a loan nowhere", {"id": agreements.LOAN})
    del nowhere["metadata"]["kafka_topic"]
    agreed = _agreed(
        system,
        tmp_path,
        agreements.message("a loan is burnt", {"id": agreements.LOAN, "to": "burnt"}),
        nowhere,
    )

    results = _verified(agreed, limits, opened, broker)

    reasons = [each.reason for each in results if isinstance(each, CouldNotTell)]
    assert len(reasons) == len(results) == 2
    assert "could not be caused" in reasons[0]
    assert "topic" in reasons[1]


def test_a_topic_that_the_provider_does_not_promise_is_a_finding(
    system: System, limits: Limits, opened: Open, broker: Broker, tmp_path: Path
) -> None:
    stray = agreements.message("a wish", {"id": agreements.LOAN}, kafka_topic="test.lending.wish.v1")

    (finding,) = _verified(_agreed(system, tmp_path, stray), limits, opened, broker)

    assert isinstance(finding, Finding)
    assert "test.lending.wish.v1" in finding.documented
