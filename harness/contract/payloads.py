"""Schemas of messages in the languages that ``schemaFormat`` names.

AsyncAPI 3.0, Multi Format Schema Object; AsyncAPI 2.6, Message Object.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.contract.avro import schema_of_avro
from harness.contract.model import Schema
from harness.contract.node import Dialect, Node
from harness.errors import ContractError

OWN_DIALECT: Dialect = "2020-12"
"""AsyncAPI's own dialect is a superset of draft 7; what is written today reads the same in 2020-12."""

AVRO_BINARY = "avro/binary"
"""The content type of an Avro payload whose message does not say one."""

_OLD_DRAFT = re.compile(r"version=draft-0?[4-7]\b")


@dataclass(frozen=True, slots=True)
class Payload:
    """``schema`` is None where there is none to validate with; ``untold`` says why, if it does."""

    schema: Schema | None = None
    format: str = ""
    untold: str = ""


def language_of(format: str) -> str:
    """The language of a ``schemaFormat``: ``asyncapi``, ``openapi``, ``json-schema``, ``avro``, or a name."""
    media = format.partition(";")[0].strip().lower()
    bare = re.sub(r"\+(json|yaml|xml)$", "", media)
    names = {
        "": "asyncapi",
        "application/vnd.aai.asyncapi": "asyncapi",
        "application/vnd.oai.openapi": "openapi",
        "application/schema": "json-schema",
        "application/vnd.apache.avro": "avro",
        "application/raml": "RAML",
        "application/vnd.google.protobuf": "Protocol Buffers",
    }
    return names.get(bare, media)


def payload_of(node: Node | None, format: str = "") -> Payload:
    """A payload, headers or key schema, wrapped with its format (3.x), or of its message's (2.x)."""
    if node is None:
        return Payload(format=format)
    target = node.follow()
    if isinstance(target.value, dict) and "schema" in target.value and "schemaFormat" in target.value:
        format, inner = str(target.value["schemaFormat"]), target.raw("schema")
        if inner is None:
            return Payload(format=format)
        node = inner
    return _read(node, format)


def _read(node: Node, format: str) -> Payload:
    language = language_of(format)
    match language:
        case "asyncapi":
            return Payload(_json_schema(node, OWN_DIALECT), format)
        case "json-schema":
            return Payload(
                _json_schema(node, "draft-07" if _OLD_DRAFT.search(format) else OWN_DIALECT), format
            )
        case "openapi":
            return Payload(_json_schema(node, "openapi-3.0" if "3.1" not in format else OWN_DIALECT), format)
        case "avro":
            try:
                return Payload(schema_of_avro(node), format)
            except ContractError as error:
                return Payload(None, format, f"its Avro schema makes no sense: {error.where}: {error.found}")
    return Payload(None, format, f"its payload is described in {language}, which is not validated here")


def _json_schema(node: Node, dialect: Dialect) -> Schema | None:
    """The schema; None where something stands that is none, which lint reports."""
    return node.schema(dialect) if isinstance(node.value, dict | bool) else None


def content_type_of(format: str, said: str, default: str) -> str:
    """A message's content type: its own, its document's default, else its payload format's."""
    return said or default or (AVRO_BINARY if language_of(format) == "avro" else "application/json")


def untold_of(payload: Payload, content_type: str) -> str:
    """Why payloads on the wire cannot be judged, as a phrase; empty if they can."""
    media = content_type.partition(";")[0].strip().lower()
    if payload.untold:
        return payload.untold
    if language_of(payload.format) == "avro" and "json" not in media:
        return f"its payload travels in Avro's binary encoding ({content_type}), which is not decoded here"
    return ""
