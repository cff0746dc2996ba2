"""A record as an attacker writes it: any key, any headers, any bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.kafka.broker import Broker

MOST = 64 * 1024 * 1024
"""Bytes of a record that this client does not refuse by itself."""

Headers = tuple[tuple[str, str | bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """``key`` and ``value`` may be no text at all; headers may come twice, or without a value."""

    topic: str
    key: str | bytes | None
    headers: Headers
    value: bytes | None = field(repr=False)

    def header(self, name: str) -> str:
        """The header's text, ``""`` without one."""
        return next((str(value) for each, value in self.headers if each == name), "")

    def but(self, headers: Mapping[str, str | bytes | None] | None = None, **fields: Any) -> Message:
        """The same message with other fields; ``headers`` replace those of the same name."""
        changed = headers or {}
        kept = tuple(pair for pair in self.headers if pair[0] not in changed)
        return replace(self, headers=(*kept, *changed.items()), **fields)

    def without(self, *names: str) -> Message:
        """The same message without some of its headers."""
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0] not in names))


def put(broker: Broker, messages: Iterable[Message], partition: int = 0) -> list[int | str]:
    """Write records as they are to one partition: the offset of each, or why the broker refused it."""
    from confluent_kafka import KafkaException, Producer

    producer = Producer(
        {"bootstrap.servers": broker.bootstrap, "message.max.bytes": MOST, "delivery.timeout.ms": 20_000}
    )
    told: dict[int, int | str] = {}
    count = 0
    for number, each in enumerate(messages):
        count += 1

        def delivered(error: Any, record: Any, number: int = number) -> None:
            told[number] = error.name() if error is not None else record.offset()

        try:
            producer.produce(
                each.topic, each.value, each.key, partition, delivered, headers=list(each.headers)
            )
        except KafkaException as error:
            told[number] = error.args[0].name()
        producer.poll(0)
    producer.flush(30)
    return [told.get(number, "never told") for number in range(count)]


def oldest(broker: Broker, topic: str, partition: int = 0) -> int:
    """The offset of the oldest record that a partition still holds."""
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "portal-hostile"})
    try:
        low, _ = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
        return int(low)
    finally:
        consumer.close()
