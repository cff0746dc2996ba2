"""Where a contract uses schemas and expressions: the lists that rules go through."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from harness.contract.documents import Documents
from harness.contract.model import Contract, Emission, Message, Operation, Place, Schema
from harness.contract.navigation import child, reference, target
from harness.contract.node import Node
from harness.contract.schema import Direction

_MAPS = ("properties", "patternProperties", "dependentSchemas")
_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "unevaluatedProperties", "contains", "not", "if", "then", "else")


@dataclass(frozen=True, slots=True)
class Use:
    """A schema where it is used; ``role`` is e.g. ``the body`` or ``parameter 'limit'``."""

    operation: str
    role: str
    schema: Schema
    direction: Direction | None


def uses_of(contract: Contract) -> Iterator[Use]:
    """Every schema that a value on the wire, or a component, is held to."""
    for operation in contract.operations.values():
        yield from _uses_of_operation(operation)
    for message in messages_of(contract):
        if message.payload is not None:
            yield Use(message.name, "the payload", message.payload, None)
        if message.headers is not None:
            yield Use(message.name, "the headers", message.headers, None)
        if message.key is not None:
            yield Use(message.name, "the key", message.key, None)
    for name, schema in contract.schemas.items():
        yield Use(name, "the schema", schema, None)


def _uses_of_operation(operation: Operation) -> Iterator[Use]:
    for parameter in operation.parameters:
        yield Use(operation.id, f"parameter '{parameter.name}'", parameter.schema, "request")
    for media in operation.body.content.values() if operation.body else ():
        if media.schema is not None:
            yield Use(operation.id, "the body", media.schema, "request")
    for response in operation.responses.values():
        for header in response.headers.values():
            if header.schema is not None:
                yield Use(operation.id, f"header '{header.name}'", header.schema, "response")
        for media in response.content.values():
            if media.schema is not None:
                yield Use(operation.id, f"the answer {response.status}", media.schema, "response")


def messages_of(contract: Contract) -> Iterator[Message]:
    """Every message of the channels that stand in the contract's own folder, each once."""
    seen: set[Place] = set()
    for channel in contract.channels.values():
        for message in channel.messages.values():
            if message.place not in seen and owns(contract, channel.place):
                seen.add(message.place)
                yield message


def root_of(contract: Contract, kind: Literal["openapi", "asyncapi"]) -> Node | None:
    """The top of the contract's own OpenAPI or AsyncAPI document, or None without one."""
    documents = contract.documents
    if isinstance(documents, Documents):
        for uri, tree in documents.items():  # the contract's own come first
            if isinstance(tree, dict) and kind in tree:
                return Node.at(documents, documents.document(uri))
    return None


def owns(contract: Contract, place: Place) -> bool:
    """Whether a place is in one of the contract's own files rather than in one that it refers to."""
    own = contract.folder.resolve().as_uri() + "/"
    return any(file == place.file and uri.startswith(own) for uri, file in contract.files.items())


def schemas_below(contract: Contract) -> Iterator[Schema]:
    """Every schema that the contract holds or refers to, however deep, each once."""
    seen: set[str] = set()
    waiting = [use.schema for use in uses_of(contract)]
    while waiting:
        schema = waiting.pop()
        if schema.uri in seen:
            continue
        seen.add(schema.uri)
        yield schema
        ref = reference(schema)
        if ref is not None:
            waiting.append(target(schema, ref))
        waiting += _children(schema)


def _children(schema: Schema) -> Iterator[Schema]:
    raw = schema.raw
    if not isinstance(raw, Mapping):
        return
    for word in _MAPS:
        inside = raw.get(word)
        yield from (child(schema, word, name) for name in (inside if isinstance(inside, Mapping) else ()))
    for word in _LISTS:
        inside = raw.get(word)
        yield from (child(schema, word, n) for n in range(len(inside) if isinstance(inside, list) else 0))
    yield from (child(schema, word) for word in _SINGLE if isinstance(raw.get(word), Mapping))


def explicit(emissions: tuple[Emission, ...]) -> Iterator[Emission]:
    """Those that an ``x-emits`` says; the others come from lifecycles."""
    return (each for each in emissions if not each.transitions)
