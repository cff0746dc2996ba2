"""Kafka messages that no handler may see: each goes to the dead letter with its reason, once, unchanged."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from harness.kafka.listening import Listener
from harness.kafka.wire import Record
from tests.hostile.attack import Attack, Tries, answers
from tests.hostile.defender import Defender
from tests.hostile.message import Message, oldest, put

WITHIN = 15.0
MEGABYTE = 1024 * 1024

Shapes = Callable[[Message], list[Message]]


def _dead(defender: Defender, messages: Sequence[Message]) -> list[str]:
    """What became of each message: ``dead letter: REASON``, ``refused by the broker``, or nothing."""
    with Listener(defender.broker, [defender.dead_letter]) as listener:
        offsets = put(defender.broker, messages)
        kept = oldest(defender.broker, defender.topic)
        offsets = [each if isinstance(each, str) or each >= kept else "dropped" for each in offsets]
        wanted = {str(each) for each in offsets if isinstance(each, int)}
        ours = partial(_is_one_of, wanted)
        listener.wait_for(ours, WITHIN, count=len(wanted))
        listener.settle(0.3)
        found: dict[str, list[Record]] = {}
        for record in listener.records:
            if ours(record):
                found.setdefault(str(record.header("deadletter_offset")), []).append(record)
    return [
        _fate(message, offset, found.get(str(offset), []))
        for message, offset in zip(messages, offsets, strict=True)
    ]


def _is_one_of(offsets: set[str], record: Record) -> bool:
    return record.header("deadletter_offset") in offsets and record.header("deadletter_partition") == "0"


def _fate(message: Message, offset: int | str, letters: list[Record]) -> str:
    if isinstance(offset, str):
        return "dropped by the broker" if offset == "dropped" else "refused by the broker"
    if len(letters) != 1:
        return "no dead letter" if not letters else f"{len(letters)} dead letters"
    letter = letters[0]
    same = letter.value == message.value
    withheld = letter.value is None and letter.header("deadletter_value") == "withheld"
    if not same and not withheld:
        return "a dead letter with another value"
    return f"dead letter: {letter.header('deadletter_reason')}" + (", value withheld" if withheld else "")


def attempts(shapes: Shapes) -> Tries:
    """Publish every shape of a message that would otherwise be good."""

    async def tries(defender: Defender) -> Sequence[str]:
        def work() -> list[str]:
            return _dead(defender, [_named(each) for each in shapes(defender.good_message())])

        return await asyncio.to_thread(work)

    return tries


def _named(message: Message) -> Message:
    """Under an id of its own, if it has one that was left as it was."""
    return message.but({"ce_id": str(uuid.uuid4())}) if message.header("ce_id") else message


def not_json(good: Message) -> list[Message]:
    whole = good.value or b""
    values = [
        b"",
        b" ",
        b"nonsense",
        b"{",
        whole[:-1],
        whole + whole,
        whole + b"\x00",
        b"\xff\xfe\x00",
        b"\xef\xbb\xbf" + whole,
        whole.decode().encode("utf-16"),
        gzip.compress(whole),
        os.urandom(4_000),
        b"\x80\x04\x95",  # a pickle begins so
        b"<a>1</a>",
        b"NaN",
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": 1e999999}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ]
    return [good.but(value=each) for each in values]


def of_a_registry(good: Message) -> list[Message]:
    """Confluent's wire format: a zero byte, a schema's id, then Avro, JSON or Protobuf."""
    whole = good.value or b""
    ids = (0, 1, 7, 2**31 - 1, 2**32 - 1)
    values = [b"\x00" + each.to_bytes(4, "big") + whole for each in ids]
    values += [b"\x00", b"\x00\x00\x00", b"\x00\x00\x00\x00\x01", b"\x00\x00\x00\x00\x01\x00\x02\x04ab"]
    kinds = (
        "application/vnd.confluent.avro",
        "avro/binary",
        "application/x-protobuf",
        "text/plain",
        "",
        "a" * 9_000,
    )
    return [good.but(value=each) for each in values] + [good.but({"content-type": kind}) for kind in kinds]


def without_headers(good: Message) -> list[Message]:
    names = [name for name, _ in good.headers]
    return [good.without(*names), *(good.without(name) for name in names if name != "content-type")]


def wrong_headers(good: Message) -> list[Message]:
    changes: list[dict[str, str | bytes | None]] = [
        {"ce_specversion": "2.0"},
        {"ce_type": "portal.coverage.Unheard.v1"},
        {"ce_type": "a" * 10_000},
        {"ce_source": "/somebody/else"},
        {"ce_subject": "' OR 1=1 --"},
        {"ce_time": "yesterday"},
        {"ce_correlationid": "${jndi:ldap://a}"},
        {"ce_correlationid": "a" * 65},
        {"ce_correlationid": "a\r\nb: c"},
        {"ce_causationid": ""},
        {"ce_sequence": "-1"},
        {"ce_sequence": "1e3"},
        {"ce_sequence": "first"},
        {"ce_sequence": "\u0661\u0662"},
        {"ce_sequence": "9" * 400},
        {"ce_sequence": "9" * 5_000},
        {"ce_sequence": str(2**63)},
        {"ce_sequence": "9" * 19},
        {"ce_sequence": "9" * 18},
        {"ce_sequence": "9" * 12},
        {"ce_sequence": "1"},
        {"traceparent": "00-xyz"},
        {"traceparent": "\xff" * 10},
        {"ce_time": b"\xff\xfe"},
        {"ce_source": None},
        {"ce_sequence": None},
        {"ce_time": ""},
    ]
    return [good.but(each) for each in changes]


def huge_headers(good: Message) -> list[Message]:
    many = tuple((f"x-{at}", "y") for at in range(20_000))
    return [
        good.but({"ce_source": "/" + "a" * 500_000}),
        good.but({"traceparent": b"\x00" * 500_000}),
        good.without("ce_time").but({"x-large": "a" * 500_000}),
        good.but({"ce_id": "a" * 500_000, "ce_time": "no"}),
        Message(good.topic, good.key, (*good.without("ce_time").headers, *many), good.value),
        Message(
            good.topic,
            good.key,
            (*good.without("ce_time").headers, *(("ce_time", "no"),) * 5_000),
            good.value,
        ),
        good.without("ce_time").but({"a" * 30_000: "y"}),
    ]


def wrong_types(good: Message) -> list[Message]:
    payload = json.loads(good.value or b"{}")
    changes: list[dict[str, Any]] = [
        {"id": 7},
        {"id": None},
        {"id": ["elg-1"]},
        {"id": "elg-\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000"},
        {"version": "2"},
        {"version": 2.5},
        {"version": 0},
        {"version": 10**12},
        {"version": 10**40},
        {"to": "done"},
        {"result": True},
        {"result": {"$ne": None}},
        {"patientId": "*"},
        {"appointmentId": "' OR 1=1 --"},
        {"occurredAt": "2031-02-30T00:00:00Z"},
        {"occurredAt": "9" * 100_000},
        {"more": "than documented"},
        {"__proto__": {"to": "complete"}},
    ]
    values = [json.dumps({**payload, **each}).encode() for each in changes]
    values += [
        b"null",
        b"[]",
        b"7",
        b'"text"',
        b"true",
        b"[" + (good.value or b"") + b"]",
        b"[" * 900 + b"]" * 900,
    ]
    values += [b"[" + b"0," * 400_000 + b"0]", json.dumps({f"k{at}": at for at in range(60_000)}).encode()]
    return [good.but(value=each) for each in values]


def keys_and_tombstones(good: Message) -> list[Message]:
    keys: list[str | bytes | None] = [
        None,
        "",
        "pat-4k7m2q9x1a",
        b"\xff\xfe\x00",
        "k" * 100_000,
        "a\x00b",
        "elg-" + "a" * 27,
    ]
    tombstones = [good.but(value=None), good.but(value=None, key=None), good.but(value=None).without("ce_id")]
    return [*(good.but(key=each) for each in keys), *tombstones]


async def ten_megabytes(defender: Defender) -> Sequence[str]:
    """One after the other: the embedded broker keeps 5 MiB and drops more than that."""

    def work() -> list[str]:
        good = defender.good_message()
        payload = json.loads(good.value or b"{}")
        told = []
        for size in (10 * MEGABYTE, 3 * MEGABYTE, MEGABYTE + 1):
            for value in (b"\x00" * size, json.dumps({**payload, "more": "x" * size}).encode()):
                told += _dead(defender, [_named(good.but(value=value))])
        return told

    return await asyncio.to_thread(work)


async def highest_number(defender: Defender) -> Sequence[str]:
    """A forged message that claims to be the last of its key must not silence those that follow."""

    def work() -> list[str]:
        good = defender.good_message()
        forged = [
            _named(good.but({"ce_sequence": each})) for each in ("9" * 12, "9" * 18, "9" * 19, str(2**62))
        ]
        told = _dead(defender, forged)
        with Listener(defender.broker, [defender.events]) as listener:
            put(defender.broker, [good])
            correlation = good.header("ce_correlationid")
            heard = listener.wait_for(lambda record: record.header("ce_correlationid") == correlation, WITHIN)
        return [*told, "heard" if heard else "silenced"]

    return await asyncio.to_thread(work)


async def many_at_once(defender: Defender) -> Sequence[str]:
    """A thousand that are not JSON, and a good one right behind them."""

    def work() -> list[str]:
        good = defender.good_message()
        bad = [good.but({"ce_id": str(uuid.uuid4())}, value=b"\x00" * 500) for _ in range(1_000)]
        return _dead(defender, bad)

    return await asyncio.to_thread(work)


MALFORMED, INVALID = "dead letter: malformed", "dead letter: invalid"

ATTACKS = (
    Attack("messages that are not JSON", answers(MALFORMED), attempts(not_json)),
    Attack("messages of an unknown schema registry", answers(MALFORMED, INVALID), attempts(of_a_registry)),
    Attack("messages without headers", answers(MALFORMED, INVALID), attempts(without_headers)),
    Attack("messages with wrong headers", answers(INVALID), attempts(wrong_headers)),
    Attack("messages with huge headers", answers(INVALID, MALFORMED), attempts(huge_headers)),
    Attack("messages of the wrong types", answers(INVALID, MALFORMED), attempts(wrong_types)),
    Attack("null keys, odd keys, tombstones", answers(INVALID, MALFORMED), attempts(keys_and_tombstones)),
    Attack(
        "messages of 10 MB",
        answers("dead letter: malformed, value withheld", "refused by the broker", "dropped by the broker"),
        ten_megabytes,
    ),
    Attack("a forged highest sequence", answers(INVALID, "heard"), highest_number),
    Attack("a thousand bad messages", answers(MALFORMED), many_at_once),
)
