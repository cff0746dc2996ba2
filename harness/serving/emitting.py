"""Events: CloudEvents 1.0 in Kafka's binary mode, as a send operation of the contract asks for them.

Source: CloudEvents Kafka protocol binding 1.0.2, section 3.2; extension attributes of the design
(``correlationid``, ``causationid``, ``sequence``) and W3C trace context.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from harness.contract.model import JSON, Contract, Message, MessageOperation
from harness.contract.schema import expand, properties
from harness.errors import ContractError
from harness.serving.wire import encode_json

LONGEST_SEQUENCE = 18
"""Digits of a ``ce_sequence``: what 64 bits hold."""


@dataclass(frozen=True, slots=True)
class Cause:
    """What an event goes back to. ``causation`` is the request's correlation id, the causing message's
    ``ce_id``, or the aggregate's id for a timer."""

    correlation: str
    causation: str
    traceparent: str


@dataclass(frozen=True, slots=True)
class Event:
    """Ready to be published: ``topic``, ``key``, header names to bytes, and the encoded payload."""

    id: str
    topic: str
    key: str
    headers: tuple[tuple[str, bytes], ...]
    value: bytes


def make_event(
    contract: Contract,
    send: MessageOperation,
    payload: Mapping[str, JSON],
    *,
    key: str,
    cause: Cause,
    sequence: int,
    now: datetime,
    message: str = "",
) -> Event:
    """An event of a send operation. ``sequence`` counts the aggregate's events, ``now`` is aware of its
    zone, ``message`` names one of several messages (default: the first).

    Raises ContractError if the message's headers do not say its type or source as a const.
    """
    chosen = (
        next((each for each in send.messages if each.name == message), None) if message else send.messages[0]
    )
    if chosen is None:
        names = ", ".join(each.name for each in send.messages)
        raise ContractError(str(send.place), f"{send.id} sends no message {message}", f"one of {names}")
    kind, source = _identity(contract, chosen)
    event_id = str(uuid.uuid4())
    headers = {
        "ce_specversion": "1.0",
        "ce_id": event_id,
        "ce_type": kind,
        "ce_source": source,
        "ce_subject": key,
        "ce_time": timestamp(now),
        "content-type": chosen.content_type,
        "ce_correlationid": cause.correlation,
        "ce_causationid": cause.causation,
        "ce_sequence": str(sequence),
        "traceparent": cause.traceparent,
    }
    encoded = tuple((name, value.encode()) for name, value in headers.items())
    return Event(event_id, send.channel.address, key, encoded, encode_json(dict(payload)))


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: what is put into documents and events."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def sequence_of(headers: Mapping[str, str], payload: JSON) -> int | None:
    """The number that an event claims among its aggregate's events, None if it claims none.

    Raises ValueError for one that cannot be: no count, or another than the payload's own ``version``. It
    silences what comes with a lower one, so it is not to be believed lightly.
    """
    claimed = headers.get("ce_sequence")
    if not claimed:
        return None
    if not (claimed.isascii() and claimed.isdecimal() and len(claimed) <= LONGEST_SEQUENCE):
        raise ValueError("its ce_sequence is no count")
    version = payload.get("version") if isinstance(payload, Mapping) else None
    if isinstance(version, int) and version != int(claimed):
        raise ValueError("its ce_sequence is not its version")
    return int(claimed)


def _identity(contract: Contract, message: Message) -> tuple[str, str]:
    """``ce_type`` and ``ce_source`` as the message's headers schema fixes them."""
    kind = _const(message, "ce_type")
    source = _const(message, "ce_source") or own_source(contract)
    if kind is None:
        raise ContractError(
            str(message.place),
            f"message {message.name} does not say its ce_type",
            "headers with properties.ce_type.const",
        )
    return kind, source


def own_source(contract: Contract) -> str:
    """For a message that many may send: what the service calls itself in those that it sends alone."""
    named = (_const(message, "ce_source") for send in contract.sends.values() for message in send.messages)
    return next((each for each in named if each), f"/{contract.service}")


def _const(message: Message, header: str) -> str | None:
    if message.headers is None:
        return None
    found = properties(message.headers).get(header)
    raw = expand(found).raw if found is not None else None
    value = raw.get("const") if isinstance(raw, Mapping) else None
    return value if isinstance(value, str) else None
