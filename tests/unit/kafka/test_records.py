"""Records and their codecs."""

from __future__ import annotations

import pytest

from harness.kafka.dead_letters import is_letter, letter_headers, lighter
from harness.kafka.wire import CODECS, Record, UndecodableValue, codec_for


def _record(value: bytes | None, content_type: str | None = None, key: str | None = "k") -> Record:
    headers = (("content-type", content_type.encode()),) if content_type else ()
    return Record("portal.a.v1", 1, 7, key, headers, value)


def test_a_repr_shows_the_place_and_nothing_that_was_said() -> None:
    record = Record("portal.a.v1", 1, 7, "mrn-77", (("name", b"Jane"),), b"secret", 5)
    assert repr(record) == "Record(topic='portal.a.v1', partition=1, offset=7, timestamp_ms=5)"


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "APPLICATION/JSON; charset=utf-8", "application/cloudevents+json", None],
)
def test_json_is_decoded_by_its_content_type(content_type: str | None) -> None:
    assert _record(b'{"a":[1,null]}', content_type).decoded() == {"a": [1, None]}


def test_text_is_decoded_as_utf_8() -> None:
    assert _record("grün".encode(), "text/plain; charset=utf-8").decoded() == "grün"
    with pytest.raises(UndecodableValue, match=r"^not text in UTF-8: byte 2$"):
        _record(b"ab\xff", "text/plain").decoded()


def test_an_unknown_content_type_is_named() -> None:
    with pytest.raises(UndecodableValue, match=r"no codec for content type .avro/binary."):
        _record(b"{}", "avro/binary").decoded()


@pytest.mark.parametrize("value", [b'{"name": Jane}', b"\xff\xfe", b"", b"NaN", b'{"a":1} Jane'])
def test_what_is_not_json_is_refused_without_quoting_it(value: bytes) -> None:
    with pytest.raises(UndecodableValue, match=r"^not JSON: line \d+, column \d+$") as raised:
        _record(value).json()
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


def test_a_tombstone_is_none() -> None:
    assert _record(None).json() is None
    assert _record(None).decoded() is None


def test_bytes_that_are_not_text_are_shown_as_bytes() -> None:
    record = Record("t", 0, 0, None, (("h", b"\xff!"),), None)
    assert record.header("h") == "\\xff!"


def test_a_format_is_added_by_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    class Text:
        def decode(self, value: bytes) -> object:
            return value.decode()

        def encode(self, value: object) -> bytes:
            return str(value).encode()

    assert codec_for("text/csv") is None
    monkeypatch.setitem(CODECS, "text/csv", Text())
    assert _record(b"hello", "text/csv; charset=utf-8").decoded() == "hello"


def test_a_dead_letter_that_is_too_large_goes_without_what_makes_it_so() -> None:
    own = (("ce_id", b"e-1"), ("x-large", b"x" * 1000), ("deadletter_reason", b"from before"))
    record = Record("t", 3, 17, "k" * 2000, (*own, *((f"x-{at}", b"y") for at in range(100))), b"v")
    key, headers = lighter(record.key, letter_headers(record, "op", "malformed"))
    assert key is None
    kept = dict(headers)
    assert kept["ce_id"] == b"e-1"
    assert "x-large" not in kept
    assert (kept["deadletter_offset"], kept["deadletter_partition"]) == (b"17", b"3")
    assert (kept["deadletter_reason"], kept["deadletter_value"]) == (b"malformed", b"withheld")
    assert len(headers) < 60
    assert is_letter(headers)
    assert not is_letter(record.headers[3:])
