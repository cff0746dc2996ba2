"""Dead letters: a record that was not processed, as it came, with where it lay and why in its headers."""

from __future__ import annotations

from harness.kafka.wire import Record

Headers = tuple[tuple[str, bytes], ...]

REASON = "deadletter_reason"

_VALUE = ("deadletter_value", b"withheld")
_LONGEST_KEY = 1000
_LONGEST_HEADER = 200
_MOST_HEADERS = 50


def letter_headers(record: Record, operation: str, reason: str) -> Headers:
    """The record's own headers and those that a dead letter adds. ``reason`` is coded."""
    added = {
        "deadletter_topic": record.topic,
        "deadletter_partition": str(record.partition),
        "deadletter_offset": str(record.offset),
        "deadletter_operation": operation,
        REASON: reason,
    }
    return (*record.headers, *((name, text.encode()) for name, text in added.items()))


def is_letter(headers: Headers) -> bool:
    """Whether a record with these headers is a dead letter."""
    return any(name == REASON for name, _ in headers)


def lighter(key: str | None, headers: Headers) -> tuple[str | None, Headers]:
    """Key and headers of a dead letter that is larger than Kafka takes: it goes without its value.

    Where that lies is told; it can be read there for as long as the topic keeps it.
    """
    small = [pair for pair in headers if len(pair[0]) + len(pair[1]) <= _LONGEST_HEADER]
    own = [pair for pair in headers if pair[0].startswith("deadletter_")]
    kept = [pair for pair in small if pair not in own][:_MOST_HEADERS]
    return (key if key is None or len(key) <= _LONGEST_KEY else None), (*kept, *own[-5:], _VALUE)
