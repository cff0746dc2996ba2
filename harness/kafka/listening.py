"""The verification consumer: it stands at the end of every partition before anything is triggered."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from harness.errors import BrokerError
from harness.kafka.broker import Broker
from harness.kafka.clients import LOG, left, reading_settings, reason
from harness.kafka.wire import Record, record_of

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

_READ_LATEST = -1  # ListOffsets: the offset after the last record
_MANY = 1000
_FORBIDDEN = "TOPIC_AUTHORIZATION_FAILED"
_POLL = 0.1
_SETTLING = frozenset(
    {"NOT_LEADER_FOR_PARTITION", "LEADER_NOT_AVAILABLE", "UNKNOWN_TOPIC_OR_PART", "FENCED_LEADER_EPOCH"}
)
"""What a cluster says of a topic that was made, or moved, a moment ago."""


class Listener:
    """Reads everything that is put on ``topics`` from the moment of entering on, in the caller's thread.

    Belongs to no consumer group, so it disturbs nobody. It buffers nothing away: what it has not read it
    reads before it says that something did not arrive, and raises BrokerError if it cannot.
    """

    def __init__(self, broker: Broker, topics: Iterable[str], timeout: float = 10.0) -> None:
        self._broker = broker
        self._topics = tuple(dict.fromkeys(topics))
        self._timeout = timeout
        self._records: list[Record] = []
        self._reached: dict[tuple[str, int], int] = {}
        self._consumer: Consumer | None = None

    @property
    def records(self) -> list[Record]:
        """All that has been read so far, in order of arrival."""
        return list(self._records)

    def __enter__(self) -> Self:
        from confluent_kafka import Consumer

        configuration = reading_settings(
            self._broker,
            group_id=f"portal-listener-{uuid.uuid4().hex}",  # required, never joined
            enable_partition_eof=True,
            auto_offset_reset="error",
        )
        self._consumer = Consumer(configuration, logger=LOG)
        try:
            deadline = time.monotonic() + self._timeout
            ends = self._ends(self._partitions(deadline), deadline)
            self._reached = {(each.topic, each.partition): each.offset for each in ends}
            self._open.assign(ends)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop reading; what was read stays."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            consumer.close()

    def mark(self) -> int:
        """A point in time to hand to ``since`` and ``wait_for``: after all that has been received."""
        self._collect(0)
        return len(self._records)

    def since(self, mark: int) -> list[Record]:
        """What has been received after a mark, without waiting for more."""
        self._collect(0)
        return self._records[mark:]

    def wait_for(
        self, predicate: Callable[[Record], bool], within: float, mark: int = 0, count: int = 1
    ) -> list[Record] | None:
        """The records after ``mark`` for which ``predicate`` holds, as soon as there are ``count`` of them.

        None if there are fewer after ``within`` seconds: all that was on the topics then has been read.
        """
        deadline = time.monotonic() + within
        found: list[Record] = []
        seen = mark
        while True:
            found += [record for record in self._records[seen:] if predicate(record)]
            seen = max(seen, len(self._records))
            if len(found) >= count:
                return found
            if time.monotonic() >= deadline:
                break
            self._collect(left(deadline))
        self.catch_up()
        found += [record for record in self._records[seen:] if predicate(record)]
        return found if len(found) >= count else None

    def settle(self, seconds: float) -> None:
        """Go on collecting for so many seconds, then ``catch_up``."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._collect(left(deadline))
        self.catch_up()

    def catch_up(self) -> None:
        """Read everything that is on the topics now. Raises BrokerError if that cannot be done in time."""
        deadline = time.monotonic() + self._timeout
        ends = {(each.topic, each.partition): each.offset for each in self._ends(self._assigned(), deadline)}
        while any(self._reached[partition] < end for partition, end in ends.items()):
            if time.monotonic() > deadline:
                raise BrokerError(self._broker.name, "what is on the topics could not all be read in time")
            self._collect(_POLL)

    @property
    def _open(self) -> Consumer:
        if self._consumer is None:
            raise BrokerError(self._broker.name, "this listener is not listening (any more)")
        return self._consumer

    def _partitions(self, deadline: float) -> list[TopicPartition]:
        from confluent_kafka import KafkaException, TopicPartition

        try:
            told = self._open.list_topics(timeout=left(deadline)).topics
        except KafkaException as error:
            raise BrokerError(self._broker.name, f"it does not tell its topics: {reason(error)}") from None
        absent = [topic for topic in self._topics if topic not in told]
        if absent:
            raise self._absence(absent, deadline)
        return [TopicPartition(topic, number) for topic in self._topics for number in told[topic].partitions]

    def _absence(self, topics: list[str], deadline: float) -> BrokerError:
        """Why the broker tells of no such topics: one that is hidden is admitted to if asked for by name."""
        from confluent_kafka import KafkaException

        for topic in topics:
            try:
                error = self._open.list_topics(topic, timeout=left(deadline)).topics[topic].error
            except (KafkaException, KeyError):
                continue
            if error is not None and error.name() == _FORBIDDEN:
                return self._forbidden(topic)
        return BrokerError(
            self._broker.name,
            f"there is no topic {', '.join(topics)}",
            remedy="Create the contracts' topics first",
        )

    def _forbidden(self, topic: str) -> BrokerError:
        return BrokerError(
            f"topic {topic} on {self._broker.name}",
            "this client may not read it",
            remedy="Let its principal READ and DESCRIBE the topic",
        )

    def _assigned(self) -> list[TopicPartition]:
        from confluent_kafka import TopicPartition

        return [TopicPartition(topic, partition) for topic, partition in self._reached]

    def _ends(self, partitions: list[TopicPartition], deadline: float) -> list[TopicPartition]:
        """The partitions with the offset after their last record, asked of the broker now."""
        from confluent_kafka import KafkaException, TopicPartition

        if not partitions:
            return []
        question = [TopicPartition(each.topic, each.partition, _READ_LATEST) for each in partitions]
        while True:
            try:
                ends = list(self._open.offsets_for_times(question, timeout=left(deadline)))
                error = next((end.error for end in ends if end.error is not None), None)
            except KafkaException as raised:
                error = raised.args[0]
            if error is None:
                return ends
            if time.monotonic() > deadline or error.name() not in _SETTLING:
                raise BrokerError(self._broker.name, f"it does not tell its offsets: {error.str()}")
            time.sleep(_POLL)

    def _collect(self, seconds: float) -> None:
        """Take what is there; if there is nothing, wait for the first thing at most ``seconds``."""
        first = self._open.poll(seconds)
        if first is None:
            return
        self._take(first)
        for message in self._open.consume(_MANY, timeout=0):
            self._take(message)

    def _take(self, message: Message) -> None:
        error = message.error()
        if error is not None:
            self._note(error, message)
            return
        record = record_of(message)
        self._records.append(record)
        self._reached[(record.topic, record.partition)] = record.offset + 1

    def _note(self, error: KafkaError, message: Message) -> None:
        from confluent_kafka import KafkaError as Code

        if error.code() == Code._PARTITION_EOF:
            # Past the last record there may be a transaction's markers, which take offsets too.
            partition = (str(message.topic()), int(message.partition() or 0))
            self._reached[partition] = max(self._reached[partition], int(message.offset() or 0))
        elif error.code() == Code._AUTO_OFFSET_RESET:
            raise BrokerError(
                f"topic {message.topic()} on {self._broker.name}",
                "records were dropped by the broker before they could be read, or the topic was made anew",
            )
        elif error.name() == _FORBIDDEN:
            raise self._forbidden(str(message.topic()))
        elif error.fatal() or not error.retriable():
            LOG.warning("listening to %s: %s", message.topic(), error.str())
