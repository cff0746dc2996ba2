"""Until when a member of a group knows that it has handled all there was: by librdkafka's own statistics.

Asking the broker for a partition's end would stand behind the fetches that wait there on the same connection,
up to half a second each, and nothing would be handled meanwhile. The statistics have it from the last fetch.
Source: librdkafka's STATISTICS.md.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message, TopicPartition

_EVERY_MS = 1000
_SILENT = 2.0
"""Seconds after which a broker counts as gone: it answers each fetch within half a second."""

_SILENT_ELSEWHERE = 6.0
"""The same where nothing is fetched, and only heartbeats are answered."""

Place = tuple[str, int]


class Following:
    """What is known of these topics. ``current_at`` is the last moment (monotonic seconds) of which it is
    known that all there was had been handled; ``caught_up`` is set when that is known for the first time."""

    def __init__(self, topics: Iterable[str]) -> None:
        self.topics = frozenset(topics)
        self.current_at = -math.inf
        self.caught_up = threading.Event()
        self._began = time.monotonic()
        self._ends: dict[Place, int] = {}
        self._told: str | None = None

    def settings(self) -> Mapping[str, Any]:
        """What a consumer needs to be told from."""
        if not self.topics:
            return {}
        return {
            "statistics.interval.ms": _EVERY_MS,
            "stats_cb": self._keep,
            "enable.partition.eof": True,
        }

    def reached(self, end: Message) -> None:
        """All of a partition was delivered, up to this offset: the last ones may be marks of transactions."""
        topic, partition, offset = end.topic(), end.partition(), end.offset()
        if topic is not None and partition is not None and offset is not None:
            self._ends[topic, partition] = offset

    def look(self, consumer: Consumer, waiting: Collection[Place]) -> None:
        """Take in the newest statistics, if there are any; ``waiting``: partitions with a record in hand."""
        told, self._told = self._told, None
        if told is None:
            return
        statistics = orjson.loads(told)
        ours = [each for each in consumer.assignment() if each.topic in self.topics]
        if any((each.topic, each.partition) in waiting for each in ours):
            return
        if not ours and time.monotonic() - self._began < _SILENT_ELSEWHERE:
            return  # who has not joined yet has none either, and nobody need have handled anything
        heard = [self._heard(consumer, each, statistics) for each in ours] or [_elsewhere(statistics)]
        known = [each for each in heard if each is not None]
        if len(known) == len(heard):
            self.current_at = max(self.current_at, time.monotonic() - max(known))
            self.caught_up.set()

    def _heard(self, consumer: Consumer, place: TopicPartition, statistics: Any) -> float | None:
        """How long ago (seconds) the end of a partition was heard of, if all up to it was handled."""
        partitions = statistics["topics"].get(place.topic, {}).get("partitions", {})
        known = partitions.get(str(place.partition))
        if known is None:
            return None
        end = known["ls_offset"] if known["ls_offset"] >= 0 else known["hi_offset"]
        at = max(
            consumer.position([place])[0].offset,
            self._ends.get((place.topic, place.partition), -1),
        )
        silent = _silence(statistics, known["leader"])
        return silent if 0 <= end <= at and silent <= _SILENT else None

    def _keep(self, told: str) -> None:
        self._told = told


def _silence(statistics: Any, node: int | None = None) -> float:
    """Seconds since a broker (None: any) last said something."""
    heard = [
        each["rxidle"] / 1e6
        for each in statistics["brokers"].values()
        if each["state"] == "UP" and each["rxidle"] >= 0 and node in (None, each["nodeid"])
    ]
    return min(heard, default=math.inf)


def _elsewhere(statistics: Any) -> float | None:
    """Another member has them all: that somebody answers is all that can be seen."""
    silent = _silence(statistics)
    return silent if silent <= _SILENT_ELSEWHERE else None
