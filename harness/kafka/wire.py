"""What travels on a topic: reading and writing records with key, headers and coded values.

A new payload format is one more entry in ``CODECS``.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

import orjson

from harness.contract.model import JSON
from harness.errors import BrokerError, RecordTooLarge
from harness.kafka.broker import Broker
from harness.kafka.clients import LOG, left, reason, settings

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message, Producer

Headers = Mapping[str, str | bytes] | Iterable[tuple[str, str | bytes]]

CONTENT_TYPE = "content-type"

_DELIVERY_TIMEOUT = 30.0
_SHOWN = 80
_LOOKS = 3
_LOOK = 0.5
_PURGE_GRACE = 1.0


class UndecodableValue(ValueError):
    """A record's value is not what its content type says. The text never quotes the value."""


class Codec(Protocol):
    """One payload format. ``decode`` raises UndecodableValue."""

    def decode(self, value: bytes) -> JSON: ...

    def encode(self, value: JSON) -> bytes: ...


class JsonCodec:
    """JSON in UTF-8 (RFC 8259)."""

    def decode(self, value: bytes) -> JSON:
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError as error:
            # Without its cause: that one carries the whole document along.
            raise UndecodableValue(f"not JSON: line {error.lineno}, column {error.colno}") from None

    def encode(self, value: JSON) -> bytes:
        return orjson.dumps(value)


class TextCodec:
    """Text in UTF-8."""

    def decode(self, value: bytes) -> JSON:
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise UndecodableValue(f"not text in UTF-8: byte {error.start}") from None

    def encode(self, value: JSON) -> bytes:
        return str(value).encode()


CODECS: dict[str, Codec] = {"application/json": JsonCodec(), "text/plain": TextCodec()}
"""Media type → codec. ``*/*+json`` finds JSON's."""


def codec_for(content_type: str) -> Codec | None:
    """The codec for a content type, parameters such as ``charset`` aside, or None."""
    media = content_type.partition(";")[0].strip().lower()
    return CODECS.get(media) or (CODECS["application/json"] if media.endswith("+json") else None)


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it stood on its topic. Its repr shows where it is, never what it says.

    ``key`` is text (bytes that are not UTF-8 are shown as ``\\xNN``), ``value`` None for a tombstone,
    ``timestamp_ms`` Unix milliseconds, -1 if there is none.
    """

    topic: str
    partition: int
    offset: int
    key: str | None = field(repr=False)
    headers: tuple[tuple[str, bytes], ...] = field(repr=False)
    value: bytes | None = field(repr=False)
    timestamp_ms: int = -1

    def header(self, name: str) -> str | None:
        """The last header of that exact name as text, or None."""
        for each, value in reversed(self.headers):
            if each == name:
                return _text(value)
        return None

    def texts(self) -> dict[str, str]:
        """All headers as text; of two with one name the last."""
        return {name: _text(value) for name, value in self.headers}

    def json(self) -> JSON:
        """The value as JSON, None for a tombstone. Raises UndecodableValue."""
        return None if self.value is None else CODECS["application/json"].decode(self.value)

    def decoded(self, default: str = "application/json") -> JSON:
        """The value by its ``content-type`` header, ``default`` without one. Raises UndecodableValue."""
        content_type = self.header(CONTENT_TYPE) or default
        codec = codec_for(content_type)
        if codec is None:
            raise UndecodableValue(f"no codec for content type {content_type[:_SHOWN]!r}")
        return None if self.value is None else codec.decode(self.value)


class Publishable(Protocol):
    """Anything that can be put on a topic: a Record, an event, …"""

    @property
    def topic(self) -> str: ...

    @property
    def key(self) -> str | None: ...

    @property
    def headers(self) -> Headers: ...

    @property
    def value(self) -> bytes | None: ...


def record_of(message: Message) -> Record:
    """A record from what librdkafka delivered."""
    key, value = message.key(), message.value()
    received: Any = message.headers()  # pairs, though its annotation allows for what may be sent
    return Record(
        topic=str(message.topic()),
        partition=int(message.partition() or 0),
        offset=int(message.offset() or 0),
        key=None if key is None else _text(key),
        headers=tuple((name, _bytes(content)) for name, content in received or ()),
        value=None if value is None else _bytes(value),
        timestamp_ms=int(message.timestamp()[1]),
    )


class Publisher:
    """An idempotent producer, in order within a key, each record acknowledged by every replica in sync.

    For one thread at a time. ``send`` only queues; nothing is known to have arrived before ``flush``.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._producer: Producer | None = None
        self._refused = 0
        self._too_large = False
        self._why = ""
        self._lock = threading.Lock()

    def send(self, topic: str, key: str | None, headers: Headers, value: bytes | None) -> None:
        """Queue one record. Raises BrokerError if it cannot be taken, RecordTooLarge if that is why."""
        from confluent_kafka import KafkaError, KafkaException

        producer = self._open(topic)
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        coded: list[tuple[str, str | bytes | None]] = [(name, _bytes(content)) for name, content in pairs]
        try:
            producer.produce(topic, value=value, key=key, headers=coded, on_delivery=self._delivered)
            producer.poll(0)
        except BufferError:
            raise BrokerError(f"topic {topic}", "too many records wait to be sent", remedy="Flush") from None
        except KafkaException as error:
            if error.args[0].fatal():
                self._drop()
            too_large = error.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE
            kind = RecordTooLarge if too_large else BrokerError
            raise kind(f"topic {topic} on {self._broker.name}", reason(error)) from None

    def flush(self, timeout: float = 10.0) -> None:
        """Wait (seconds) until all that was sent is acknowledged.

        Raises BrokerError if any record was not, RecordTooLarge if one was too large for the broker; those
        still waiting are dropped, so that sending them again is the caller's choice and not done twice.
        """
        from confluent_kafka import KafkaException

        if self._producer is None:
            return
        try:
            waiting = self._producer.flush(timeout)
        except KafkaException as error:  # final: this producer will send nothing more
            self._drop()
            raise BrokerError(self._broker.name, f"it takes no records: {reason(error)}") from None
        if waiting:
            self._drop()
            raise BrokerError(
                self._broker.name, f"{waiting} records were not acknowledged within {timeout:g} s"
            )
        with self._lock:
            refused, why, too_large = self._refused, self._why, self._too_large
            self._refused, self._too_large = 0, False
        if refused:
            self._drop()
            kind = RecordTooLarge if too_large else BrokerError
            raise kind(self._broker.name, f"{refused} records were refused: {why}")

    def close(self, timeout: float = 10.0) -> None:
        """Flush and let go of the connection. Raises BrokerError as ``flush`` does."""
        try:
            self.flush(timeout)
        finally:
            self._drop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self._drop()

    def _open(self, topic: str) -> Producer:
        if self._producer is None:
            from confluent_kafka import Producer

            configuration = settings(
                self._broker,
                enable_idempotence=True,
                linger_ms=0,
                delivery_timeout_ms=int(_DELIVERY_TIMEOUT * 1000),
            )
            self._producer = Producer(configuration, logger=LOG)
            self._hasten(self._producer, topic)
        return self._producer

    def _hasten(self, producer: Producer, topic: str) -> None:
        """Make a new idempotent producer ask for its id now; by itself it waits half a second.

        It asks whenever it learns of the brokers and one that is not just a bootstrap address is up
        (rd_kafka_idemp_pid_fsm). If none can be reached, ``flush`` will say so.
        """
        from confluent_kafka import KafkaException

        with contextlib.suppress(KafkaException):
            for _ in range(_LOOKS):
                producer.list_topics(topic, timeout=_LOOK)

    def _drop(self) -> None:
        """Forget what waits. A new producer is made when needed: this one's sequence has a gap now."""
        from confluent_kafka import KafkaException

        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(KafkaException):  # a final error, which has been told
                producer.purge(in_queue=True, in_flight=True, blocking=True)
                producer.flush(_PURGE_GRACE)
        with self._lock:
            self._refused, self._too_large = 0, False

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            with self._lock:
                self._refused += 1
                self._too_large |= error.code() == error.MSG_SIZE_TOO_LARGE
                self._why = f"topic {message.topic()}: {error.str()}"
            LOG.warning("a record was not delivered: %s", self._why)


def publish(broker: Broker, records: Iterable[Publishable], timeout: float = 10.0) -> None:
    """Put records on their topics and wait until all are acknowledged. Raises BrokerError.

    Connects anew each time (some 50 ms): who publishes often keeps a ``Publisher``.
    """
    deadline = time.monotonic() + timeout
    publisher = Publisher(broker)
    try:
        for record in records:
            publisher.send(record.topic, record.key, record.headers, record.value)
    finally:
        publisher.close(left(deadline))


def _bytes(content: str | bytes | None) -> bytes:
    if content is None:
        return b""
    return content.encode() if isinstance(content, str) else content


def _text(content: str | bytes) -> str:
    return content if isinstance(content, str) else content.decode(errors="backslashreplace")
