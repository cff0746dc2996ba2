"""Parameters as text in a URL or a header (OpenAPI 3.1, section 4.8.12.2, style values)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from harness.contract import styles
from harness.contract.model import JSON, Operation, Parameter
from harness.contract.schema import ANYTHING, says

REDACTED = "REDACTED"
"""Stands for a value that must not be shown."""


def url_of(base: str, operation: Operation, path: Mapping[str, JSON], query: Mapping[str, JSON]) -> str:
    """The absolute URL of a call; a path value that is missing leaves its ``{name}`` as it is."""
    url = operation.path
    for name, value in path.items():
        parameter = operation.parameter("path", name) or Parameter(name, "path", True, ANYTHING)
        url = url.replace("{" + name + "}", styles.path_text(parameter, value))
    pairs = [pair for name, value in query.items() for pair in _query_pairs(operation, name, value)]
    return base + url + ("?" + "&".join(pairs) if pairs else "")


def header_text(parameter: Parameter | None, value: JSON) -> str:
    """A header's value: style ``simple``, or JSON if the contract gives it a content type."""
    if parameter is not None and parameter.content_type:
        return json.dumps(value)
    return styles.header_text(value, explode=bool(parameter and parameter.explode)).strip()


def without_phi(operation: Operation, query: Mapping[str, JSON]) -> dict[str, JSON]:
    """The query with the values of ``x-phi`` parameters replaced."""
    return {
        name: REDACTED if is_phi(operation.parameter("query", name)) else value
        for name, value in query.items()
    }


def is_phi(parameter: Parameter | None) -> bool:
    """Whether a parameter's schema is marked ``x-phi``, itself or through its ``$ref``."""
    return parameter is not None and says(parameter.schema, "x-phi") is True


def _query_pairs(operation: Operation, name: str, value: JSON) -> list[str]:
    known = operation.parameter("query", name) or operation.parameter("querystring", name)
    parameter = known or Parameter(name, "query", False, ANYTHING, "form", True)
    return styles.query_pairs(parameter, value)
