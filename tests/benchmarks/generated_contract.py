"""An OpenAPI contract of any size, made as large ones are: resources, their operations and schemas."""

from __future__ import annotations

import json
from typing import Any

from harness.contract.documents import yaml_of

SCHEMAS_A_RESOURCE = 10
OPERATIONS_A_RESOURCE = 4
EMBEDDED = 5
"""Resources that hold one another in a row, before one holds none."""

_PROBLEM = {"$ref": "#/components/responses/Problem"}


def contract(operations: int, fmt: str = "yaml") -> str:
    """A contract of that many operations, a multiple of 4, with 2.5 times as many schemas."""
    tree = _tree(operations // OPERATIONS_A_RESOURCE)
    if fmt == "json":
        return json.dumps(tree, indent=1)
    return yaml_of(tree)


def _tree(resources: int) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for number in range(resources):
        paths.update(_paths(f"Thing{number}", f"/things{number}"))
        schemas.update(_schemas(f"Thing{number}", number))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Generated", "version": "1.0.0", "description": "As large as is asked."},
        "servers": [{"url": "/v1"}],
        "security": [{"token": ["things.read", "things.write"]}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "oauth2",
                    "flows": {
                        "clientCredentials": {
                            "tokenUrl": "https://example.org/token",
                            "scopes": {"things.read": "read", "things.write": "write"},
                        }
                    },
                }
            },
            "responses": {
                "Problem": {
                    "description": "Refused",
                    "content": {
                        "application/problem+json": {"schema": {"$ref": "#/components/schemas/Thing0Problem"}}
                    },
                }
            },
            "schemas": schemas,
        },
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(schema: Any, example: Any = None) -> dict[str, Any]:
    media: dict[str, Any] = {"schema": schema}
    if example is not None:
        media["examples"] = {"usual": {"value": example}}
    return {"content": {"application/json": media}}


def _paths(name: str, path: str) -> dict[str, Any]:
    key = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "maxLength": 40}}
    limit = {
        "name": "limit",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
    }
    state = {"name": "state", "in": "query", "schema": _ref(f"{name}State")}
    thing = _example(name)
    return {
        path: {
            "get": {
                "operationId": f"list{name}",
                "summary": f"List every {name}",
                "parameters": [limit, state],
                "responses": {
                    "200": {
                        "description": "One page",
                        **_json(_ref(f"{name}Page"), {"items": [thing], "total": 1}),
                    },
                    "400": _PROBLEM,
                },
            },
            "post": {
                "operationId": f"create{name}",
                "summary": f"Make a {name}",
                "requestBody": {
                    "required": True,
                    **_json(_ref(f"{name}Draft"), {"title": "a title", "state": "open"}),
                },
                "responses": {"201": {"description": "Made", **_json(_ref(name), thing)}, "422": _PROBLEM},
            },
        },
        f"{path}/{{id}}": {
            "parameters": [key],
            "get": {
                "operationId": f"read{name}",
                "summary": f"Read one {name}",
                "responses": {"200": {"description": "It", **_json(_ref(name), thing)}, "404": _PROBLEM},
            },
            "patch": {
                "operationId": f"change{name}",
                "summary": f"Change a {name}",
                "requestBody": {"required": True, **_json(_ref(f"{name}Change"), {"title": "another"})},
                "responses": {"200": {"description": "Changed", **_json(_ref(name), thing)}, "409": _PROBLEM},
            },
        },
    }


def _example(name: str) -> dict[str, Any]:
    return {
        "id": f"{name.lower()}-1",
        "state": "open",
        "title": "a title",
        "notes": [{"text": "noted", "by": {"id": "p-1", "kind": "person"}}],
        "made": "2031-03-03T09:00:00Z",
    }


def _schemas(name: str, number: int) -> dict[str, Any]:
    return {**_of_a_thing(name, number), **_of_its_parts(name)}


_TEXT = {"type": "string", "minLength": 1, "maxLength": 200}
_TIME = {"type": "string", "format": "date-time"}


def _of_a_thing(name: str, number: int) -> dict[str, Any]:
    """What is stored, and what is sent to store, change and list it."""
    held = {"next": _ref(f"Thing{number - 1}")} if number % EMBEDDED else {}
    state, notes = _ref(f"{name}State"), {"type": "array", "items": _ref(f"{name}Note")}
    return {
        name: {
            "description": f"A {name}, as it is stored.",
            "allOf": [_ref(f"{name}Draft")],
            "type": "object",
            "required": ["id", "state", "title", "made"],
            "properties": {
                "id": {"type": "string", "pattern": "^[a-z0-9]+-[0-9]+$", "readOnly": True},
                "made": {**_TIME, "readOnly": True},
                "tree": _ref(f"{name}Tree"),
                "owner": _ref(f"{name}Person"),
                **held,
            },
        },
        f"{name}Draft": {
            "type": "object",
            "required": ["title"],
            "properties": {"title": _TEXT, "state": state, "notes": notes},
        },
        f"{name}Change": {
            "type": "object",
            "minProperties": 1,
            "properties": {"title": _TEXT, "state": state, "owner": _ref(f"{name}Person")},
            "additionalProperties": False,
        },
        f"{name}Page": {
            "type": "object",
            "required": ["items", "total"],
            "properties": {
                "items": {"type": "array", "maxItems": 100, "items": _ref(name)},
                "total": {"type": "integer", "minimum": 0},
                "next": {"type": ["string", "null"]},
            },
        },
    }


def _of_its_parts(name: str) -> dict[str, Any]:
    team = {"type": "object", "required": ["team"], "properties": {"team": _TEXT}}
    return {
        f"{name}State": {"type": "string", "enum": ["open", "waiting", "closed"]},
        f"{name}Note": {
            "type": "object",
            "required": ["text"],
            "properties": {"text": _TEXT, "by": _ref(f"{name}Who"), "at": _TIME},
        },
        f"{name}Who": {"oneOf": [_ref(f"{name}Person"), team]},
        f"{name}Person": {
            "type": "object",
            "required": ["id", "kind"],
            "properties": {
                "id": _TEXT,
                "kind": {"const": "person"},
                "email": {"type": "string", "format": "email"},
            },
        },
        f"{name}Tree": {
            "type": "object",
            "properties": {"label": _TEXT, "below": {"type": "array", "items": _ref(f"{name}Tree")}},
        },
        f"{name}Problem": {
            "type": "object",
            "required": ["type", "title", "status"],
            "properties": {
                "type": {"type": "string", "format": "uri-reference"},
                "title": _TEXT,
                "status": {"type": "integer"},
            },
        },
    }
