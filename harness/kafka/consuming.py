"""The consumer-group loop of a service: handle a record, then commit it; no failure ends it.

At least once: a record whose handling was cut short, or whose commit was lost, comes again, so a handler
must recognise what it has seen. Within a partition order holds, failures included: nothing overtakes a
record that is waiting for its next attempt, while other partitions go on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from harness.kafka import clients
from harness.kafka.broker import Broker
from harness.kafka.clients import reading_settings, reason
from harness.kafka.following import Following
from harness.kafka.wire import Record, record_of

if TYPE_CHECKING:
    from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

LOG = logging.getLogger(__name__)

_POLL = 0.1
_BACKOFF_FIRST = 0.1
_BACKOFF_LONGEST = 5.0
_REOPEN_AFTER = 0.5
_CLASSIC_SESSION_MS = 6000
_CLASSIC_HEARTBEAT_MS = 1000

Handle = Callable[[Record], None]


class Verdict(Enum):
    """What to do with a record that could not be handled."""

    RETRY = "retry"
    GIVE_UP = "give up"


OnError = Callable[[Record, Exception, int], Verdict | float]
"""Called with the record, what was raised and how often it has been tried (from 1). RETRY waits ever
longer (0.1 s doubling to 5 s), a number waits so many seconds, GIVE_UP commits it (it has been put on a
dead-letter topic, say). Raising means RETRY."""


def doubled(first: float, attempt: int) -> float:
    """Seconds to wait after so many attempts (from 1): ``first``, then twice as long each time, to 5."""
    return min(first * 2.0 ** min(attempt - 1, 20), _BACKOFF_LONGEST)


def retry_forever(record: Record, error: Exception, attempt: int) -> Verdict | float:
    """The default: never lose a record."""
    return Verdict.RETRY


@dataclass(slots=True)
class _Waiting:
    """A record that is to be tried again: when (monotonic seconds), and how often it has been tried."""

    record: Record
    due: float
    attempt: int


class Consumption:
    """One member of a consumer group. ``run`` blocks until ``stop`` is set; ``assigned`` says it has joined.

    A group that is new reads from the beginning of its topics. ``following`` tells until when all there was
    of the topics that it ``follows`` was handled. ``at_once``: so many of the records that have come already
    are handled one after the other and then committed together, which takes half the time; more of them
    come again after a crash.
    """

    def __init__(
        self,
        broker: Broker,
        group: str,
        topics: Iterable[str],
        handle: Handle,
        stop: threading.Event,
        on_error: OnError = retry_forever,
        follows: Iterable[str] = (),
        at_once: int = 1,
    ) -> None:
        self.following = Following(follows)
        self._broker, self._group, self._topics = broker, group, list(dict.fromkeys(topics))
        self._handle, self._stop, self._on_error = handle, stop, on_error
        self._at_once = at_once
        self._waiting: dict[tuple[str, int], _Waiting] = {}
        self.assigned = threading.Event()

    def run(self) -> None:
        """Consume until ``stop`` is set. Outages of the broker, and errors of our own, are outlived."""
        while not self._stop.is_set():
            try:
                self._belong()
            except Exception as error:  # a thread that ends here would leave its service deaf
                LOG.error("group %s: %s; joining anew", self._group, type(error).__name__)
            self._stop.wait(_REOPEN_AFTER)

    def _belong(self) -> None:
        """One membership of the group, from joining to leaving."""
        consumer = self._open()
        try:
            self._consume(consumer)
        finally:
            self._waiting.clear()
            self._close(consumer)

    def _open(self) -> Consumer:
        from confluent_kafka import Consumer

        if self._broker.capabilities.consumer_groups:
            # KIP-848. No instance id: a static member keeps its share even when it leaves. How long a killed
            # member counts as alive is up to the broker: 1.5 s embedded, 45 s on Apache Kafka by default.
            membership: dict[str, str | int] = {"group_protocol": "consumer"}
        else:
            membership = {
                "session_timeout_ms": _CLASSIC_SESSION_MS,
                "heartbeat_interval_ms": _CLASSIC_HEARTBEAT_MS,
            }
        configuration = reading_settings(
            self._broker,
            group_id=self._group,
            auto_offset_reset="earliest",
            topic_metadata_refresh_interval_ms=5000,
            **membership,
        )
        configuration |= {"on_commit": self._committed, **self.following.settings()}
        consumer = Consumer(configuration, logger=clients.LOG)
        consumer.subscribe(self._topics, on_assign=self._gained, on_revoke=self._lost, on_lost=self._lost)
        return consumer

    def _consume(self, consumer: Consumer) -> None:
        """Until stopped, or until librdkafka says that this member cannot go on."""
        while not self._stop.is_set():
            first = consumer.poll(self._patience())
            if first is not None and not self._take(consumer, [first, *self._more(consumer)]):
                return
            self._try_again(consumer)
            self.following.look(consumer, self._waiting)

    def _more(self, consumer: Consumer) -> list[Message]:
        """What has come already: without a timeout nobody waits until there are so many."""
        return consumer.consume(self._at_once - 1, 0) if self._at_once > 1 else []

    def _take(self, consumer: Consumer, messages: Iterable[Message]) -> bool:
        """Handle records and commit them; False if this member cannot go on."""
        done: dict[tuple[str, int], TopicPartition] = {}
        goes_on = True
        for message in messages:
            error = message.error()
            if error is not None:
                goes_on = goes_on and not self._is_final(message, error)
                continue
            record = record_of(message)
            at = (record.topic, record.partition)
            if self._stop.is_set() or at in self._waiting:
                continue  # it comes again: to who follows, or when its turn is
            if self._try(consumer, record, 1):
                done[at] = _place(record, 1)
        if done:
            self._commit(consumer, list(done.values()))
        return goes_on

    def _patience(self) -> float:
        """Seconds to wait for a record before something else is due."""
        now = time.monotonic()
        return max(0.0, min([_POLL, *(each.due - now for each in self._waiting.values())]))

    def _try(self, consumer: Consumer, record: Record, attempt: int) -> bool:
        """Whether the record is done with, and may be committed."""
        try:
            self._handle(record)
        except Exception as error:  # whatever it was, the loop outlives it
            wait = self._judge(record, error, attempt)
            if wait is not None:
                self._postpone(consumer, _Waiting(record, time.monotonic() + wait, attempt))
                return False
        return True

    def _judge(self, record: Record, error: Exception, attempt: int) -> float | None:
        """Seconds until the next attempt, None to give up."""
        # The error's type alone: its text may quote what the record says.
        LOG.warning("group %s: %r, attempt %d: %s", self._group, record, attempt, type(error).__name__)
        try:
            verdict = self._on_error(record, error, attempt)
        except Exception as another:
            LOG.error("group %s: %r: giving up failed: %s", self._group, record, type(another).__name__)
            verdict = Verdict.RETRY
        if isinstance(verdict, Verdict):
            return None if verdict is Verdict.GIVE_UP else doubled(_BACKOFF_FIRST, attempt)
        return verdict

    def _postpone(self, consumer: Consumer, waiting: _Waiting) -> None:
        place = _place(waiting.record)
        if (place.topic, place.partition) not in self._waiting:
            consumer.pause([place])
            if self._at_once > 1:  # others of this partition may have been taken with it
                consumer.seek(_place(waiting.record, 1))
        self._waiting[(place.topic, place.partition)] = waiting

    def _try_again(self, consumer: Consumer) -> None:
        now = time.monotonic()
        for waiting in [each for each in self._waiting.values() if each.due <= now]:
            if self._stop.is_set():
                return
            if self._try(consumer, waiting.record, waiting.attempt + 1):
                self._commit(consumer, [_place(waiting.record, 1)])
                if self._waiting.pop((waiting.record.topic, waiting.record.partition), None) is not None:
                    consumer.resume([_place(waiting.record)])

    def _commit(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        from confluent_kafka import KafkaException

        try:
            # Not waited for: commits arrive in order, and during an outage this must not hold up the end.
            consumer.commit(offsets=places, asynchronous=True)
        except KafkaException as error:
            LOG.warning("group %s: %r could not be committed: %s", self._group, places, reason(error))

    def _is_final(self, message: Message, error: KafkaError) -> bool:
        if error.code() == error._PARTITION_EOF:
            self.following.reached(message)
            return False
        LOG.warning("group %s: %s", self._group, error.str())
        return error.fatal()

    def _close(self, consumer: Consumer) -> None:
        from confluent_kafka import KafkaException

        try:
            consumer.close()
        except (KafkaException, RuntimeError) as error:
            LOG.warning("group %s: leaving failed: %s", self._group, error)

    def _gained(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.assigned.set()

    def _lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        for each in partitions:  # another member starts them from the last commit
            self._waiting.pop((each.topic, each.partition), None)

    def _committed(self, error: KafkaError | None, partitions: list[TopicPartition]) -> None:
        if error is not None:
            LOG.warning("group %s: commit failed: %s", self._group, error.str())


def consume(
    broker: Broker,
    group: str,
    topics: Iterable[str],
    handle: Handle,
    stop: threading.Event,
    on_error: OnError = retry_forever,
) -> None:
    """Consume until ``stop`` is set, in this thread: see ``Consumption``."""
    Consumption(broker, group, topics, handle, stop, on_error).run()


def _place(record: Record, ahead: int = 0) -> TopicPartition:
    from confluent_kafka import TopicPartition

    return TopicPartition(record.topic, record.partition, record.offset + ahead)
