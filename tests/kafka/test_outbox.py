"""The services' outbox on a broker that ends and comes back under them: nothing lost, no effect doubled."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.contract import load_system
from harness.contract.model import JSON
from harness.kafka.broker import create_topics
from harness.kafka.listening import Listener
from harness.kafka.wire import Record
from tests.kafka.apache import ApacheKafka
from tests.kafka.until import until
from tests.services.portal import AMARA, Portal, eventually, patient, running_on

pytestmark = pytest.mark.apache

APPOINTMENTS = "portal.scheduling.appointment.v1"
CHECKS = "portal.coverage.eligibility.v1"
DELIVERIES = "portal.notifications.delivery.v1"
BEFORE_AND_AFTER = 15
PAUSE = 0.1
"""Seconds between two bookings: a slow machine must not pile up thousands while the broker is away."""


@pytest.fixture
def portal(apache_kafka: ApacheKafka, contracts: Path) -> Iterator[Portal]:
    system = load_system(contracts)
    create_topics(apache_kafka.broker, system.topics.values())
    with running_on(apache_kafka.broker, system, "scheduling", "coverage", "notifications") as running:
        yield running


def test_the_broker_may_end_at_any_moment(portal: Portal, apache_kafka: ApacheKafka) -> None:
    """Patients go on booking while it is stopped, started, killed and started again."""
    asked, enough = list[str](), threading.Event()

    def book() -> None:
        while not enough.wait(PAUSE):
            asked.append(str(portal.booked(AMARA)["id"]))

    with Listener(portal.broker, [APPOINTMENTS, CHECKS, DELIVERIES], timeout=60) as listener:
        patients = threading.Thread(target=book)
        patients.start()
        try:
            for end in (apache_kafka.stop, apache_kafka.kill):
                _some_more(asked)
                end()
                _some_more(asked)  # booking needs no broker: its events wait
                apache_kafka.start()
            _some_more(asked)
        finally:
            enough.set()
            patients.join(30)
        for appointment in asked:
            _booked_and_told(portal, appointment)
        listener.settle(1.0)
        records = listener.records

    changes = [each for each in records if each.topic == APPOINTMENTS]
    assert {each.key for each in changes} >= set(asked), "nothing is lost"
    for topic in (APPOINTMENTS, CHECKS, DELIVERIES):
        _whole_in_order_and_single([each for each in records if each.topic == topic])
    for topic in (CHECKS, DELIVERIES):
        _one_effect_a_cause([each for each in records if each.topic == topic])


def _some_more(asked: list[str]) -> None:
    wanted = len(asked) + BEFORE_AND_AFTER
    assert until(lambda: len(asked) >= wanted, 60), "bookings do not go on"


def _booked_and_told(portal: Portal, appointment: str) -> None:
    def booked() -> JSON:
        found = portal.get("scheduling", f"/appointments/{appointment}")
        return True if found["status"] == "booked" else None

    def told() -> JSON:
        path = f"/patients/{AMARA}/deliveries?appointmentId={appointment}&status=completed"
        found = [each["templateId"] for each in portal.get("notifications", path, patient(AMARA))["items"]]
        return sorted(found) if len(found) >= 2 else None

    eventually(booked, 60)
    assert eventually(told, 60) == ["appointment-booked", "appointment-requested"], "told once of each"


def _whole_in_order_and_single(records: list[Record]) -> None:
    """Within a key each version once, none missing, none behind a later one; a ce_id may come again."""
    by_key = defaultdict[str | None, list[tuple[int, str | None]]](list)
    for each in records:
        version = (int(each.header("ce_sequence") or 0), each.header("ce_id"))
        if version not in by_key[each.key]:
            by_key[each.key].append(version)
    for key, versions in by_key.items():
        assert [number for number, _ in versions] == list(range(1, len(versions) + 1)), f"{key}: {versions}"


def _one_effect_a_cause(records: list[Record]) -> None:
    """What begins, begins once for one cause."""
    begun = {each.header("ce_id"): each for each in records if each.header("ce_sequence") == "1"}
    causes = Counter(each.header("ce_causationid") for each in begun.values())
    assert [cause for cause, times in causes.items() if times > 1] == []
