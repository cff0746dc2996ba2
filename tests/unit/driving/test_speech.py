"""What a record says against its contract, where that can be told at all."""

from __future__ import annotations

import pytest

from harness.contract.model import Message
from harness.contract.schema import schema_of
from harness.driving.speech import breaches, reveals, unjudged
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


CODE, ID = "4548-4", "1f0c2a77-4548-4abc-9def-0123456789ab"


@pytest.mark.parametrize(
    ("key", "header", "value", "place"),
    [
        (CODE, b"x", b"{}", "the key"),
        ("k", b"of 4548-4", b"{}", "the header about"),
        ("k", ID.encode(), b'{"code": "4548-4"}', "the value"),
        (ID, ID.encode(), f'{{"id": "{ID.upper()}"}}'.encode(), None),
    ],
)
def test_a_code_that_chance_wrote_into_an_id_is_not_revealed(
    key: str, header: bytes, value: bytes, place: str | None
) -> None:
    record = Record("t", 0, 0, key, (("about", header),), value)
    assert reveals(record, {CODE}) == place


def test_an_id_that_is_itself_marked_is_revealed() -> None:
    assert reveals(Record("t", 0, 0, f"of-{ID}", (), b""), {ID}) == "the key"
