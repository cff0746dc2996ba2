"""A message that a service should act on, as its other party would publish it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from harness.contract.expressions import Context, holds
from harness.contract.model import EMPTY, JSON, Message, MessageExample, MessageOperation
from harness.contract.phi import masked
from harness.contract.schema import compile_schema, example_of, says
from harness.driving.anatomy import Driven
from harness.driving.bench import Bench
from harness.driving.placing import get, put, split
from harness.driving.things import Thing, exist
from harness.errors import StateError

CORRELATION = "ce_correlationid"
CAUSATION = "ce_causationid"
EVENT_ID = "ce_id"


@dataclass(frozen=True, slots=True)
class Posting:
    """One message ready to be published; it fits ``kafka.wire.publish``.

    ``things`` are the aggregates made for it, by component schema. ``document`` is its payload.
    """

    operation: MessageOperation
    message: Message
    key: str | None
    document: JSON
    sent: Mapping[str, str]
    things: Mapping[str, Thing] = field(default=EMPTY)
    example: str = ""

    @property
    def topic(self) -> str:
        return self.operation.channel.address

    @property
    def headers(self) -> Mapping[str, str | bytes]:
        return dict(self.sent)

    @property
    def value(self) -> bytes | None:
        return json.dumps(self.document, ensure_ascii=False).encode()

    @property
    def correlation(self) -> str:
        return self.sent.get(CORRELATION, "")

    @property
    def id(self) -> str:
        """The event's own id, which a direct effect names as its causation."""
        return self.sent.get(EVENT_ID, "")

    def context(self) -> Context:
        """What runtime expressions are evaluated over."""
        return message_context(self.key, self.sent, self.document)

    def reproduce(self) -> str:
        """Topic, key, headers and payload, to be pasted; without what its schema marks ``x-phi``."""
        schema = self.message.payload
        document = self.document if schema is None else masked([schema], self.document)
        return shown(self.topic, self.key, self.sent, document)


def message_context(key: str | None, headers: Mapping[str, str], payload: JSON) -> Context:
    return Context(message_key=key, message_headers=headers, message_payload=payload)


def shown(topic: str, key: str | None, headers: Mapping[str, str], payload: JSON) -> str:
    """A record in a form that people can read and paste."""
    lines = [f"topic {topic}", f"key {key}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\n".join([*lines, json.dumps(payload, ensure_ascii=False)])


def examples(operation: MessageOperation) -> list[tuple[Message, MessageExample]]:
    """The examples of what the operation receives; one generated where a message has none.

    None of a message whose payload cannot be written as it travels.
    """
    found: list[tuple[Message, MessageExample]] = []
    for message in operation.messages:
        if message.untold:
            continue
        given = tuple(example for example in message.examples if example.has_payload)
        if not given and message.payload is not None:
            headers = example_of(message.headers) if message.headers else {}
            given = (MessageExample("", example_of(message.payload), headers, message.place),)
        found += [(message, example) for example in given]
    return found


def admits(operation: MessageOperation, example: MessageExample, when: str | None) -> bool:
    """Whether an example keeps a criterion (None: every one does)."""
    texts = {name: str(value) for name, value in example.headers.items()}
    return when is None or holds(when, message_context(None, texts, example.payload))


def posting(
    bench: Bench,
    operation: MessageOperation,
    example: tuple[Message, MessageExample],
    *,
    statuses: Mapping[str, str] = EMPTY,
    about: Mapping[str, Thing] = EMPTY,
) -> Posting:
    """The example as a message that is news to the service.

    It has its own id, key, correlation and time, and speaks of aggregates that were made for it in a
    state from which its lifecycle moves on (``statuses``: component schema → another one), or of those
    that it is to be ``about`` (component schema → aggregate).

    Raises StateError where they cannot be made.
    """
    message, given = example
    payload = given.payload
    own = get(payload, "/id") if isinstance(payload, Mapping) else None
    things: dict[str, Thing] = {}
    payload = _of_its_own(bench, operation, payload, own)
    if bench.remembers:
        payload, things = _about(bench, operation, payload, statuses, about)
    key = _key(message, given, get(payload, "/id") if isinstance(own, str | int) else None, own)
    headers = _headers(message, given, key, own)
    return Posting(operation, message, key, payload, headers, things, given.name)


def _of_its_own(bench: Bench, operation: MessageOperation, payload: JSON, own: JSON) -> JSON:
    """The payload under an id that the service has not heard of: an old one may be in its inbox."""
    named = {_where(driven) for driven in bench.anatomy.driven(operation) if driven.each is None}
    if not isinstance(own, str | int) or "/id" in named:
        return payload
    schema = next((m.payload for m in operation.messages if m.payload is not None), None)
    return put(payload, "/id", bench.fresh_id(bench.anatomy.schema_at(schema, "/id")))


def _about(
    bench: Bench,
    operation: MessageOperation,
    payload: JSON,
    statuses: Mapping[str, str],
    about: Mapping[str, Thing],
) -> tuple[JSON, dict[str, Thing]]:
    """Make the aggregates that the message moves, and let it speak of them."""
    things: dict[str, Thing] = {}
    payload = _shared_by_none(bench, operation, payload)
    for driven in bench.anatomy.driven(operation):
        if driven.begins and not driven.sources:
            continue
        schema = driven.lifecycle.schema
        pointer = _where(driven)
        if pointer is None:
            raise StateError(
                str(driven.edges[0].place),
                f"nothing says which {schema} the message {operation.id} moves",
                "'id', an expression such as $message.payload#/appointmentId",
            )
        wished = (statuses[schema],) if schema in statuses else driven.sources
        having = {driven.each: get(payload, pointer)} if driven.each is not None else EMPTY
        thing = about.get(schema) or exist(bench, schema, statuses=wished, like=payload, having=having)
        things[schema] = thing
        payload = put(payload, pointer, get(thing.document, named_by(bench, driven)))
        payload = _agree(payload, thing.document, pointer)
    return payload, things


def named_by(bench: Bench, driven: Driven) -> str:
    """Where an aggregate holds what a cause names it by."""
    return f"/{driven.each}" if driven.each is not None else bench.anatomy.id_pointer(driven.lifecycle.schema)


def _shared_by_none(bench: Bench, operation: MessageOperation, payload: JSON) -> JSON:
    """The payload with values of its own for what it moves many of: only what is made for it moves."""
    schema = next((each.payload for each in operation.messages if each.payload is not None), None)
    for driven in bench.anatomy.driven(operation):
        pointer = _where(driven)
        if driven.each is not None and pointer is not None and pointer != "/id":
            payload = put(payload, pointer, bench.fresh_id(bench.anatomy.schema_at(schema, pointer)))
    return payload


def _where(driven: Driven) -> str | None:
    """Where the payload names the aggregate: its ``id`` expression, else None."""
    if driven.expression is None:
        return None
    source, pointer = split(driven.expression)
    return pointer if source == "$message.payload" else None


def _agree(payload: JSON, document: Mapping[str, JSON], pointer: str) -> JSON:
    """Other ids that both have are the aggregate's: a check for an appointment is its patient's."""
    if not isinstance(payload, Mapping):
        return payload
    same = {
        name: document[name]
        for name in payload
        if name in document and name.lower().endswith("id") and name != "id" and f"/{name}" != pointer
    }
    return {**payload, **same}


def _key(message: Message, given: MessageExample, fresh: JSON, own: JSON) -> str | None:
    """The aggregate's id, for that is what orders; else what the example's subject or key schema says."""
    if isinstance(fresh, str | int) and not isinstance(fresh, bool):
        return str(fresh)
    subject = given.headers.get("ce_subject")
    if isinstance(subject, str) and own is None:
        return subject
    return str(example_of(message.key)) if message.key is not None else None


def _headers(message: Message, given: MessageExample, key: str | None, own: JSON) -> dict[str, str]:
    """Those of the example with ids of their own; and a correlation for what it causes, unless the contract
    has no room for one."""
    headers = {name: str(value) for name, value in given.headers.items()}
    fresh = {EVENT_ID: str(uuid.uuid4()), CORRELATION: str(uuid.uuid4()), CAUSATION: str(uuid.uuid4())}
    headers |= {name: value for name, value in fresh.items() if name in headers or name == EVENT_ID}
    if "ce_time" in headers:
        headers["ce_time"] = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if key is not None and headers.get("ce_subject") == own:
        headers["ce_subject"] = key
    headers.setdefault("content-type", "application/json")
    traced = {CORRELATION: fresh[CORRELATION], **headers}
    return traced if message.headers is None or compile_schema(message.headers).is_valid(traced) else headers


def spoiled(message: Posting) -> Posting | None:
    """The message without a property that its payload must have; None where it may lack everything."""
    schema = message.message.payload
    if schema is None or not isinstance(message.document, Mapping):
        return None
    for name in says(schema, "required") or ():
        less = {key: value for key, value in message.document.items() if key != name}
        if name != "id" and not compile_schema(schema).is_valid(less):
            return replace(message, document=less)
    return None
