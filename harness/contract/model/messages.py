"""The Kafka half of a contract: channels, messages, and who sends or receives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.contract.model.causes import Emission
from harness.contract.model.values import EMPTY, JSON, NOWHERE, Place, Schema


@dataclass(frozen=True, slots=True)
class MessageExample:
    name: str
    payload: JSON
    headers: Mapping[str, JSON] = field(default=EMPTY)
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Message:
    """``key`` is the Kafka binding's key schema; ``subject`` a runtime expression for the patient."""

    name: str
    payload: Schema | None
    headers: Schema | None = None
    key: Schema | None = None
    content_type: str = "application/json"
    correlation: str | None = None
    subject: str | None = None
    examples: tuple[MessageExample, ...] = ()
    title: str = ""
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Channel:
    """``address`` is the Kafka topic."""

    id: str
    address: str
    messages: Mapping[str, Message] = field(default=EMPTY)
    partitions: int = 1
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class MessageOperation:
    """One AsyncAPI operation, from the point of view of the service whose contract holds it.

    ``attempts`` and ``backoff`` (seconds) come from ``x-retry``; ``dead_letter`` is the channel that
    takes what could not be processed.
    """

    id: str
    action: Literal["send", "receive"]
    channel: Channel
    messages: tuple[Message, ...]
    emits: tuple[Emission, ...] = ()
    attempts: int = 3
    backoff: float = 0.1
    dead_letter: Channel | None = None
    group: str | None = None
    summary: str = ""
    place: Place = NOWHERE
