"""From a record to a message that a handler can trust: headers and payload held to the contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from harness.contract.extent import MAX_MESSAGE, too_much
from harness.contract.integers import whole_in
from harness.contract.model import JSON, Contract, Message, MessageOperation
from harness.contract.schema import Validator, compile_schema, expand, properties
from harness.kafka.wire import Record, UndecodableValue
from harness.serving.emitting import sequence_of
from harness.serving.tracing import continued
from reference_services.platform.situation import IncomingMessage

LONGEST_ID = 255
"""Characters of a ``ce_id`` by which a message is known."""

_TOLD, _LONGEST = 5, 300

Reason = Literal["malformed", "invalid", "failed"]
"""Why something is in a dead letter: not readable, not what the contract says, not processed."""


class Refused(Exception):
    """A record that no handler will see. ``detail`` is for the log and holds no values."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class MessagePlan:
    """One message that a receive operation takes. ``type`` is the ``ce_type`` that marks it, if it is fixed.

    ``numbers`` are the headers whose schema asks for a number: on the wire all are text.
    """

    operation: MessageOperation
    message: Message
    type: str | None
    payload: Validator | None
    headers: Validator | None
    key: Validator | None
    numbers: frozenset[str]


def plans_by_topic(contract: Contract) -> dict[str, tuple[MessagePlan, ...]]:
    """Everything that a contract receives, by topic."""
    found: dict[str, tuple[MessagePlan, ...]] = {}
    for operation in contract.receives.values():
        plans = tuple(_plan(operation, message) for message in operation.messages)
        found[operation.channel.address] = (*found.get(operation.channel.address, ()), *plans)
    return found


def _plan(operation: MessageOperation, message: Message) -> MessagePlan:
    named = {} if message.headers is None else properties(message.headers)
    kinds = {name: expand(schema).raw for name, schema in named.items()}
    kind = kinds.get("ce_type")
    return MessagePlan(
        operation,
        message,
        kind.get("const") if isinstance(kind, Mapping) else None,
        None if message.payload is None else compile_schema(message.payload),
        None if message.headers is None else compile_schema(message.headers),
        None if message.key is None else compile_schema(message.key),
        frozenset(
            name
            for name, raw in kinds.items()
            if isinstance(raw, Mapping) and raw.get("type") in {"integer", "number"}
        ),
    )


def chosen(plans: tuple[MessagePlan, ...], record: Record) -> list[MessagePlan]:
    """For each receive operation of the topic, the message that a record is to it.

    By ``ce_type``; what has none, or one that nobody knows, is taken for the operation's first message,
    whose schema then says what is wrong.
    """
    kind = record.header("ce_type")
    by_operation: dict[str, list[MessagePlan]] = {}
    for plan in plans:
        by_operation.setdefault(plan.operation.id, []).append(plan)
    known = any(plan.type == kind for plan in plans if plan.type is not None)
    picked = []
    for candidates in by_operation.values():
        fitting = [plan for plan in candidates if plan.type is None or plan.type == kind]
        if fitting:
            picked.append(fitting[0])
        elif not known:
            picked.append(candidates[0])
    return picked


def read_message(plan: MessagePlan, record: Record) -> IncomingMessage:
    """Raises Refused if the record breaks the contract."""
    if record.value is None:
        raise Refused("malformed", "it has no value")
    payload = _payload(plan, record, record.value)
    headers = {name.lower(): _text(value) for name, value in record.headers}
    if not headers.get("ce_id"):
        raise Refused("malformed", "it has no ce_id header")
    if len(headers["ce_id"]) > LONGEST_ID:
        raise Refused("invalid", f"its ce_id is longer than {LONGEST_ID} characters")
    _hold(plan.headers, {name: _typed(plan, name, text) for name, text in headers.items()}, "headers")
    _hold(plan.key, record.key, "key")
    _hold(plan.payload, payload, "payload")
    try:
        sequence = sequence_of(headers, payload)
    except ValueError as error:
        raise Refused("invalid", str(error)) from None
    return IncomingMessage(
        operation=plan.operation,
        message=plan.message,
        topic=record.topic,
        key=record.key,
        id=headers["ce_id"],
        payload=payload,
        headers=headers,
        sequence=sequence,
        correlation=headers.get("ce_correlationid") or headers["ce_id"],
        traceparent=continued(headers.get("traceparent", "")),
    )


def _payload(plan: MessagePlan, record: Record, value: bytes) -> JSON:
    if len(value) > MAX_MESSAGE:
        raise Refused("malformed", f"it is larger than {MAX_MESSAGE} bytes")
    try:
        payload = record.decoded(plan.message.content_type)
    except UndecodableValue as error:
        raise Refused("malformed", str(error)) from None
    if (why := too_much(payload, value)) is not None:
        raise Refused("malformed", f"it {why}")
    return whole_in(payload, value)


def _hold(validator: Validator | None, value: JSON, what: str) -> None:
    if validator is not None and (wrong := validator.violations(value)):
        told = "; ".join(f"{each.pointer or '/'} {each.detail}"[:_LONGEST] for each in wrong[:_TOLD])
        raise Refused("invalid", f"its {what} break the contract: {told}")


def _typed(plan: MessagePlan, name: str, text: str) -> JSON:
    if name not in plan.numbers:
        return text
    try:
        return int(text)
    except ValueError:
        return text


def _text(value: bytes) -> str:
    return value.decode(errors="backslashreplace")
