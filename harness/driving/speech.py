"""What one record says against what its contract lets it say, and how it is shown to people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.contract.model import JSON, Contract, Message, Place, Schema
from harness.contract.phi import WITHHELD, masked, withheld
from harness.contract.schema import Violation, compile_schema, phi_properties, properties
from harness.driving.bench import Bench
from harness.driving.messages import shown
from harness.driving.phi import phi_of_examples
from harness.driving.placing import tokens
from harness.driving.watching import headers_of, payload_of
from harness.kafka.wire import CONTENT_TYPE, Record, UndecodableValue, codec_for

_UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
"""Chance writes short codes into it: LOINC's 4548-4 into one in 65,536 of version 4 (RFC 9562, 5.4)."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One way in which a record breaks its contract."""

    title: str
    received: str
    documented: str
    where: Place


def breaches(record: Record, messages: tuple[Message, ...]) -> Iterator[Breach]:
    """What is wrong with a record that must be one of these messages: of the one that it fits best."""
    found = [list(_against(record, message)) for message in _of_type(record, messages)]
    if found:
        yield from min(found, key=len)


def unjudged(record: Record, messages: tuple[Message, ...]) -> str:
    """Why the payload of a record that must be one of these messages cannot be judged; ``""`` if it can."""
    told = [unread(message) for message in _of_type(record, messages)]
    return told[0] if told and all(told) else ""


def unread(message: Message) -> str:
    """Why payloads of a message cannot be judged here, as a phrase; ``""`` if they can."""
    if message.untold or codec_for(message.content_type) is not None:
        return message.untold
    return f"its payload is {message.content_type}, which is not decoded here"


def _of_type(record: Record, messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Those whose ``ce_type`` is the record's, if any is."""
    fitting = tuple(m for m in messages if constant(m.headers, "ce_type") == record.header("ce_type"))
    return fitting or messages


def constant(schema: Schema | None, name: str) -> JSON:
    """The only value that a property may have, None if it may have several."""
    known = properties(schema) if schema is not None else {}
    raw = known[name].raw if name in known else None
    return raw.get("const") if isinstance(raw, Mapping) else None


def _against(record: Record, message: Message) -> Iterator[Breach]:
    kind = record.header(CONTENT_TYPE)
    if kind is not None and message.content_type and _media(kind) != _media(message.content_type):
        title = "The content type is another than documented"
        yield Breach(title, f"{CONTENT_TYPE}: {kind}", message.content_type, message.place)
    yield from _payload(record, message)
    headers = _typed(headers_of(record), message.headers)
    yield from _schema("The headers do not keep their schema", headers, message.headers, message)
    if message.key is not None:
        yield from _schema("The key does not keep its schema", record.key, message.key, message)


def _payload(record: Record, message: Message) -> Iterator[Breach]:
    if message.payload is None or unread(message):
        return
    try:
        value = record.decoded(message.content_type or "application/json")
    except UndecodableValue as error:
        yield Breach("The value cannot be decoded", str(error), message.content_type, message.place)
        return
    yield from _schema("The payload does not keep its schema", value, message.payload, message)


def _schema(title: str, value: JSON, schema: Schema | None, message: Message) -> Iterator[Breach]:
    violations = compile_schema(schema).violations(value) if schema is not None else ()
    if schema is not None and violations:
        documented = f"the schema at {schema.place}"
        yield Breach(f"{title}: {message.name}", _worded(violations), documented, schema.place)


def _worded(violations: tuple[Violation, ...]) -> str:
    return "; ".join(f"{each.pointer or '(whole)'} {each.detail}" for each in violations[:8])


def _typed(headers: Mapping[str, str], schema: Schema | None) -> dict[str, JSON]:
    """Header texts as the schema's types: a number is text on the wire (CloudEvents, section 3.1.1)."""
    known = properties(schema) if schema is not None else {}
    return {name: _as(value, known.get(name)) for name, value in headers.items()}


def _as(value: str, schema: Schema | None) -> JSON:
    if schema is None or compile_schema(schema).is_valid(value):
        return value
    try:
        decoded = json.loads(value)
    except ValueError:
        return value
    return decoded if isinstance(decoded, int | float | bool) else value


def _media(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def reveals(record: Record, secrets: set[str]) -> str | None:
    """Where a record holds one of these texts: its key, a header's name or the value; None if nowhere."""
    if _holds(record.key or "", secrets):
        return "the key"
    for name, value in headers_of(record).items():
        if _holds(value, secrets):
            return f"the header {name}"
    whole = (record.value or b"").decode("utf-8", "replace")
    escaped = {json.dumps(secret)[1:-1] for secret in secrets}
    return "the value" if _holds(whole, secrets | escaped) else None


def _holds(text: str, secrets: set[str]) -> bool:
    bare = _UUID.sub("", text)
    return any(secret in (text if _UUID.search(secret) else bare) for secret in secrets)


def phi_names(contract: Contract) -> frozenset[str]:
    """The names of ``x-phi`` properties of the component schemas."""
    pointers = (pointer for schema in contract.schemas.values() for pointer in phi_properties(schema))
    return frozenset(way[-1] for way in map(tokens, pointers) if way and way[-1] != "*")


def undeclared(record: Record, value: JSON, names: frozenset[str], messages: tuple[Message, ...]) -> set[str]:
    """Those of the names that a record has although its message does not declare them."""
    declared = {n for m in messages for s in (m.payload, m.headers) if s is not None for n in properties(s)}
    present = set(headers_of(record)) | (set(value) if isinstance(value, Mapping) else set())
    return (present & names) - declared


def reproduced(bench: Bench, record: Record) -> str:
    """A record for a report: topic, key, headers and payload, to be pasted.

    Without ``x-phi``: neither in properties that are called so, nor values that are known to be it.
    """
    sends = [each for each in bench.contract.sends.values() if each.channel.address == record.topic]
    messages = tuple(message for each in sends for message in each.messages)
    payload = masked([each.payload for each in messages if each.payload is not None], payload_of(record))
    names = undeclared(record, payload, phi_names(bench.contract), messages)
    text = shown(record.topic, record.key, _without(headers_of(record), names), _without(payload, names))
    return withheld(text, phi_of_examples(bench.contract) | bench.caller.secrets)


def _without(document: JSON, names: set[str]) -> JSON:
    if not isinstance(document, Mapping):
        return document
    return {name: WITHHELD if name in names else value for name, value in document.items()}
