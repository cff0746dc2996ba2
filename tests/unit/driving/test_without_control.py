"""Which things may be taken, and how they are led on, where nobody can make a state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.contract import load_system
from harness.contract.model import JSON
from harness.driving.belonging import suits, taken_over
from harness.driving.bench import Bench
from harness.driving.calls import Call, Exchange
from harness.driving.requests import Prepared, inconclusive
from harness.driving.routes import route
from harness.driving.things import Thing
from harness.kafka.broker import Broker, Capabilities
from harness.target import Limits, Target

AMARA, BEN = "pat-4k7m2q9x1a", "pat-8d3w6n5z0b"
NOWHERE = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def bench(contracts: Path) -> Iterator[Bench]:
    target = Target("scheduling", NOWHERE, "external", frozenset({"state"}))
    yield Bench(load_system(contracts), target, Limits())


def slot(status: str, **more: JSON) -> dict[str, JSON]:
    return {"id": "slt-10000001", "status": status, **more}


def test_examples_show_what_a_thing_took_over_from_a_request(bench: Bench) -> None:
    assert taken_over(bench, "Slot", "busy-tentative") == {"heldFor": "patientId"}
    assert taken_over(bench, "Slot", "free") == {}
    assert taken_over(bench, "Slot", None) == {}


@pytest.mark.parametrize(
    ("document", "wanted", "right"),
    [
        (slot("free"), {"patientId": AMARA}, True),
        (slot("busy-tentative", heldFor=AMARA), {"patientId": AMARA}, True),
        (slot("busy-tentative", heldFor=BEN), {"patientId": AMARA}, False),
        (slot("busy-tentative"), {"patientId": AMARA}, False),
        (slot("busy-tentative", heldFor=AMARA), {}, False),
    ],
    ids=["nobody's", "the same patient's", "somebody else's", "hidden whose", "of whom nobody speaks"],
)
def test_only_what_belongs_to_the_patient_suits(
    bench: Bench, document: dict[str, JSON], wanted: dict[str, JSON], right: bool
) -> None:
    assert suits(bench, "Slot", document, wanted) is right


def test_messages_lead_on_where_no_request_does(bench: Bench, contracts: Path) -> None:
    pending = Thing("Appointment", {"id": "apt-20000001", "status": "pending"})
    assert route(bench, pending, ["booked"]) == []
    assert [cause.id for _, cause in route(bench, pending, ["cancelled"])] == ["cancelAppointment"]
    kafka = Broker("127.0.0.1:1", "some broker", Capabilities(*[False] * 6))
    heard = Target("scheduling", NOWHERE, "external", frozenset({"state", "kafka"}), kafka)
    with_kafka = Bench(bench.system, heard, Limits())
    assert [cause.id for _, cause in route(with_kafka, pending, ["booked"])] == ["eligibilityAnswered"]
    way = route(with_kafka, pending, ["noshow"])
    assert [cause.id for _, cause in way] == ["eligibilityAnswered", "markNoShow"]


@pytest.mark.parametrize(
    ("assumed", "status", "told"),
    [
        ("no Slot can be made", 409, True),
        ("no Slot can be made", 404, True),
        ("no Slot can be made", 403, False),
        ("no Slot can be made", 500, False),
        ("no Slot can be made", 200, False),
        ("", 409, False),
    ],
)
def test_a_refusal_tells_nothing_where_something_was_only_assumed(
    bench: Bench, assumed: str, status: int, told: bool
) -> None:
    call = Call(bench.contract.operations["bookAppointment"])
    raw = b'{"detail": "The slot is not held."}'
    answer = Exchange(call, NOWHERE, NOWHERE, {}, status, {}, raw, 0.1, "c", authorized=True)
    why = inconclusive(Prepared(call, None, assumed=assumed), answer)
    if told:
        assert why == f"no Slot can be made; bookAppointment then answered {status} (The slot is not held.)"
    else:
        assert why is None
