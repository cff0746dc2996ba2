"""AsyncAPI 3.0 to the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from harness.contract import extensions
from harness.contract.model import (
    EMPTY,
    Channel,
    Lifecycle,
    Message,
    MessageExample,
    MessageOperation,
    Schema,
)
from harness.contract.nearest import did_you_mean
from harness.contract.node import Dialect, Node

_DIALECT: Dialect = "2020-12"
"""AsyncAPI's own dialect is a superset of draft 7; what is written today reads the same in 2020-12."""

_FOREIGN_FORMATS = ("avro", "protobuf", "raml")


@dataclass(frozen=True, slots=True)
class Messaging:
    """What an AsyncAPI document says."""

    title: str = ""
    version: str = ""
    channels: Mapping[str, Channel] = EMPTY
    operations: Mapping[str, MessageOperation] = EMPTY
    schemas: Mapping[str, Schema] = EMPTY


class _Reader:
    """Channels are read once each, so that the same one is the same object everywhere."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self.channels: dict[str, Channel] = {}

    def channel(self, node: Node) -> Channel:
        node = node.follow()
        if node.uri not in self.channels:
            messages, bindings = node.get("messages"), _kafka(node)
            address = (bindings.text("topic") if bindings else "") or node.text("address", node.key)
            partitions = bindings.mapping().get("partitions", 1) if bindings else 1
            if not isinstance(partitions, int) or isinstance(partitions, bool) or partitions < 1:
                raise node.error(f"'partitions' is {partitions!r}", "a whole number from 1")
            self.channels[node.uri] = Channel(
                id=node.key,
                address=address,
                messages={name: _message(self.root, each.follow(), name) for name, each in messages.items()}
                if messages
                else EMPTY,
                partitions=partitions,
                place=node.place,
            )
        return self.channels[node.uri]


def read_asyncapi(root: Node, lifecycles: Mapping[str, Lifecycle]) -> Messaging:
    """An AsyncAPI document, followed through its ``$ref``s; ``lifecycles`` are the service's. Raises
    ContractError."""
    version = root.text("asyncapi")
    if not version.startswith("3."):
        where = root.raw("asyncapi") or root
        raise where.error(f"AsyncAPI version '{version or 'none'}'", "asyncapi: 3.0.0")
    reader, info = _Reader(root), root.get("info")
    channels, operations, components = root.get("channels"), root.get("operations"), root.get("components")
    schemas = components.get("schemas") if components else None
    own = {id_: reader.channel(node) for id_, node in channels.items()} if channels else {}
    return Messaging(
        title=info.text("title") if info else "",
        version=info.text("version") if info else "",
        channels=own,
        operations={
            id_: _operation(reader, id_, node.follow(), own, lifecycles) for id_, node in operations.items()
        }
        if operations
        else {},
        schemas=dict(_schemas(schemas)) if schemas else {},
    )


def _schemas(listed: Node) -> Iterator[tuple[str, Schema]]:
    for name, node in listed.items():
        schema = _payload(node)
        if schema is not None:
            yield name, schema


def _kafka(node: Node) -> Node | None:
    bindings = node.get("bindings")
    return bindings.get("kafka") if bindings else None


def _field(node: Node, key: str) -> Node | None:
    """A field of a message or operation, its ``$ref`` kept; else that of its first trait that has it."""
    own = node.raw(key)
    traits = node.raw("traits")
    if own is None and traits is not None:
        for trait in traits.entries():
            own = own or trait.follow().raw(key)
    return own


def _payload(node: Node | None) -> Schema | None:
    """A schema, or a schema wrapped with its format; None for formats that are not JSON Schema."""
    if node is None:
        return None
    target = node.follow()
    if isinstance(target.value, dict) and "schemaFormat" in target.value:
        if any(name in target.text("schemaFormat") for name in _FOREIGN_FORMATS):
            return None
        inner = target.raw("schema")
        openapi = "openapi" in target.text("schemaFormat")
        return inner.schema("openapi-3.0" if openapi else _DIALECT) if inner else None
    return node.schema(_DIALECT)


def _message(root: Node, node: Node, name: str) -> Message:
    bindings, correlation = _field(node, "bindings"), _field(node, "correlationId")
    kafka = bindings.follow().get("kafka") if bindings else None
    content_type = _field(node, "contentType") or root.raw("defaultContentType")
    subject = _field(node, "x-subject")
    return Message(
        name=name,
        payload=_payload(_field(node, "payload")),
        headers=_payload(_field(node, "headers")),
        key=_payload(kafka.raw("key")) if kafka else None,
        content_type=str(content_type.value) if content_type else "application/json",
        correlation=correlation.follow().text("location") or None if correlation else None,
        subject=str(subject.value) if subject else None,
        examples=tuple(_examples(node)),
        title=node.text("title") or node.text("name"),
        place=node.place,
    )


def _examples(message: Node) -> Iterator[MessageExample]:
    listed = _field(message, "examples")
    for index, node in enumerate(listed.entries() if listed else ()):
        headers = node.raw("headers")
        yield MessageExample(
            name=node.text("name", str(index)),
            payload=node.mapping().get("payload"),
            headers=headers.mapping() if headers else EMPTY,
            place=node.place,
        )


def _operation(
    reader: _Reader,
    id_: str,
    node: Node,
    own: Mapping[str, Channel],
    lifecycles: Mapping[str, Lifecycle],
) -> MessageOperation:
    action, target = node.text("action"), node.get("channel")
    if action not in ("send", "receive") or target is None:
        found = f"operation '{id_}' has action '{action}' and {'a' if target else 'no'} channel"
        raise node.error(found, "action: send or receive, and a channel")
    channel, retry = reader.channel(target), extensions.read_retry(node)
    implied = extensions.implied(lifecycles.values(), id_, None) if action == "receive" else ()
    return MessageOperation(
        id=id_,
        action=cast(Literal["send", "receive"], action),
        channel=channel,
        messages=tuple(_messages(node, channel)),
        emits=extensions.read_emits(node, None) + implied,
        attempts=retry.attempts,
        backoff=retry.backoff,
        dead_letter=_dead_letter(node, own),
        group=_group(node),
        summary=node.text("summary"),
        place=node.place,
    )


def _messages(node: Node, channel: Channel) -> Iterator[Message]:
    """Those that the operation names, each as its channel's; all of the channel's if it names none."""
    listed = node.raw("messages")
    if listed is None:
        yield from channel.messages.values()
        return
    for entry in listed.entries():
        place = entry.follow().place
        message = next((each for each in channel.messages.values() if each.place == place), None)
        if message is None:
            found = f"operation '{node.key}' has a message that its channel '{channel.id}' does not list"
            hint = did_you_mean(entry.follow().key, channel.messages)
            raise entry.error(found, f"a $ref to {channel.id}'s messages", hint)
        yield message


def _group(node: Node) -> str | None:
    bindings = _field(node, "bindings")
    kafka = bindings.follow().get("kafka") if bindings else None
    schema = kafka.get("groupId") if kafka else None
    if schema is None or not isinstance(schema.value, dict):
        return None
    values = [schema.value.get("const"), *(schema.value.get("enum") or ()), schema.value.get("default")]
    return next((str(value) for value in values if value is not None), None)


def _dead_letter(node: Node, own: Mapping[str, Channel]) -> Channel | None:
    """The channel that ``x-dead-letter`` names; None if there is none (which lint reports)."""
    return own.get(node.text("x-dead-letter"))
