"""Members of consumer groups: one in a thread here, one in a process that can be killed."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from harness.kafka.broker import Broker
from harness.kafka.consuming import Consumption, OnError, retry_forever
from harness.kafka.wire import Record

TAKE_OVER_SECONDS = 100.0
"""Apache Kafka, as it comes, gives a member 45 s before it counts as dead."""

_MEMBER = """
import dataclasses, sys, threading
from harness.kafka.broker import reach
from harness.kafka.consuming import consume
broker = reach(sys.argv[1])
if sys.argv[4] == "classic":
    able = dataclasses.replace(broker.capabilities, consumer_groups=False)
    broker = dataclasses.replace(broker, capabilities=able)
consume(broker, sys.argv[2], [sys.argv[3]], lambda r: print(r.key, flush=True), threading.Event())
"""


@contextmanager
def consuming(
    broker: Broker,
    topic: str,
    handle: Callable[[Record], None],
    on_error: OnError = retry_forever,
    group: str | None = None,
    follows: Sequence[str] = (),
    at_once: int = 1,
) -> Iterator[Consumption]:
    """A member in a thread, once it has joined; it leaves with the block."""
    stop = threading.Event()
    member = Consumption(broker, group or uuid.uuid4().hex, [topic], handle, stop, on_error, follows, at_once)
    thread = threading.Thread(target=member.run)
    thread.start()
    try:
        assert member.assigned.wait(TAKE_OVER_SECONDS)
        yield member
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()


@contextmanager
def member_process(broker: Broker, topic: str, group: str) -> Iterator[subprocess.Popen[str]]:
    """A member in a process, killed with the block. It writes the key of each record on a line of its own."""
    protocol = "consumer" if broker.capabilities.consumer_groups else "classic"
    argv = [sys.executable, "-c", _MEMBER, broker.bootstrap, group, topic, protocol]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def classic(broker: Broker) -> Broker:
    """The same broker, but for KIP-848: groups are then of the older kind."""
    able = dataclasses.replace(broker.capabilities, consumer_groups=False)
    return dataclasses.replace(broker, capabilities=able)
