"""What the operations of AsyncAPI 2.x and 3.x write alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from harness.contract import extensions
from harness.contract.bindings import bindings_of, count, kafka_of, settled, text
from harness.contract.message_parts import (
    Reader,
    channel_servers,
    filled_address,
    on_kafka,
    parameters_of,
    security_of,
    servers_of,
    tags_of,
)
from harness.contract.model import EMPTY, Channel, Message, MessageServer
from harness.contract.node import Node


def channel_of(
    reader: Reader, id_: str, node: Node, address: str | None, messages: Mapping[str, Message]
) -> Channel:
    """The channel that stands at a node; ``address`` as written, None where the contract leaves it open."""
    kafka, parameters, bindings = kafka_of(node), parameters_of(node), bindings_of(node)
    servers = _servers(reader, node)
    names = channel_servers(node, servers)
    configuration = kafka.value.get("topicConfiguration") if kafka is not None else None
    template = text(kafka, "topic") or address
    filled = filled_address(template, parameters) if template is not None else id_
    return Channel(
        id=id_,
        address=filled,
        messages=messages,
        partitions=count(kafka, "partitions") or 1,
        place=node.place,
        template=template,
        parameters=parameters,
        replicas=count(kafka, "replicas"),
        topic_configuration=configuration if isinstance(configuration, dict) else EMPTY,
        servers=names,
        on_kafka=on_kafka(bindings, tuple(servers[each] for each in names if each in servers), filled),
        title=_plain(node, "title"),
        description=_plain(node, "description"),
        bindings=bindings,
    )


def _servers(reader: Reader, channel: Node) -> Mapping[str, MessageServer]:
    """Those of the document that a channel stands in, which is not always the one being read."""
    uri = channel.document.uri
    if uri not in reader.servers:
        top = Node.at(channel.documents, channel.document)
        reader.servers[uri] = dict(servers_of(top, reader.version))
    return reader.servers[uri]


def facts_of(
    reader: Reader,
    id_: str,
    action: Literal["send", "receive"],
    node: Node,
    own: Mapping[str, Channel],
) -> dict[str, Any]:
    """What a ``MessageOperation`` has beside channel, messages and reply; ``node`` has its traits merged."""
    retry, kafka = extensions.read_retry(node), kafka_of(node)
    implied = extensions.implied(reader.lifecycles.values(), id_, None) if action == "receive" else ()
    return {
        "id": id_,
        "action": action,
        "emits": extensions.read_emits(node, None) + implied,
        "attempts": retry.attempts,
        "backoff": retry.backoff,
        "dead_letter": own.get(_plain(node, "x-dead-letter")),
        "group": settled(kafka, "groupId"),
        "client": settled(kafka, "clientId"),
        "summary": _plain(node, "summary"),
        "security": security_of(node, reader.version),
        "title": _plain(node, "title"),
        "description": _plain(node, "description"),
        "tags": tags_of(node),
        "bindings": bindings_of(node),
        "relation": extensions.read_relation(node) if action == "receive" else None,
        "records": extensions.read_records(node) if action == "send" else None,
    }


def _plain(node: Node, key: str) -> str:
    value = node.value.get(key) if isinstance(node.value, dict) else None
    return value if isinstance(value, str) else ""
