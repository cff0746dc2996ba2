"""The smallest OpenAPI 3.0 document from which Connexion can supply operations and security.

Connexion 3.3 refuses 3.1 and reads 3.0 schemas in ways of its own; so it gets paths, operationIds, content
types and one security scheme that stands for all, and no schema at all: values are checked by validators
compiled from the original. Path-level parameters are never handed over (its list of them grows with every
middleware that reads it). It never routes either, but finds operations by their ids: those whose path or
method a 3.0 document cannot hold stand under paths of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.contract.model import Body, Contract, Operation, Response
from harness.serving.connexion_names import OpenAPISpecification

_METHODS = frozenset(("get", "put", "post", "delete", "options", "head", "patch", "trace"))
_PATH = re.compile(r"(/([^/{}?#]*\{[A-Za-z0-9_.-]+\})*[^/{}?#]*)+")

SCHEME = "portal"
"""The one security scheme; its only "scope" is the operationId, by which the real gate is found."""


class Judged(OpenAPISpecification):  # type: ignore[misc]  # Connexion ships no types
    """Such a document as Connexion's own kind. Its schema is not asked again, nor are references looked for:
    the reader has judged the contract, and ``routable`` writes no other document than this schema allows.
    That was a fifth of a mock's start."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._raw_spec = self._spec = document
        self._base_uri = ""


def routable(contract: Contract) -> dict[str, Any]:
    """An OpenAPI 3.0 document with the contract's operations."""
    paths: dict[str, dict[str, Any]] = {}
    for number, operation in enumerate(contract.operations.values()):
        path, method = operation.path, operation.method.lower()
        if method not in _METHODS or not _PATH.fullmatch(path) or method in paths.get(path, ()):
            path, method = f"/-/{number}", "post"
        paths.setdefault(path, {})[method] = _operation(operation, path)
    return {
        "openapi": "3.0.3",
        "info": {"title": contract.title or contract.service, "version": contract.version or "0"},
        "paths": paths,
        "components": {"securitySchemes": {SCHEME: {"type": "http", "scheme": SCHEME}}},
    }


def _operation(operation: Operation, path: str) -> dict[str, Any]:
    document: dict[str, Any] = {
        "operationId": operation.id,
        "responses": {status: _response(each) for status, each in operation.responses.items()}
        or {"default": {"description": "undocumented"}},
        "security": [{SCHEME: [operation.id]}] if operation.security else [],
    }
    if names := dict.fromkeys(re.findall(r"\{([^{}]+)\}", path)):
        document["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names
        ]
    if operation.body is not None and operation.body.content:
        document["requestBody"] = {"required": operation.body.required, "content": _content(operation.body)}
    return document


def _content(body: Body | Response) -> Mapping[str, Any]:
    return {content_type: {} for content_type in body.content}


def _response(response: Response) -> dict[str, Any]:
    return {"description": response.description or response.status, "content": _content(response)}
