"""What stands where in OpenAPI 3.x, AsyncAPI 2.x and 3.x and Arazzo 1.x: which keys hold objects of a format,
which hold names that somebody chose, and which hold data.

A *kind* names an object (``operation``). ``[kind]`` is a list of them, ``{kind}`` a mapping from names to
them. A key that an object's table does not list holds data: whatever looks like a ``$ref`` there is part of
the data (an example, a default, an ``x-`` extension). Sources: the objects' sections of each specification;
JSON Schema 2020-12 with the keywords of the drafts before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from harness.contract.model import JSON

Format = Literal["openapi", "asyncapi2", "asyncapi3", "arazzo"]
Table = Mapping[str, Mapping[str, str]]

ANY = "*"
"""In a table: any key that it does not list and that begins with no ``x-``."""

_SCHEMA = "allOf anyOf oneOf prefixItems"
_SUBSCHEMA = (
    "not if then else items additionalItems contains propertyNames additionalProperties "
    "unevaluatedProperties unevaluatedItems contentSchema"
)
_SCHEMAS = "properties patternProperties dependentSchemas dependencies $defs definitions"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")


def _keys(words: str, kind: str) -> dict[str, str]:
    return dict.fromkeys(words.split(), kind)


_COMMON: Table = {
    "schema": {
        **_keys(_SCHEMA, "[schema]"),
        **_keys(_SUBSCHEMA, "schema"),
        **_keys(_SCHEMAS, "{schema}"),
        "discriminator": "discriminator",
        "xml": "plain",
        "externalDocs": "plain",
        "x-lifecycle": "lifecycle",
    },
    "discriminator": {},
    "plain": {},
    "foreign": {},
    "shown": {},
    "server": {"variables": "{serverVariable}", "security": "[securityScheme]", "tags": "[tag]"},
    "serverVariable": {},
    "tag": {"externalDocs": "plain"},
    "lifecycle": {"states": "{state}", "transitions": "[plain]"},
    "state": {},
}

SHOWN = "shown"
"""An example's value: data, but see ``kept_elsewhere``."""

_EXAMPLES = {"example": SHOWN, "examples": "{example}"}

_OPENAPI: Table = {
    **_COMMON,
    "document": {
        "info": "info",
        "servers": "[server]",
        "paths": "paths",
        "webhooks": "{pathItem}",
        "components": "components",
        "tags": "[tag]",
        "externalDocs": "plain",
    },
    "info": {"contact": "plain", "license": "plain"},
    "paths": {ANY: "pathItem"},
    "components": {
        "schemas": "{schema}",
        "responses": "{response}",
        "parameters": "{parameter}",
        "examples": "{example}",
        "requestBodies": "{requestBody}",
        "headers": "{header}",
        "securitySchemes": "{securityScheme}",
        "links": "{link}",
        "callbacks": "{callback}",
        "pathItems": "{pathItem}",
        "mediaTypes": "{mediaType}",
    },
    "pathItem": {
        **dict.fromkeys(METHODS, "operation"),
        "additionalOperations": "{operation}",
        "servers": "[server]",
        "parameters": "[parameter]",
    },
    "operation": {
        "externalDocs": "plain",
        "parameters": "[parameter]",
        "requestBody": "requestBody",
        "responses": "responses",
        "callbacks": "{callback}",
        "servers": "[server]",
        "x-emits": "[plain]",
        "x-access": "plain",
    },
    "responses": {ANY: "response"},
    "parameter": {"schema": "schema", "content": "{mediaType}"} | _EXAMPLES,
    "header": {"schema": "schema", "content": "{mediaType}"} | _EXAMPLES,
    "requestBody": {"content": "{mediaType}"},
    "response": {"headers": "{header}", "content": "{mediaType}", "links": "{link}"},
    "mediaType": {
        "schema": "schema",
        "itemSchema": "schema",
        **_EXAMPLES,
        "encoding": "{encoding}",
        "prefixEncoding": "[encoding]",
        "itemEncoding": "encoding",
    },
    "encoding": {"headers": "{header}", "encoding": "{encoding}"},
    "example": {"value": SHOWN},
    "callback": {ANY: "pathItem"},
    "link": {"server": "server"},
    "securityScheme": {"flows": "flows"},
    "flows": {ANY: "plain"},
}

_ASYNCAPI: Table = {
    **_COMMON,
    "info": {"contact": "plain", "license": "plain", "tags": "[tag]", "externalDocs": "externalDocs"},
    "tag": {"externalDocs": "externalDocs"},
    "externalDocs": {},
    "server": {**_COMMON["server"], "bindings": "bindings", "externalDocs": "externalDocs"},
    "bindings": {ANY: "binding"},
    "binding": {**_keys("key query headers groupId clientId", "schema"), "method": "plain"},
    "parameter": {"schema": "schema"},
    "message": {
        "headers": "payload",
        "payload": "payload",
        "correlationId": "correlationId",
        "tags": "[tag]",
        "externalDocs": "externalDocs",
        "bindings": "bindings",
        "traits": "[messageTrait]",
    },
    "messageTrait": {
        "headers": "payload",
        "correlationId": "correlationId",
        "tags": "[tag]",
        "externalDocs": "externalDocs",
        "bindings": "bindings",
    },
    "operationTrait": {
        "security": "[securityScheme]",
        "tags": "[tag]",
        "externalDocs": "externalDocs",
        "bindings": "bindings",
    },
    "correlationId": {},
    "securityScheme": {"flows": "flows"},
    "flows": {ANY: "plain"},
}

_SHARED_COMPONENTS = {
    "schemas": "{payload}",
    "servers": "{server}",
    "serverVariables": "{serverVariable}",
    "messages": "{message}",
    "securitySchemes": "{securityScheme}",
    "parameters": "{parameter}",
    "correlationIds": "{correlationId}",
    "operationTraits": "{operationTrait}",
    "messageTraits": "{messageTrait}",
    "serverBindings": "{bindings}",
    "channelBindings": "{bindings}",
    "operationBindings": "{bindings}",
    "messageBindings": "{bindings}",
}

_ASYNCAPI2: Table = {
    **_ASYNCAPI,
    "document": {
        "info": "info",
        "servers": "{server}",
        "channels": "{channel}",
        "components": "components",
        "tags": "[tag]",
        "externalDocs": "externalDocs",
    },
    "components": {**_SHARED_COMPONENTS, "channels": "{channel}"},
    "channel": {
        "subscribe": "operation",
        "publish": "operation",
        "parameters": "{parameter}",
        "bindings": "bindings",
    },
    "operation": {**_ASYNCAPI["operationTrait"], "security": "", "traits": "[operationTrait]"}
    | {
        "message": "message",
        "x-emits": "[plain]",
        "x-retry": "plain",
        "x-relation": "plain",
        "x-records": "plain",
    },
    "message": {**_ASYNCAPI["message"], "oneOf": "[message]"},
    "operationTrait": {**_ASYNCAPI["operationTrait"], "security": ""},
    "server": {**_ASYNCAPI["server"], "security": ""},
}

_ASYNCAPI3: Table = {
    **_ASYNCAPI,
    "document": {
        "info": "info",
        "servers": "{server}",
        "channels": "{channel}",
        "operations": "{operation}",
        "components": "components",
    },
    "components": {
        **_SHARED_COMPONENTS,
        "channels": "{channel}",
        "operations": "{operation}",
        "replies": "{reply}",
        "replyAddresses": "{replyAddress}",
        "externalDocs": "{externalDocs}",
        "tags": "{tag}",
    },
    "channel": {
        "messages": "{message}",
        "servers": "[server]",
        "parameters": "{parameter}",
        "tags": "[tag]",
        "externalDocs": "externalDocs",
        "bindings": "bindings",
    },
    "operation": {
        **_ASYNCAPI["operationTrait"],
        "channel": "channel",
        "messages": "[message]",
        "traits": "[operationTrait]",
        "reply": "reply",
        "x-emits": "[plain]",
        "x-retry": "plain",
        "x-relation": "plain",
        "x-records": "plain",
    },
    "reply": {"address": "replyAddress", "channel": "channel", "messages": "[message]"},
    "replyAddress": {},
}

_ARAZZO: Table = {
    **_COMMON,
    "document": {
        "info": "plain",
        "sourceDescriptions": "[plain]",
        "workflows": "[workflow]",
        "components": "components",
    },
    "workflow": {
        "inputs": "schema",
        "steps": "[step]",
        "parameters": "[parameter]",
        "successActions": "[action]",
        "failureActions": "[action]",
    },
    "step": {
        "parameters": "[parameter]",
        "requestBody": "plain",
        "successCriteria": "[plain]",
        "onSuccess": "[action]",
        "onFailure": "[action]",
    },
    "parameter": {},
    "action": {"criteria": "[plain]"},
    "components": {
        "inputs": "{schema}",
        "parameters": "{parameter}",
        "successActions": "{action}",
        "failureActions": "{action}",
    },
}

TABLES: Mapping[Format, Table] = {
    "openapi": _OPENAPI,
    "asyncapi2": _ASYNCAPI2,
    "asyncapi3": _ASYNCAPI3,
    "arazzo": _ARAZZO,
}

NAMED = frozenset(
    key
    for table in TABLES.values()
    for keys in table.values()
    for key, kind in keys.items()
    if kind.startswith("{")
)
"""Keys under which the keys of a mapping are names that somebody chose, ``x-…`` among them."""

_FOREIGN = ("avro", "protobuf", "raml")
"""What a ``schemaFormat`` says of schemas that are no JSON Schema: their insides are data to us."""


def kept_elsewhere(example: JSON) -> bool:
    """Whether an example's value may be in another file: all of it is a ``$ref`` that leaves the document.

    By the specification it is data even so; but so many keep their examples, long before it offered
    ``externalValue``. It is followed if something is there.
    """
    reference = example.get("$ref") if isinstance(example, dict) and len(example) == 1 else None
    return isinstance(reference, str) and reference != "" and not reference.startswith("#")


def format_of(tree: JSON) -> Format | None:
    """Which format a whole document is of, or None for a fragment."""
    if not isinstance(tree, dict):
        return None
    if "openapi" in tree:
        return "openapi"
    if "asyncapi" in tree:
        return "asyncapi2" if str(tree["asyncapi"]).startswith("2") else "asyncapi3"
    return "arazzo" if "arazzo" in tree else None


def inside(table: Table, kind: str, value: JSON) -> Iterator[tuple[str | int, str]]:
    """Key and kind of every entry of a value of some kind that is no data."""
    if isinstance(value, list):
        entry = kind[1:-1] if kind.startswith("[") else kind if kind == "schema" else ""
        if entry:
            yield from ((index, entry) for index in range(len(value)))
        return
    if not isinstance(value, dict) or kind.startswith("["):
        return
    if kind.startswith("{"):
        yield from ((key, kind[1:-1]) for key in value)
    elif kind == "payload":
        yield from _payload(table, value)
    else:
        keys = table[kind]
        if kind == "message" and _is_foreign(value) and not _says_its_format(value.get("payload")):
            keys = {**keys, "payload": "foreign"}  # AsyncAPI 2.x, Message Object: it speaks of the payload
        any_other = keys.get(ANY, "")
        for key in value:
            found = keys.get(key, "" if key.startswith("x-") else any_other)
            if found:
                yield key, found


def _payload(table: Table, value: dict[str, JSON]) -> Iterator[tuple[str | int, str]]:
    """AsyncAPI, Multi Format Schema Object: ``schema`` is what ``schemaFormat`` says; else a schema."""
    if "schemaFormat" not in value:
        yield from inside(table, "schema", value)
    elif "schema" in value:
        yield "schema", "foreign" if _is_foreign(value) else "schema"


def _says_its_format(payload: JSON) -> bool:
    return isinstance(payload, dict) and "schemaFormat" in payload


def _is_foreign(value: dict[str, JSON]) -> bool:
    return any(name in str(value.get("schemaFormat", "")).lower() for name in _FOREIGN)
