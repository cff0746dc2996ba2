"""The smallest OpenAPI 3.0 document from which Connexion can supply operations and security.

Connexion 3.3 refuses 3.1 and reads 3.0 schemas in ways of its own; so it gets paths, operationIds, content
types and one security scheme that stands for all, and no schema at all: values are checked by validators
compiled from the original. Path-level parameters are never handed over (its list of them grows with every
middleware that reads it).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.contract.model import Body, Contract, Operation, Response

SCHEME = "portal"
"""The one security scheme; its only "scope" is the operationId, by which the real gate is found."""


def routable(contract: Contract) -> dict[str, Any]:
    """An OpenAPI 3.0 document with the contract's operations."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in contract.operations.values():
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.0.3",
        "info": {"title": contract.title or contract.service, "version": contract.version or "0"},
        "paths": paths,
        "components": {"securitySchemes": {SCHEME: {"type": "http", "scheme": SCHEME}}},
    }


def _operation(operation: Operation) -> dict[str, Any]:
    document: dict[str, Any] = {
        "operationId": operation.id,
        "responses": {status: _response(each) for status, each in operation.responses.items()}
        or {"default": {"description": "undocumented"}},
        "security": [{SCHEME: [operation.id]}] if operation.security else [],
    }
    if names := [each for each in operation.parameters if each.location == "path"]:
        document["parameters"] = [
            {"name": each.name, "in": "path", "required": True, "schema": {"type": "string"}}
            for each in names
        ]
    if operation.body is not None and operation.body.content:
        document["requestBody"] = {"required": operation.body.required, "content": _content(operation.body)}
    return document


def _content(body: Body | Response) -> Mapping[str, Any]:
    return {content_type: {} for content_type in body.content}


def _response(response: Response) -> dict[str, Any]:
    return {"description": response.description or response.status, "content": _content(response)}
