"""Every check on a service that nobody here has written: clean where it is right, named where it is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.checks import CHECKS
from harness.contract.model import System
from harness.findings import CouldNotTell, Finding, NotApplicable, Passed, Result
from harness.kafka.broker import Broker
from harness.target import Limits
from tests.unit.checks.shop import open_shop

OURS = {"events", "cause_and_effect", "lifecycle", "access", "concurrency"}
RUN = {check.name: check.run for check in CHECKS if check.name in OURS}
NEEDS = {check.name: check.needs for check in CHECKS}

# What the shop does wrong, the check that must say so, of which operation, and in which words.
FAULTS = [
    ("swallow:shop.tickets.seat.v1", "cause_and_effect", "holdSeat", "seatChanged was not published"),
    ("double-event", "cause_and_effect", "releaseSeat", "More events than declared"),
    ("wrong-key", "cause_and_effect", "buyTicket", "has another key than declared"),
    ("lost-correlation", "cause_and_effect", "holdSeat", "does not carry the correlation on"),
    ("wrong-causation", "cause_and_effect", "holdSeat", "names another cause"),
    ("event-on-refusal", "cause_and_effect", "holdSeat", "A refused request caused an event"),
    ("event-on-repeat", "cause_and_effect", "holdSeat", "A repeated Idempotency-Key caused an event"),
    ("before-commit", "cause_and_effect", "buyTicket", "arrived before its change can be read"),
    ("no-inbox", "cause_and_effect", "paymentSettled", "More events than declared"),
    ("any-payment", "cause_and_effect", "paymentSettled", "A refused request caused an event"),
    ("no-timers", "cause_and_effect", "Seat held after 600 s", "seatChanged was not published"),
    ("double-timer", "cause_and_effect", "Seat held after 600 s", "More events than declared"),
    ("drop-field", "events", "ticketChanged", "The payload does not keep its schema"),
    ("phi-in-event", "events", "ticketChanged", "An event has a property that is marked x-phi"),
    ("phi-in-key", "events", "ticketChanged", "An event holds a value that is marked x-phi"),
    ("wrong-content-type", "events", "seatChanged", "The content type is another than documented"),
    ("header-missing", "events", "seatChanged", "The headers do not keep their schema"),
    ("foreign-topic", "events", "", "An event on a topic that the contract does not send on"),
    ("illegal-transition", "lifecycle", "returnTicket", "An illegal transition is not refused with 409"),
    ("changes-on-refusal", "lifecycle", "holdSeat", "A refused transition changed the Seat"),
    ("no-timers", "lifecycle", "after 600 s", "A legal transition does not work: Seat held"),
    ("deaf", "lifecycle", "paymentSettled", "A legal transition does not work: Ticket pending"),
    ("no-release", "lifecycle", "returnTicket", "A legal transition does not work: Seat sold"),
    ("anybody", "access", "getTicket", "Somebody who may not is not refused: patient of somebody else"),
    ("crossed-relations", "access", "getTicket", "patient with another actor's relation"),
    ("says-it-exists", "access", "getTicket", "Somebody who may not is refused with 403"),
    ("tells-apart", "access", "getTicket", "A refusal says whether the thing exists"),
    ("phi-in-refusal", "access", "noteTicket", "A refusal holds the subject's data"),
    ("refuses-proxies", "access", "getTicket", "Somebody who may is refused: proxy, granted"),
    ("leaks-list", "access", "listTickets", "A list shows another patient's data"),
    ("any-token", "access", "getSeat", "a token signed with another key"),
    ("any-token", "access", "getSeat", "a token without signature"),
    ("no-expiry", "access", "getTicket", "an expired token"),
    ("any-audience", "access", "getTicket", "a token for another audience"),
    ("any-scope", "access", "buyTicket", "a token with another scope"),
    ("two-holds", "concurrency", "holdSeat", "8 of 8 parallel requests for one Seat succeed"),
    ("no-if-match", "concurrency", "noteTicket", "A change of an outdated version is not refused"),
    ("no-if-match", "concurrency", "noteTicket", "4 of 4 parallel requests of one version succeed"),
    ("no-idempotency", "concurrency", "holdSeat", "A repeat of an Idempotency-Key"),
    ("event-on-repeat", "concurrency", "holdSeat", "more or fewer events than one request"),
    ("any-body", "concurrency", "buyTicket", "An Idempotency-Key with another body is not refused"),
    ("key-and-body", "concurrency", "buyTicket", "An Idempotency-Key with another body is not refused"),
    ("done-and-refused", "concurrency", "buyTicket", "with another body is refused and has an effect"),
]


@pytest.mark.parametrize(
    ("name", "control"),
    [
        *(pytest.param(name, True, id=name) for name in sorted(RUN)),
        *(pytest.param(n, False, id=f"{n}, no control") for n in sorted(RUN) if "control" not in NEEDS[n]),
    ],
)
def test_a_right_service_is_clean(
    name: str, control: bool, system: System, broker: Broker, limits: Limits
) -> None:
    with open_shop(broker, control=control) as target:
        results = list(RUN[name](system, target, limits))
    assert [r for r in results if isinstance(r, Finding)] == []
    untold = [r for r in results if isinstance(r, CouldNotTell)]
    if name == "cause_and_effect":  # without control no clock can be set
        timers = "effects of Seat held after 600 s, Ticket pending after 86400 s"
        assert [r.trying for r in untold] == ([] if control else [timers])
    elif control or name != "lifecycle":  # nor can every state be reached
        assert untold == []
    assert sum(isinstance(r, Passed) for r in results) >= 3


@pytest.mark.parametrize(
    ("fault", "name", "operation", "words"),
    FAULTS,
    ids=[f"{f[1]}: {f[0]} ({n})" for n, f in enumerate(FAULTS)],
)
def test_a_fault_is_found_by_the_check_that_names_it(
    fault: str, name: str, operation: str, words: str, system: System, broker: Broker, limits: Limits
) -> None:
    with open_shop(broker, fault) as target:
        results = list(RUN[name](system, target, limits))
    titles = [r.title for r in results if isinstance(r, Finding) and r.operation == operation]
    assert any(words in title for title in titles), _told(results)
    for result in results:
        if isinstance(result, Finding):
            assert result.received
            assert result.documented
            assert "Bearer ey" not in result.reproduce


def test_a_list_that_shows_nothing_shows_nothing_of_access(
    system: System, broker: Broker, limits: Limits
) -> None:
    with open_shop(broker, "shows-nothing") as target:
        results = [r for r in RUN["access"](system, target, limits) if r.operation == "listTickets"]
    assert not [r for r in results if isinstance(r, Passed) and "items only" in r.title]
    assert [r.reason for r in results if isinstance(r, CouldNotTell)] == [
        "the list is empty, though a Ticket of its patient was made"
    ]


def test_what_cannot_be_read_is_not_known_to_be_unchanged(
    system: System, broker: Broker, limits: Limits
) -> None:
    """Two server errors are alike, and say nothing of what a refused transition changed."""
    with open_shop(broker, "breaks-when-read") as target:
        results = [r for r in RUN["lifecycle"](system, target, limits) if r.operation == "releaseSeat"]
    assert not [r for r in results if isinstance(r, Passed) and "sold" in r.title]
    assert [r.trying for r in results if isinstance(r, CouldNotTell) and "500" in r.reason] == [
        "refusal of Seat sold"
    ]


def test_kafka_alone_is_enough_for_a_target_without_memory(
    system: System, broker: Broker, limits: Limits
) -> None:
    """Declared capabilities decide what is not applicable; it is listed with its reason."""
    with open_shop(broker) as whole:
        forgetful = replace(whole, capabilities=frozenset({"kafka"}), kind="mock")
        results = list(RUN["cause_and_effect"](system, forgetful, limits))
    reasons = [r.reason for r in results if isinstance(r, NotApplicable)]
    assert any("Idempotency-Key" in reason for reason in reasons)
    assert any("effects of timers" in reason for reason in reasons)


def _told(results: list[Result]) -> str:
    told = [f"{type(r).__name__} {r.operation}: {getattr(r, 'title', '') or r}" for r in results]
    return "\n".join(told) or "nothing was told"
