"""What causes an event, read out of a contract: requests, messages, and time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.contract.model import (
    JSON,
    Contract,
    Emission,
    Lifecycle,
    MessageOperation,
    Operation,
    Transition,
)


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that causes an event. Exactly one of ``operation``, ``receive`` and ``lifecycle`` is set.

    ``edges`` are the transitions that lead to the wished status; none if the contract names no lifecycle.
    """

    emission: Emission
    edges: tuple[Transition, ...] = ()
    operation: Operation | None = None
    receive: MessageOperation | None = None
    lifecycle: Lifecycle | None = None

    @property
    def name(self) -> str:
        if self.operation is not None:
            return self.operation.id
        if self.receive is not None:
            return f"message {self.receive.id}"
        return f"time, {self.edges[0].time}"


def sender(contract: Contract, topic: str, ce_type: JSON) -> MessageOperation | None:
    """The send operation for a topic; of several on one topic that whose headers name the ``ce_type``."""
    there = [each for each in contract.sends.values() if each.channel.address == topic]
    named = [each for each in there if ce_type is not None and ce_type in _types(each)]
    return next(iter([*named, *there]), None)


def causes(contract: Contract, send_id: str, wished: Mapping[str, JSON]) -> Iterator[Cause]:
    """What causes an event with this ``to`` and ``from``: requests first, then messages, then time."""
    for operation in contract.operations.values():
        for emission, edges in _emissions(operation.emits, send_id, wished):
            yield Cause(emission, edges, operation=operation)
    for emission, operation in _recorded(contract, send_id, wished):
        yield Cause(emission, operation=operation)
    for receive in contract.receives.values():
        for emission, edges in _emissions(receive.emits, send_id, wished):
            yield Cause(emission, edges, receive=receive)
    for lifecycle in contract.lifecycles.values():
        timed = [edge for edge in lifecycle.transitions if edge.timed and _leads(edge, wished)]
        if lifecycle.emits == send_id:
            for edge in timed:
                emission = Emission(send_id, transitions=(edge,), place=edge.place)
                yield Cause(emission, (edge,), lifecycle=lifecycle)


def _recorded(
    contract: Contract, send_id: str, wished: Mapping[str, JSON]
) -> Iterator[tuple[Emission, Operation]]:
    """Every request of which a message is the record, that which the wished one names first."""
    send = contract.sends.get(send_id)
    if send is None or send.records is None:
        return
    named = list(wished.values())
    touching = [each for each in contract.operations.values() if each.subject is not None]
    for operation in sorted(touching, key=lambda each: each.id not in named):
        yield Emission(send_id, place=send.place), operation


def _emissions(
    emits: Sequence[Emission], send_id: str, wished: Mapping[str, JSON]
) -> Iterator[tuple[Emission, tuple[Transition, ...]]]:
    for emission in emits:
        edges = tuple(edge for edge in emission.transitions if _leads(edge, wished))
        if emission.operation == send_id and (edges or not emission.transitions):
            yield emission, edges


def _leads(edge: Transition, wished: Mapping[str, JSON]) -> bool:
    """Whether an edge ends, and may begin, as the event tells."""
    to, before = wished.get("to"), wished.get("from")
    return to in (None, edge.to) and (before is None or not edge.sources or before in edge.sources)


def _types(operation: MessageOperation) -> set[JSON]:
    found = set()
    for message in operation.messages:
        raw = message.headers.raw if message.headers is not None else {}
        properties = raw.get("properties", {}) if isinstance(raw, Mapping) else {}
        found.add(properties.get("ce_type", {}).get("const"))
    return found
