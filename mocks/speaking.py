"""Messages on demand: an example of a send operation, a generated one, or one that somebody wrote."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from harness.contract.model import EMPTY, JSON, Contract, Message, MessageExample, MessageOperation
from harness.contract.nearest import did_you_mean
from harness.contract.schema import compile_schema, example_of, properties
from harness.errors import ContractError, UsageError
from harness.kafka.wire import codec_for
from harness.serving.emitting import Cause, make_event, own_source, timestamp
from harness.serving.spans import traceparent_here
from harness.serving.tracing import made_id
from mocks.believable import made_up
from mocks.event_faults import Outgoing
from mocks.publishing import NextVersion, Outlet


@dataclass(frozen=True, slots=True)
class Wish:
    """What to say. One of ``example`` (its name), ``payload`` (with ``has_payload``) and ``generated``; with
    none of them the operation's examples come in turn, and without examples a generated payload.

    ``headers`` go on top of the contract's. ``key`` is by default the payload's id.
    """

    operation: str
    example: str | None = None
    generated: bool = False
    payload: JSON = None
    has_payload: bool = False
    key: str | None = None
    headers: Mapping[str, str] = field(default=EMPTY)


class Speaker:
    """Says what a contract's send operations can say. Safe to use from several threads."""

    def __init__(self, contract: Contract, outlet: Outlet, seed: int) -> None:
        self._contract, self._outlet, self._seed = contract, outlet, seed
        self._turns: dict[str, itertools.count[int]] = {}

    def say(self, wish: Wish) -> Outgoing:
        """Publish it. Raises UsageError for what the contract does not have or allow, BrokerError,
        ContractError for a schema that nothing fulfils."""
        send = send_operation(self._contract, wish.operation)
        turn = next(self._turns.setdefault(send.id, itertools.count()))
        message, payload, headers = self._content(send, wish, turn)
        with self._outlet.spans.occasion(f"say {send.id}"):
            return self._outlet.say(
                lambda number, now: self._made(
                    send, message, payload, {**headers, **wish.headers}, wish, number, now
                )
            )

    def answer(
        self,
        send: MessageOperation,
        message: Message,
        payload: JSON,
        key: str | None,
        headers: Mapping[str, str],
    ) -> Outgoing:
        """Publish a message that was made elsewhere, as it is. Raises as ``say`` does."""
        wish = Wish(send.id, payload=payload, has_payload=True, key=key)
        return self._outlet.say(
            lambda number, now: self._made(send, message, payload, headers, wish, number, now)
        )

    def check(self, wish: Wish) -> None:
        """Raises what ``say`` would raise for the wish itself, and says nothing."""
        self._content(send_operation(self._contract, wish.operation), wish, 0)

    def _content(
        self, send: MessageOperation, wish: Wish, turn: int
    ) -> tuple[Message, JSON, Mapping[str, str]]:
        if wish.has_payload:
            return _fitting(send, wish.payload), wish.payload, EMPTY
        examples = [
            (message, each) for message in send.messages for each in message.examples if each.has_payload
        ]
        if wish.example is not None:
            message, example = _named(send, wish.example, examples)
            return message, example.payload, _texts(example.headers)
        if examples and not wish.generated:
            message, example = examples[turn % len(examples)]
            return message, example.payload, _texts(example.headers)
        if not send.messages:
            raise UsageError(send.id, "this operation has no message", "a message in the contract")
        if not send.channel.on_kafka:
            raise UsageError(send.id, f"{send.channel.address} is not on Kafka", "a channel of Kafka")
        message = send.messages[turn % len(send.messages)]
        if message.payload is None:
            return message, {}, EMPTY
        return message, made_up(message.payload, self._seed + turn), EMPTY

    def _made(
        self,
        send: MessageOperation,
        message: Message,
        payload: JSON,
        headers: Mapping[str, str],
        wish: Wish,
        number: NextVersion,
        now: datetime,
    ) -> tuple[Outgoing, str]:
        key = wish.key if wish.key is not None else _key(message, payload, self._seed)
        topic, correlation = send.channel.address, headers.get("ce_correlationid") or made_id()
        version = payload.get("version") if isinstance(payload, Mapping) else None
        least = version if isinstance(version, int) and not isinstance(version, bool) else 1
        if wish.has_payload:
            sequence = least
        else:
            sequence = number((topic, key), least)
            payload = _numbered(message, payload, sequence, version is not None)
        cause = Cause(correlation, headers.get("ce_causationid") or correlation, traceparent_here())
        try:
            event = make_event(
                self._contract,
                send,
                payload if isinstance(payload, Mapping) else {},
                key=key or "",
                cause=cause,
                sequence=sequence,
                now=now,
                message=message.name,
            )
            standing = {name: value.decode() for name, value in event.headers}
        except ContractError:  # no CloudEvents: what the contract says of headers, and no more
            shown = _headers(message, self._seed)
            standing = {
                "content-type": message.content_type, **shown, **self._own(message, shown, cause, now)
            }  # fmt: skip
        said = tuple((name, value.encode()) for name, value in {**standing, **headers}.items())
        return Outgoing(send.id, message, topic, key, said, _encoded(send, message, payload)), correlation

    def _own(self, message: Message, shown: Mapping[str, str], cause: Cause, now: datetime) -> dict[str, str]:
        """Of the headers that an example shows those that say who speaks, when and why: the mock does."""
        own = {
            "ce_id": str(uuid.uuid4()),
            "ce_source": own_source(self._contract),
            "ce_time": timestamp(now),
            "ce_correlationid": cause.correlation,
            "ce_causationid": cause.causation,
            "traceparent": cause.traceparent,
        }
        named = properties(message.headers) if message.headers is not None else {}
        return {
            name: text
            for name, text in own.items()
            if name in shown and (name not in named or compile_schema(named[name]).is_valid(text))
        }


def send_operation(contract: Contract, name: str) -> MessageOperation:
    """The send operation of this name. Raises UsageError."""
    if name not in contract.sends:
        raise UsageError(
            name, f"{contract.service} has no such send operation", "", did_you_mean(name, contract.sends)
        )
    return contract.sends[name]


def _named(
    send: MessageOperation, name: str, examples: list[tuple[Message, MessageExample]]
) -> tuple[Message, MessageExample]:
    for message, example in examples:
        if example.name == name:
            return message, example
    names = [example.name for _, example in examples]
    raise UsageError(send.id, f"no example is named '{name}'", remedy=did_you_mean(name, names))


def _fitting(send: MessageOperation, payload: JSON) -> Message:
    """The message that the payload is one of. Raises UsageError if it is none, without its values."""
    wrong: list[str] = []
    for message in send.messages:
        if message.payload is None:
            return message
        found = list(compile_schema(message.payload).violations(payload))
        if not found:
            return message
        wrong += [f"{each.pointer or 'the payload'} {each.detail}" for each in found[:5]]
    raise UsageError(
        send.id,
        f"this payload breaks the contract: {'; '.join(wrong[:5])}",
        remedy="To send what is wrong, add a fault: event=invalid",
    )


def _numbered(message: Message, payload: JSON, sequence: int, has_version: bool) -> JSON:
    """The payload with the version that its headers say, where that is allowed."""
    if not has_version or payload["version"] == sequence:
        return payload
    numbered = {**payload, "version": sequence}
    if message.payload is None or compile_schema(message.payload).is_valid(numbered):
        return numbered
    return payload


def _key(message: Message, payload: JSON, seed: int) -> str | None:
    if isinstance(payload, Mapping) and isinstance(payload.get("id"), str):
        return str(payload["id"])
    made = example_of(message.key, seed) if message.key is not None else None
    return made if isinstance(made, str) else None


def _headers(message: Message, seed: int) -> dict[str, str]:
    if message.headers is None:
        return {}
    made = example_of(message.headers, seed)
    return _texts(made) if isinstance(made, Mapping) else {}


def _texts(headers: Mapping[str, JSON]) -> dict[str, str]:
    return {name: value if isinstance(value, str) else str(value) for name, value in headers.items()}


def _encoded(send: MessageOperation, message: Message, payload: JSON) -> bytes:
    codec = codec_for(message.content_type)
    if codec is not None:
        return codec.encode(payload)
    if isinstance(payload, str):
        return payload.encode()
    raise UsageError(send.id, f"nothing here can be written as {message.content_type}", "JSON or text")
