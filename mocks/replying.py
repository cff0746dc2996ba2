"""Replies: what a mock says to a request that came as a message, where its operation has a ``reply``.

Source: AsyncAPI 3.0, "Operation Reply Object" and "Correlation ID Object".
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace

from harness.contract.documents import tokens_of
from harness.contract.expressions import Context, evaluate, parse
from harness.contract.model import JSON, Channel, Message, MessageOperation, Reply
from harness.contract.schema import compile_schema, properties
from harness.errors import ContractError, UsageError
from mocks.believable import exemplary
from mocks.event_faults import Outgoing
from mocks.speaking import Speaker

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


class Replier:
    """Answers requests of a contract's receive operations."""

    def __init__(self, speaker: Speaker, seed: int) -> None:
        self._speaker, self._seed = speaker, seed

    def reply(self, operation: MessageOperation, message: Message, context: Context) -> Outgoing | None:
        """Publish the reply to a message, with its correlation id; None where the operation has none.

        Raises UsageError for a request that does not say where to, ContractError for a reply that cannot be
        made, BrokerError.
        """
        if operation.reply is None:
            return None
        channel = _channel(operation, operation.reply, context)
        answer = _message(operation, operation.reply)
        payload = self._payload(message, answer, context.message_payload)
        located = evaluate(message.correlation, context) if message.correlation else None
        payload, headers = _correlated(answer, payload, located)
        for name in ("ce_correlationid", "x-portal-session"):
            if isinstance(context.message_headers.get(name), str):
                headers.setdefault(name, context.message_headers[name])
        causation = context.message_headers.get("ce_id")
        if isinstance(causation, str):
            headers["ce_causationid"] = causation
        send = replace(operation, action="send", channel=channel, messages=(answer,), reply=None)
        return self._speaker.answer(send, answer, payload, context.message_key, headers)

    def _payload(self, request: Message, answer: Message, asked: JSON) -> JSON:
        """The example of the same name as the request's, else the first, else a generated one; with the
        request's ids in it as far as that is valid."""
        names = [each.name for each in request.examples if each.has_payload and each.payload == asked]
        examples = [each for each in answer.examples if each.has_payload]
        same = [each for each in examples if each.name and each.name in names]
        if same:
            return same[0].payload
        if examples:
            found = examples[0].payload
        elif answer.payload is not None:
            found = exemplary(answer.payload, self._seed + zlib.crc32(answer.name.encode()))
        else:
            found = {}
        return next(each for each in (*_echoing(answer, found, asked), found) if _valid(answer, each))


def _channel(operation: MessageOperation, reply: Reply, context: Context) -> Channel:
    """Where the reply goes: to the address that the request names, else to the channel's own."""
    named = evaluate(reply.address, context) if reply.address else None
    own = reply.channel
    if isinstance(named, str) and _TOPIC.fullmatch(named):
        return replace(own, address=named) if own is not None else Channel(named, named)
    if own is None or own.template is None:
        where = f"no topic stands at {reply.address}" if reply.address else "no address is said"
        raise UsageError(operation.id, f"nobody can tell where the reply goes: {where}")
    return own


def _message(operation: MessageOperation, reply: Reply) -> Message:
    listed = reply.messages or tuple(reply.channel.messages.values() if reply.channel else ())
    if not listed:
        raise ContractError(str(reply.place), f"the reply of {operation.id} has no message", "a message")
    first = listed[0]
    if first.untold:
        raise ContractError(str(first.place), first.untold, "a payload that is JSON")
    return first


def _echoing(answer: Message, found: JSON, asked: JSON) -> Iterator[JSON]:
    """The payload with the ids of the request that both have."""
    if isinstance(found, Mapping) and isinstance(asked, Mapping):
        known = properties(answer.payload) if answer.payload is not None else found
        ids = {n: v for n, v in asked.items() if n in known and (n == "id" or n.lower().endswith("id"))}
        yield {**found, **ids}


def _valid(message: Message, payload: JSON) -> bool:
    return message.payload is None or compile_schema(message.payload).is_valid(payload)


def _correlated(message: Message, payload: JSON, correlation: JSON) -> tuple[JSON, dict[str, str]]:
    """The payload and headers that repeat the request's correlation id, where the reply says."""
    if message.correlation is None or not isinstance(correlation, str | int):
        return payload, {}
    place = parse(message.correlation)
    if place.source == "message.header":
        return payload, {place.name: str(correlation)}
    tokens = tokens_of(place.pointer) if place.source == "message.payload" else []
    if len(tokens) == 1 and isinstance(payload, Mapping):
        changed = {**payload, tokens[0]: correlation}
        return (changed if _valid(message, changed) else payload), {}
    return payload, {}
