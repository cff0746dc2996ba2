"""AsyncAPI 2.0 to 2.6 to the model.

These versions speak from outside: ``publish`` is what others may publish to the service, which it receives,
and ``subscribe`` what others may subscribe to, which it sends (AsyncAPI 2.6, Channel Item Object).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from harness.contract.documents import tokens_of
from harness.contract.message_parts import (
    Messaging,
    Reader,
    schemas_of,
    security_schemes_of,
    servers_of,
)
from harness.contract.model import Channel, Lifecycle, Message, MessageOperation
from harness.contract.node import Node
from harness.contract.operation_parts import channel_of, facts_of
from harness.contract.traits import with_traits

ACTIONS: Mapping[str, Literal["send", "receive"]] = {"publish": "receive", "subscribe": "send"}


def read_asyncapi2(root: Node, lifecycles: Mapping[str, Lifecycle]) -> Messaging:
    """An AsyncAPI 2.x document. Raises ContractError as ``asyncapi.read_asyncapi`` says."""
    reader, info = Reader(root, 2, lifecycles), root.get("info")
    listed = root.get("channels")
    channels: dict[str, Channel] = {}
    waiting: list[tuple[Channel, str, Node, tuple[Message, ...]]] = []
    for address, entry in listed.items() if listed else ():
        item, names = entry.follow(), dict[str, str]()
        parts = {verb: item.get(verb) for verb in ACTIONS}
        spoken = {
            verb: tuple(_messages(reader, node, address, names)) for verb, node in parts.items() if node
        }
        messages = {each.name: each for several in spoken.values() for each in several}
        channels[address] = channel = channel_of(reader, address, item, address, messages)
        waiting += [(channel, verb, node, spoken[verb]) for verb, node in parts.items() if node]
    return Messaging(
        title=info.text("title") if info else "",
        version=info.text("version") if info else "",
        channels=channels,
        operations=dict(_operations(reader, waiting, channels)),
        schemas=dict(schemas_of(root)),
        servers=dict(servers_of(root, 2)),
        security_schemes=dict(security_schemes_of(root)),
    )


def _operations(
    reader: Reader,
    waiting: list[tuple[Channel, str, Node, tuple[Message, ...]]],
    channels: Mapping[str, Channel],
) -> Iterator[tuple[str, MessageOperation]]:
    """One without an operationId, or with one that is taken, is called after what it does and where."""
    taken: set[str] = set()
    for channel, verb, node, messages in waiting:
        whole, action = with_traits(node, 2), ACTIONS[verb]
        derived = f"{action} {channel.id}"
        id_ = whole.text("operationId", derived)
        id_ = derived if id_ in taken else id_
        taken.add(id_)
        facts = facts_of(reader, id_, action, whole, channels)
        yield id_, MessageOperation(channel=channel, messages=messages, place=node.place, **facts)


def _messages(reader: Reader, operation: Node, address: str, names: dict[str, str]) -> Iterator[Message]:
    """The operation's message, or each of its ``oneOf``; ``names`` are those that the channel has given."""
    whole = operation.raw("message")
    for node in _alternatives(whole, frozenset()) if whole is not None else ():
        name = wished = _name(node, address)
        while names.setdefault(name, node.uri) != node.uri:
            name = f"{wished}-{len(names) + 1}"
        yield reader.message(node, name)


def _alternatives(entry: Node, above: frozenset[str]) -> Iterator[Node]:
    node = entry.follow()
    for word in ("oneOf", "anyOf"):  # the second is nowhere allowed and often written; lint says so
        listed = node.raw(word)
        if listed is not None and isinstance(listed.value, list):
            for each in listed.entries() if node.uri not in above else ():
                yield from _alternatives(each, above | {node.uri})
            return
    yield node


def _name(node: Node, address: str) -> str:
    """A component's own name, else what the message calls itself, else its channel's address."""
    tokens = tokens_of(node.pointer)
    if len(tokens) >= 2 and tokens[-2] == "messages":
        return tokens[-1]
    said = node.mapping()
    return next((str(said[word]) for word in ("name", "messageId", "title") if said.get(word)), address)
