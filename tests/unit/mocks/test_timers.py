"""Transitions by time: what starts, keeps and ends a wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from harness.contract.model import Lifecycle, Transition
from mocks.events import Change
from mocks.timers import Stay, Timers

WITHIN = 5.0
LAMP = Lifecycle(
    schema="Lamp",
    status="state",
    transitions=(
        Transition("off", ("on",), after=0.2),
        Transition("dim", ("on",), after=0.1, when="$response.body#/dimmable == true"),
        Transition("broken", ("off",), after=86_400.0),
        Transition("burnt", ("faulty",), after=0.05),
        Transition("dark", ("dark",), after=0.1, when="$response.body#/missed == true"),
        Transition("spent", ("lit",), at="endsAt"),
    ),
)


@dataclass
class Played:
    """Notes what time did; a lamp whose id is ``shock`` fails."""

    steps: list[tuple[str, str, float]] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def __call__(self, stay: Stay, edge: Transition) -> None:
        with self.changed:
            self.stays.append(stay)
            self.steps.append((stay.change.id, edge.to, time.monotonic()))
            self.changed.notify_all()
        if stay.change.id == "shock":
            raise RuntimeError("a lamp that bites")

    def names(self, count: int) -> list[tuple[str, str]]:
        """The first so many (lamp, state), once they are there."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.steps) >= count, WITHIN)
            return [(lamp, state) for lamp, state, _ in self.steps]


def lamp(id: str, state: str, **document: object) -> Stay:
    return Stay(Change(LAMP, id, state, document={"id": id, **document}), "c", "t")


@pytest.fixture
def played() -> Played:
    return Played()


@pytest.fixture
def timers(played: Played) -> Iterator[Timers]:
    timers = Timers(played)
    timers.start("test-timers")
    yield timers
    timers.stop()


def test_time_moves_in_order_and_only_where_the_condition_holds(timers: Timers, played: Played) -> None:
    timers.entered(lamp("plain", "on"))
    timers.entered(lamp("fancy", "on", dimmable=True))
    assert played.names(3) == [("fancy", "dim"), ("plain", "off"), ("fancy", "off")]


def test_leaving_a_state_ends_its_wait(timers: Timers, played: Played) -> None:
    timers.entered(lamp("left", "on"))
    timers.entered(lamp("left", "off"))
    timers.entered(lamp("stays", "on"))
    assert played.names(1) == [("stays", "off")]


def test_staying_in_a_state_does_not_start_its_wait_again(timers: Timers, played: Played) -> None:
    began = time.monotonic()
    timers.entered(lamp("same", "on"))
    while time.monotonic() < began + 0.15:
        timers.entered(lamp("same", "on"))
    played.names(1)
    assert played.steps[0][2] - began < 0.2 + 0.1


def test_a_condition_counts_from_when_it_holds(timers: Timers, played: Played) -> None:
    timers.entered(lamp("late", "dark"))
    time.sleep(0.15)  # it has been dark for longer than the wait lasts
    timers.entered(lamp("late", "dark", missed=True))
    assert played.steps == []
    timers.entered(lamp("found", "dark", missed=True))
    timers.entered(lamp("found", "dark"))
    assert played.names(1) == [("late", "dark")]
    timers.entered(lamp("late", "dark", missed=True))
    timers.entered(lamp("other", "on"))
    assert played.names(2)[1] == ("other", "off"), "once, as long as nothing ends it"


def test_a_moment_of_its_own_comes_and_another_takes_its_place(timers: Timers, played: Played) -> None:
    def at(seconds: float) -> str:
        return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()

    timers.entered(lamp("endless", "lit"))
    timers.entered(lamp("later", "lit", endsAt=at(0.1)))
    timers.entered(lamp("later", "lit", endsAt=at(60)))
    timers.entered(lamp("soon", "lit", endsAt=at(0.2)))
    timers.entered(lamp("over", "lit", endsAt=at(-60)))
    assert played.names(2) == [("over", "spent"), ("soon", "spent")]
    timers.advance(60)
    assert played.names(3)[2] == ("later", "spent")


def test_what_is_played_is_what_was_told_last_under_the_first_correlation(
    timers: Timers, played: Played
) -> None:
    timers.entered(lamp("same", "on", watts=40))
    timers.entered(Stay(lamp("same", "on", watts=60).change, "another", "t"))
    played.names(1)
    assert [(stay.change.document["watts"], stay.correlation) for stay in played.stays] == [(60, "c")]


def test_trouble_with_one_stops_no_other(
    timers: Timers, played: Played, caplog: pytest.LogCaptureFixture
) -> None:
    timers.entered(lamp("shock", "faulty"))
    timers.entered(lamp("next", "on"))
    assert played.names(2) == [("shock", "burnt"), ("next", "off")]
    assert "burnt" in caplog.text


def test_a_long_wait_does_not_hold_up_the_end(played: Played) -> None:
    timers = Timers(played)
    timers.start("test-timers")
    timers.entered(lamp("old", "off"))
    began = time.monotonic()
    timers.stop()
    assert time.monotonic() - began < 1.0
    assert played.steps == []
