"""An embedded broker in a consumer's tests: what is published is awaited, what is sent is sent at once."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

import orjson

from harness.contract.model import EMPTY, JSON, Channel
from harness.errors import UsageError
from harness.kafka.broker import Broker, create_topics
from harness.kafka.listening import Listener
from harness.kafka.wire import Publisher, Record

WITHIN = 5.0
"""Seconds in which a record that a test waits for has to come."""


class TestKafka:
    """One test's view of a broker: positions are taken at its beginning, so that what earlier tests left on
    the topics is not seen. As a context manager it begins and ends."""

    __test__ = False  # pytest, this is none

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self._listeners: dict[str, Listener] = {}
        self._publisher: Publisher | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for listener in set(self._listeners.values()):
            listener.close()
        if self._publisher is not None:
            self._publisher.close()

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that are there by a contract."""
        return tuple(self._listeners)

    def follow(self, channels: Iterable[Channel]) -> None:
        """Make these topics if need be, and see what is put on them from now on. Raises BrokerError."""
        new = [each for each in channels if each.address not in self._listeners]
        if new:
            create_topics(self.broker, new)
            listener = Listener(self.broker, [each.address for each in new]).__enter__()
            self._listeners |= dict.fromkeys((each.address for each in new), listener)

    @property
    def bootstrap(self) -> str:
        """``127.0.0.1:port``, for any Kafka client."""
        return self.broker.bootstrap

    @property
    def group(self) -> str:
        """The name of a consumer group that nobody has used."""
        return f"test-{uuid.uuid4().hex}"

    def received(self, topic: str, count: int = 1, within: float = WITHIN) -> list[Record]:
        """The records that this test put, or had put, on a topic, once there are ``count`` of them.

        Raises AssertionError if there are fewer after ``within`` seconds; UsageError, BrokerError.
        """
        listener = self._listeners.get(topic)
        if listener is None:
            known = ", ".join(self._listeners) or "none"
            raise UsageError(f"topic {topic}", "no contract here names it", f"one of: {known}")
        found = listener.wait_for(lambda record: record.topic == topic, within, count=count)
        if found is None:
            came = [each for each in listener.records if each.topic == topic]
            raise AssertionError(f"{len(came)} records came on {topic} within {within:g} s, not {count}")
        return found

    def publish(
        self, topic: str, value: JSON, *, key: str | None = None, headers: Mapping[str, str] = EMPTY
    ) -> None:
        """Put a JSON value on a topic; returns once the broker has it. Raises BrokerError."""
        if self._publisher is None:
            self._publisher = Publisher(self.broker)
        said = {"content-type": "application/json", **headers}
        self._publisher.send(topic, key, said, orjson.dumps(value))
        self._publisher.flush()
