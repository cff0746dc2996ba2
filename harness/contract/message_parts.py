"""What AsyncAPI 2.x and 3.x write alike: messages, their examples, servers, security, parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from harness.contract.avro import schema_of_avro
from harness.contract.bindings import bindings_of, is_avro, kafka_of, text
from harness.contract.model import (
    EMPTY,
    Channel,
    ChannelParameter,
    Lifecycle,
    Message,
    MessageExample,
    MessageOperation,
    MessageServer,
    Schema,
    SecurityNeeds,
    SecurityScheme,
)
from harness.contract.node import Node
from harness.contract.payloads import OWN_DIALECT, content_type_of, payload_of, untold_of
from harness.contract.traits import with_traits
from harness.contract.validation import compile_schema
from harness.errors import ContractError

KAFKA = ("kafka", "kafka-secure")
"""The protocols of Kafka servers (AsyncAPI, Server Object)."""

TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}\Z")
"""A legal name of a Kafka topic (org.apache.kafka.common.internals.Topic)."""

PLACEHOLDER = re.compile(r"\{([^{}]+)\}")
"""A parameter of a channel's address, or a variable of a server's."""


@dataclass(frozen=True, slots=True)
class Messaging:
    """What an AsyncAPI document says."""

    title: str = ""
    version: str = ""
    channels: Mapping[str, Channel] = EMPTY
    operations: Mapping[str, MessageOperation] = EMPTY
    schemas: Mapping[str, Schema] = EMPTY
    servers: Mapping[str, MessageServer] = EMPTY
    security_schemes: Mapping[str, SecurityScheme] = EMPTY


@dataclass(slots=True)
class Reader:
    """One document being read. Channels and messages are read once each, so that the same one is the same
    object everywhere; ``version`` is AsyncAPI's major one."""

    root: Node
    version: int
    lifecycles: Mapping[str, Lifecycle] = field(default=EMPTY)
    channels: dict[str, Channel] = field(default_factory=dict)
    messages: dict[tuple[str, str], Message] = field(default_factory=dict)
    servers: dict[str, Mapping[str, MessageServer]] = field(default_factory=dict)

    def message(self, node: Node, name: str) -> Message:
        """The message that a node is or leads to, under a name."""
        node = node.follow()
        if (node.uri, name) not in self.messages:
            self.messages[node.uri, name] = _message(self, node, name)
        return self.messages[node.uri, name]


def _message(reader: Reader, node: Node, name: str) -> Message:
    whole = with_traits(node, reader.version)
    kafka, correlation = kafka_of(whole), whole.get("correlationId")
    payload = payload_of(whole.raw("payload"), _text(whole, "schemaFormat") if reader.version < 3 else "")
    default = _text(reader.root, "defaultContentType")
    content_type = content_type_of(payload.format, _text(whole, "contentType"), default)
    return Message(
        name=name,
        payload=payload.schema,
        headers=payload_of(whole.raw("headers")).schema,
        key=key_of(kafka, reader.version),
        content_type=content_type,
        correlation=_text(correlation, "location") or None if correlation else None,
        subject=_text(whole, "x-subject") or None,
        examples=tuple(_examples(whole)),
        title=_text(whole, "title") or _text(whole, "name"),
        place=node.place,
        id=_text(whole, "messageId"),
        format=payload.format,
        untold=untold_of(payload, content_type),
        summary=_text(whole, "summary"),
        deprecated=whole.flag("deprecated"),
        tags=tags_of(whole),
        bindings=bindings_of(whole),
    )


def _text(node: Node, key: str) -> str:
    """The text under a key; empty where something else stands, which lint reports."""
    value = node.value.get(key) if isinstance(node.value, dict) else None
    return value if isinstance(value, str) else ""


def key_of(kafka: Node | None, version: int) -> Schema | None:
    """The Kafka binding's key schema, which may be Avro's.

    None where it makes no sense in 2.x, whose bindings are free; lint warns of it.
    """
    key = kafka.raw("key") if kafka is not None else None
    if key is None:
        return None
    try:
        schema = schema_of_avro(key) if is_avro(key) else payload_of(key).schema
        if version < 3 and schema is not None:
            compile_schema(schema)
    except ContractError:
        return None
    return schema


def _examples(message: Node) -> Iterator[MessageExample]:
    """Those of the documented form: of 2.0's free maps, the ones that speak of payload or headers."""
    listed = message.raw("examples")
    for index, node in enumerate(listed.entries() if listed and isinstance(listed.value, list) else ()):
        value = node.value if isinstance(node.value, dict) else {}
        headers = value.get("headers")
        if "payload" in value or isinstance(headers, dict):
            yield MessageExample(
                name=_text(node, "name") or str(index),
                payload=value.get("payload"),
                headers=headers if isinstance(headers, dict) else EMPTY,
                place=node.place,
                summary=_text(node, "summary"),
                has_payload="payload" in value,
            )


def tags_of(owner: Node) -> tuple[str, ...]:
    listed = owner.raw("tags")
    found = (
        each.follow() for each in (listed.entries() if listed and isinstance(listed.value, list) else ())
    )
    return tuple(_text(each, "name") for each in found if _text(each, "name"))


def schemas_of(root: Node) -> Iterator[tuple[str, Schema]]:
    """The component schemas that are, or can be read as, JSON Schema."""
    components = root.get("components")
    listed = components.get("schemas") if components else None
    for name, node in listed.items() if listed and isinstance(listed.value, dict) else ():
        schema = payload_of(node).schema
        if schema is not None:
            yield name, schema


def parameters_of(owner: Node) -> dict[str, ChannelParameter]:
    """A channel's parameters: 3.x says the values themselves, 2.x in a schema."""
    listed = owner.get("parameters")
    found = {}
    for name, entry in listed.items() if listed and isinstance(listed.value, dict) else ():
        node = entry.follow()
        if isinstance(node.value, dict):
            found[name] = _parameter(name, node)
    return found


def _parameter(name: str, node: Node) -> ChannelParameter:
    schema = node.raw("schema")
    said = schema.follow().value if schema is not None else node.value
    said = said if isinstance(said, dict) else {}
    default, choices, examples = said.get("default"), said.get("enum"), said.get("examples")
    return ChannelParameter(
        name=name,
        schema=schema.schema(OWN_DIALECT) if schema is not None else _texts_schema(node),
        choices=_texts(choices),
        default=str(default) if isinstance(default, str | int | float) else None,
        examples=_texts(examples),
        location=_text(node, "location") or None,
        description=_text(node, "description"),
        place=node.place,
    )


def _texts_schema(node: Node) -> Schema | None:
    """3.x's parameter with an ``enum``, which is a schema as it stands."""
    return node.schema(OWN_DIALECT) if isinstance(node.value.get("enum"), list) else None


def _texts(listed: object) -> tuple[str, ...]:
    values = listed if isinstance(listed, list) else []
    return tuple(str(each) for each in values if isinstance(each, str | int | float))


def servers_of(root: Node, version: int) -> Iterator[tuple[str, MessageServer]]:
    listed = root.get("servers")
    for name, entry in listed.items() if listed and isinstance(listed.value, dict) else ():
        node = entry.follow()
        if isinstance(node.value, dict):
            yield name, _server(name, node, version)


def _server(name: str, node: Node, version: int) -> MessageServer:
    address = _text(node, "host" if version >= 3 else "url")
    host, pathname = _filled(node, address), _filled(node, _text(node, "pathname"))
    if version < 3:  # a URL, often without its scheme
        host = host.partition("://")[2] or host
        host, slash, path = host.partition("/")
        pathname = slash + path
    kafka = kafka_of(node)
    return MessageServer(
        name=name,
        host=host,
        protocol=_text(node, "protocol"),
        pathname=pathname,
        security=security_of(node, version),
        registry=text(kafka, "schemaRegistryUrl"),
        vendor=text(kafka, "schemaRegistryVendor"),
        description=_text(node, "description"),
        tags=tags_of(node),
        bindings=bindings_of(node),
        place=node.place,
    )


def _filled(server: Node, address: str) -> str:
    variables = server.get("variables")
    for name, entry in variables.items() if variables and isinstance(variables.value, dict) else ():
        said = entry.follow().value
        said = said if isinstance(said, dict) else {}
        value = said.get("default", next(iter(_texts(said.get("enum"))), None))
        address = address.replace(f"{{{name}}}", str(value)) if value is not None else address
    return address


def security_of(owner: Node, version: int) -> SecurityNeeds:
    """The alternatives of a server or operation: 2.x names schemes, 3.x refers to them or holds them."""
    listed = owner.raw("security")
    entries = list(listed.entries()) if listed is not None and isinstance(listed.value, list) else []
    if version < 3:
        written = [each.value for each in entries if isinstance(each.value, dict)]
        return tuple({name: _texts(scopes) for name, scopes in each.items()} for each in written)
    found = []
    for entry in entries:
        node = entry.follow()
        if isinstance(node.value, dict):
            name = node.key if not node.key.isdecimal() else _text(node, "type")
            found.append({name: _texts(node.value.get("scopes"))})
    return tuple(found)


def security_schemes_of(root: Node) -> Iterator[tuple[str, SecurityScheme]]:
    components = root.get("components")
    listed = components.get("securitySchemes") if components else None
    for name, entry in listed.items() if listed and isinstance(listed.value, dict) else ():
        node = entry.follow()
        if isinstance(node.value, dict):
            yield (
                name,
                SecurityScheme(
                    name=name,
                    kind=_text(node, "type"),
                    scheme=_text(node, "scheme").lower(),
                    location=_text(node, "in"),
                    parameter=_text(node, "name"),
                    scopes=tuple(_scopes(node)),
                    place=entry.place,
                ),
            )


def _scopes(scheme: Node) -> Iterator[str]:
    """What OAuth flows offer: ``scopes`` in 2.x, ``availableScopes`` in 3.x; each once."""
    flows = scheme.value.get("flows")
    offered = [
        flow.get(word)
        for flow in (flows.values() if isinstance(flows, dict) else ())
        for word in ("scopes", "availableScopes")
        if isinstance(flow, dict)
    ]
    yield from dict.fromkeys(name for each in offered if isinstance(each, dict) for name in each)


def channel_servers(channel: Node, servers: Mapping[str, MessageServer]) -> tuple[str, ...]:
    """The names of the servers that a channel is on; all of the document's where it does not say."""
    listed = channel.raw("servers")
    if listed is None or not isinstance(listed.value, list) or not listed.value:
        return tuple(servers)
    names = (each.value if isinstance(each.value, str) else each.follow().key for each in listed.entries())
    return tuple(str(name) for name in names)


def on_kafka(bindings: Mapping[str, object], used: tuple[MessageServer, ...], address: str) -> bool:
    """Whether a channel is, or may be, a Kafka topic: it says so, or nothing says otherwise."""
    if "kafka" in bindings:
        return True
    if used:
        return any(each.protocol.lower() in KAFKA for each in used)
    return not bindings and TOPIC.match(address) is not None


def filled_address(template: str, parameters: Mapping[str, ChannelParameter]) -> str:
    """An address with a value for each parameter: what the contract offers, else the parameter's name.

    In what would be a Kafka topic, the first value that may stand in one.
    """
    topical = TOPIC.match(PLACEHOLDER.sub("x", template)) is not None

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        offered = parameters[name].offered if name in parameters else ()
        fitting = (each for each in offered if not topical or TOPIC.match(each))
        return next(fitting, name)

    return PLACEHOLDER.sub(value, template)
