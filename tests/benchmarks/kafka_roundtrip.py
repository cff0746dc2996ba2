"""How long a record takes through Kafka, and how many go through.

``python -m tests.benchmarks.kafka_roundtrip`` measures the embedded broker, or ``--kafka HOST:PORT``. It
prints and asserts nothing. One round trip is: send, acknowledged, heard by a verification listener in the
same process.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from harness.contract.model import Channel
from harness.kafka.broker import Broker, create_topics, reach
from harness.kafka.consuming import Consumption
from harness.kafka.embedded import EmbeddedBroker
from harness.kafka.listening import Listener
from harness.kafka.wire import Publisher, Record

HEADERS = {"ce_specversion": "1.0", "ce_type": "AppointmentChanged", "content-type": "application/json"}
VALUE = b'{"id":"ap-1","version":2,"from":"pending","to":"booked","reason":"' + b"x" * 200 + b'"}'


def main() -> None:
    """Run the measurements that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kafka", metavar="HOST:PORT", help="measure this cluster instead")
    parser.add_argument("--trips", type=int, default=500)
    parser.add_argument("--records", type=int, default=50_000)
    options = parser.parse_args()
    started = time.perf_counter()
    with _broker(options.kafka) as broker:
        say(f"{broker.name}: ready in {time.perf_counter() - started:.2f} s")
        topic = f"portal.benchmark.{uuid.uuid4().hex}.v1"
        create_topics(broker, [Channel(topic, topic, partitions=4)])
        round_trips(broker, topic, options.trips)
        listening(broker, topic, options.records)
        consuming(broker, topic, options.records // 5)


def round_trips(broker: Broker, topic: str, trips: int) -> None:
    """One record at a time."""
    seconds = []
    with Listener(broker, [topic]) as listener, Publisher(broker) as publisher:
        publisher.send(topic, "warm-up", HEADERS, VALUE)
        publisher.flush()
        listener.catch_up()
        for number in range(trips):
            key, mark = f"k{number}", listener.mark()
            begun = time.perf_counter()
            publisher.send(topic, key, HEADERS, VALUE)
            publisher.flush()
            if listener.wait_for(lambda record, key=key: record.key == key, 10, mark) is None:  # type: ignore[misc]
                sys.exit(f"record {number} did not arrive")
            seconds.append(time.perf_counter() - begun)
    p50, p99 = (statistics.quantiles(seconds, n=100)[at - 1] * 1000 for at in (50, 99))
    say(f"round trip of {trips} records, one at a time: p50 {p50:.1f} ms, p99 {p99:.1f} ms")


def listening(broker: Broker, topic: str, records: int) -> None:
    """Flat out through one publisher and one listener."""
    with Listener(broker, [topic]) as listener, Publisher(broker) as publisher:
        begun = time.perf_counter()
        for number in range(records):
            publisher.send(topic, f"k{number % 97}", HEADERS, VALUE)
            if number % 1000 == 999:
                publisher.flush(30)
                listener.mark()
        publisher.flush(30)
        sent = time.perf_counter() - begun
        listener.catch_up()
        heard = time.perf_counter() - begun
        arrived = len(listener.records)
    rates = f"sent {records / sent:,.0f}/s, heard {arrived / heard:,.0f}/s"
    say(f"throughput, {arrived:,} of {records:,} heard: {rates}")


def consuming(broker: Broker, topic: str, records: int) -> None:
    """Through a group's member that commits every record."""
    stop, done = threading.Event(), threading.Event()
    handled: list[int] = []
    wanted = uuid.uuid4().hex

    def handle(record: Record) -> None:
        if record.header("run") == wanted:
            handled.append(record.offset)
            if len(handled) == records:
                done.set()

    member = Consumption(broker, uuid.uuid4().hex, [topic], handle, stop)
    thread = threading.Thread(target=member.run)
    thread.start()
    member.assigned.wait(60)
    with Publisher(broker) as publisher:
        begun = time.perf_counter()
        for number in range(records):
            publisher.send(topic, f"k{number % 97}", {**HEADERS, "run": wanted}, VALUE)
        publisher.flush(30)
        done.wait(120)
        seconds = time.perf_counter() - begun
    stop.set()
    thread.join()
    say(f"group member, a commit each: {len(handled):,} of {records:,} at {len(handled) / seconds:,.0f}/s")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def _broker(bootstrap: str | None) -> Iterator[Broker]:
    if bootstrap:
        yield reach(bootstrap)
        return
    with EmbeddedBroker({}) as embedded:
        yield embedded.broker


if __name__ == "__main__":
    main()
