"""The control contract, served as any other: what a test may ask of a service."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from harness.contract.model import JSON
from harness.errors import StateError
from harness.serving.control import Action, Held, control_app
from tests.unit.serving.live import client_of, pointers


class Pretended:
    """A control that writes down what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.time = datetime(2031, 3, 3, 9, tzinfo=UTC)
        self.well = True

    def change_state(self, schema: str, action: Action, parameters: Mapping[str, JSON]) -> Held:
        self.asked.append((schema, action, dict(parameters)))
        if schema == "Nothing":
            raise StateError("Nothing exists", "there is no such schema")
        return Held(schema, None, 0) if action == "teardown" else Held(schema, dict(parameters), 1)

    def reset(self, *, seed: bool) -> None:
        self.asked.append(("reset", seed))

    def now(self) -> datetime:
        return self.time

    def set_now(self, now: datetime) -> None:
        self.time = now

    def advance(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)

    def healthy(self) -> bool:
        return self.well


@pytest.fixture(scope="module")
def control() -> Pretended:
    return Pretended()


@pytest.fixture(scope="module")
def client(control: Pretended) -> Iterator[httpx.Client]:
    with client_of(control_app(control)) as client:
        yield client


def test_a_state_is_made_and_taken_back(client: httpx.Client, control: Pretended) -> None:
    wish = {"state": "Appointment exists", "action": "setup", "parameters": {"status": "booked"}}
    answer = client.post("/states", json=wish)
    assert answer.status_code == 200
    assert answer.json() == {"type": "Appointment", "document": {"status": "booked"}, "version": 1}
    assert control.asked[-1] == ("Appointment", "setup", {"status": "booked"})
    answer = client.post("/states", json={"state": "Appointment exists", "action": "teardown"})
    assert answer.json() == {"type": "Appointment", "document": None, "version": 0}


def test_a_state_that_cannot_be_made_is_422_with_the_reason(client: httpx.Client) -> None:
    answer = client.post("/states", json={"state": "Nothing exists", "action": "setup"})
    assert answer.status_code == 422
    assert "there is no such schema" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({"state": "Appointment", "action": "setup"}, "/state"),
        ({"state": "Appointment exists", "action": "make"}, "/action"),
        ({"state": "Appointment exists"}, ""),
        ({"state": "Appointment exists", "action": "setup", "with": {}}, ""),
    ],
)
def test_a_malformed_wish_is_refused(client: httpx.Client, wish: JSON, pointer: str) -> None:
    answer = client.post("/states", json=wish)
    assert answer.status_code == 400
    assert pointers(answer) == [pointer]


def test_reset_seeds_unless_told_otherwise(client: httpx.Client, control: Pretended) -> None:
    for body, seed in ((None, True), ({}, True), ({"seed": True}, True), ({"seed": False}, False)):
        answer = client.post("/reset") if body is None else client.post("/reset", json=body)
        assert answer.status_code == 204
        assert control.asked[-1] == ("reset", seed)


def test_the_clock_is_read_set_and_moved(client: httpx.Client) -> None:
    assert client.put("/clock", json={"now": "2031-03-03T10:00:00+01:00"}).json() == {
        "now": "2031-03-03T09:00:00.000000Z"
    }
    assert client.post("/clock/advance", json={"by": "PT10M0.5S"}).json() == {
        "now": "2031-03-03T09:10:00.500000Z"
    }
    assert client.post("/clock/advance", json={"by": "P1DT1H"}).json() == {
        "now": "2031-03-04T10:10:00.500000Z"
    }
    assert client.get("/clock").json() == {"now": "2031-03-04T10:10:00.500000Z"}


@pytest.mark.parametrize("by", ["P", "PT", "10M", "P1Y", "PT-1S", "", "P1W2D"])
def test_what_is_no_duration_is_refused(client: httpx.Client, by: str) -> None:
    answer = client.post("/clock/advance", json={"by": by})
    assert answer.status_code == 400
    assert pointers(answer) == ["/by"]


def test_a_time_without_its_zone_is_refused(client: httpx.Client) -> None:
    assert client.put("/clock", json={"now": "2031-03-03T10:00:00"}).status_code == 400


def test_health(client: httpx.Client, control: Pretended) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    control.well = False
    assert client.get("/health").status_code == 503
    control.well = True
