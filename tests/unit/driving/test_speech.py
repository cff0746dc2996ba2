"""What a record says against its contract, where that can be told at all."""

from __future__ import annotations

import pytest

from harness.contract.model import Message
from harness.contract.schema import schema_of
from harness.driving.speech import breaches, unjudged
from harness.kafka.wire import Record

TEXT = schema_of({"type": "string"})


def _record(value: bytes) -> Record:
    return Record("t", 0, 0, "k", (), value)


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (Message("m", TEXT, content_type="avro/binary", untold="its payload is Avro"), "its payload is Avro"),
        (
            Message("m", TEXT, content_type="application/protobuf"),
            "application/protobuf, which is not decoded",
        ),
    ],
)
def test_what_cannot_be_decoded_is_no_breach_and_not_fine(message: Message, why: str) -> None:
    record = _record(b"\x00\x01")
    assert list(breaches(record, (message,))) == []
    assert why in unjudged(record, (message,))


def test_headers_are_judged_all_the_same() -> None:
    message = Message("m", TEXT, headers=schema_of({"required": ["a"]}), untold="its payload is Avro")
    assert [each.title for each in breaches(_record(b""), (message,))] == [
        "The headers do not keep their schema: m"
    ]


def test_what_can_be_decoded_is_judged() -> None:
    message = Message("m", TEXT)
    assert unjudged(_record(b"5"), (message,)) == ""
    assert len(list(breaches(_record(b"5"), (message,)))) == 1
