"""AsyncAPI 3.0 and 3.1 to the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, cast

from harness.contract.message_parts import (
    Messaging,
    Reader,
    schemas_of,
    security_schemes_of,
    servers_of,
)
from harness.contract.model import EMPTY, Channel, Lifecycle, Message, MessageOperation, Reply
from harness.contract.nearest import did_you_mean
from harness.contract.node import Node
from harness.contract.operation_parts import channel_of, facts_of
from harness.contract.traits import with_traits


def read_asyncapi3(root: Node, lifecycles: Mapping[str, Lifecycle]) -> Messaging:
    """An AsyncAPI 3.x document. Raises ContractError as ``asyncapi.read_asyncapi`` says."""
    reader, info = Reader(root, 3, lifecycles), root.get("info")
    channels, operations = root.get("channels"), root.get("operations")
    own = {id_: _channel(reader, node) for id_, node in channels.items()} if channels else {}
    return Messaging(
        title=info.text("title") if info else "",
        version=info.text("version") if info else "",
        channels=own,
        operations={id_: _operation(reader, id_, node.follow(), own) for id_, node in operations.items()}
        if operations
        else {},
        schemas=dict(schemas_of(root)),
        servers=dict(servers_of(root, 3)),
        security_schemes=dict(security_schemes_of(root)),
    )


def _channel(reader: Reader, node: Node) -> Channel:
    node = node.follow()
    if node.uri not in reader.channels:
        listed = node.get("messages")
        messages = {name: reader.message(each, name) for name, each in listed.items()} if listed else EMPTY
        address = node.text("address") if node.mapping().get("address") is not None else None
        reader.channels[node.uri] = channel_of(reader, node.key, node, address, messages)
    return reader.channels[node.uri]


def _operation(reader: Reader, id_: str, node: Node, own: Mapping[str, Channel]) -> MessageOperation:
    whole = with_traits(node, 3)
    action, target = whole.text("action"), node.get("channel")
    if action not in ("send", "receive") or target is None:
        found = f"operation '{id_}' has action '{action}' and {'a' if target else 'no'} channel"
        raise node.error(found, "action: send or receive, and a channel")
    channel = _channel(reader, target)
    return MessageOperation(
        channel=channel,
        messages=tuple(_messages(node, channel)),
        reply=_reply(reader, node.get("reply")),
        place=node.place,
        **facts_of(reader, id_, cast(Literal["send", "receive"], action), whole, own),
    )


def _messages(node: Node, channel: Channel) -> Iterator[Message]:
    """Those that an operation or reply names, each as its channel's; all of those if it names none."""
    listed = node.raw("messages")
    if listed is None:
        yield from channel.messages.values()
        return
    for entry in listed.entries():
        target = entry.follow()
        alike = [each for each in channel.messages.values() if each.place == target.place]
        named = str(entry.value.get("$ref")).rpartition("/")[2] if isinstance(entry.value, dict) else ""
        message = next((each for each in alike if each.name == named), None) or next(iter(alike), None)
        if message is None:
            found = f"operation '{node.key}' has a message that its channel '{channel.id}' does not list"
            hint = did_you_mean(target.key, channel.messages)
            raise entry.error(found, f"a $ref to {channel.id}'s messages", hint)
        yield message


def _reply(reader: Reader, node: Node | None) -> Reply | None:
    if node is None or not isinstance(node.value, dict):
        return None
    address, target = node.get("address"), node.get("channel")
    channel = _channel(reader, target) if target is not None else None
    location = address.text("location") if address is not None else ""
    return Reply(
        address=location or None,
        channel=channel,
        messages=tuple(_messages(node, channel)) if channel is not None else (),
        place=node.place,
    )
