"""The consumer's loop outlives whatever is raised in it."""

from __future__ import annotations

import threading

from confluent_kafka import Consumer

from harness.kafka.broker import Broker, Capabilities
from harness.kafka.consuming import Consumption, doubled

NOBODY = Broker("127.0.0.1:1", "nobody", Capabilities(False, False, False, False, False, False))


def test_an_error_of_our_own_does_not_end_it() -> None:
    stop, opened = threading.Event(), list[int]()

    class Failing(Consumption):
        def _open(self) -> Consumer:
            opened.append(1)
            if len(opened) == 2:
                stop.set()
            raise RuntimeError("not today")

    Failing(NOBODY, "group", ["topic"], lambda _: None, stop).run()
    assert len(opened) == 2


def test_waits_double_up_to_a_bound() -> None:
    assert [doubled(0.5, attempt) for attempt in (1, 2, 3, 4, 5, 6, 1000)] == [0.5, 1, 2, 4, 5, 5, 5]
