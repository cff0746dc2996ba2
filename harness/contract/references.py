"""Every ``$ref`` of a document and of what it refers to leads somewhere; no extension word is misspelt."""

from __future__ import annotations

from collections.abc import Iterator

from harness.contract.extensions import misspelt
from harness.contract.node import Node

_NAMES = frozenset(
    (
        "properties",
        "patternProperties",
        "$defs",
        "definitions",
        "dependentSchemas",
        "dependencies",
        "schemas",
        "responses",
        "parameters",
        "headers",
        "examples",
        "requestBodies",
        "securitySchemes",
        "links",
        "callbacks",
        "pathItems",
        "paths",
        "webhooks",
        "channels",
        "operations",
        "messages",
        "servers",
        "operationTraits",
        "messageTraits",
        "variables",
        "content",
        "encoding",
        "scopes",
        "mapping",
        "correlationIds",
        "replies",
        "replyAddresses",
        "serverVariables",
        "serverBindings",
        "channelBindings",
        "operationBindings",
        "messageBindings",
    )
)
"""Keys under which the keys of a mapping are names that somebody chose, not words of a format."""

_VALUES = frozenset(("example", "default", "const", "enum", "value", "payload"))
"""Keys that hold data; a ``$ref`` or an ``x-…`` in it is part of the data."""

_SCHEMA_WORDS = frozenset(("$ref", "type", "properties", "allOf", "oneOf", "anyOf", "schemaFormat"))


def words(node: Node, named: bool = False) -> Iterator[Node]:
    """Every mapping below a node whose keys are words of the format, examples and other data left out."""
    value = node.value
    if isinstance(value, list):
        for index, each in enumerate(value):
            if isinstance(each, dict | list):
                yield from words(node.child(index))
    if not isinstance(value, dict):
        return
    if not named:
        yield node
    for key, each in value.items():
        if isinstance(each, dict | list) and (named or not _is_data(key, node)):
            yield from words(node.child(key), not named and _names(key, each))


def _is_data(key: str, node: Node) -> bool:
    if key == "examples" and isinstance(node.value[key], list):
        return True
    if key == "payload":  # in a message it is a schema, in a message's example it is data
        return "/examples/" in node.pointer
    return key in _VALUES


def _names(key: str, value: object) -> bool:
    if key == "headers" and isinstance(value, dict) and _SCHEMA_WORDS & value.keys():
        return False  # a message's headers are one schema, a response's are named
    return key in _NAMES


def check_references(root: Node) -> None:
    """Raises ContractError at the first ``$ref`` that leads nowhere or word that is misspelt."""
    checked: set[str] = root.documents.compiled.setdefault("checked", set())
    waiting = [root.document]
    while waiting:
        document = waiting.pop()
        if document.uri in checked:
            continue
        checked.add(document.uri)
        for node in words(Node.at(root.documents, document)):
            _check_words(node)
            if isinstance(node.value.get("$ref"), str):
                place = node.child("$ref").place
                target, _ = root.documents.resolve(document.uri, node.value["$ref"], place)
                waiting.append(target)


def _check_words(node: Node) -> None:
    for key in node.value:
        meant = misspelt(key) if key.lower().startswith("x-") else None
        if meant:
            found = f"'{key}' is not an extension word"
            raise node.child(key).error(found, f"'{meant}'", f"Did you mean '{meant}'? Another name is free")
