"""Parameters as text in a URL or a header (OpenAPI 3.1, section 4.8.12.2, style values)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

from harness.contract.model import JSON, Operation, Parameter
from harness.contract.schema import says

REDACTED = "REDACTED"
"""Stands for a value that must not be shown."""

_DELIMITERS = {"spaceDelimited": "%20", "pipeDelimited": "%7C"}


def url_of(base: str, operation: Operation, path: Mapping[str, JSON], query: Mapping[str, JSON]) -> str:
    """The absolute URL of a call; a path value that is missing leaves its ``{name}`` as it is."""
    url = operation.path
    for name, value in path.items():
        url = url.replace("{" + name + "}", _path_text(operation.parameter("path", name), value))
    pairs = [pair for name, value in query.items() for pair in _query_pairs(operation, name, value)]
    return base + url + ("?" + "&".join(pairs) if pairs else "")


def header_text(parameter: Parameter | None, value: JSON) -> str:
    """A header's value: style ``simple``, or JSON if the contract gives it a content type."""
    if parameter is not None and parameter.content_type:
        return json.dumps(value)
    return _simple(value, explode=bool(parameter and parameter.explode), safe=None)


def without_phi(operation: Operation, query: Mapping[str, JSON]) -> dict[str, JSON]:
    """The query with the values of ``x-phi`` parameters replaced."""
    return {
        name: REDACTED if is_phi(operation.parameter("query", name)) else value
        for name, value in query.items()
    }


def is_phi(parameter: Parameter | None) -> bool:
    """Whether a parameter's schema is marked ``x-phi``, itself or through its ``$ref``."""
    return parameter is not None and says(parameter.schema, "x-phi") is True


def _path_text(parameter: Parameter | None, value: JSON) -> str:
    style = parameter.style if parameter else "simple"
    explode = bool(parameter and parameter.explode)
    if style == "label":
        return "." + _simple(value, explode, safe="").replace(",", ".")
    if style == "matrix" and parameter is not None:
        return f";{parameter.name}=" + _simple(value, explode, safe="")
    return _simple(value, explode, safe="")


def _query_pairs(operation: Operation, name: str, value: JSON) -> list[str]:
    parameter = operation.parameter("query", name)
    key = quote(name, safe="")
    if parameter is not None and parameter.content_type:
        return [f"{key}={quote(json.dumps(value), safe='')}"]
    style, explode = (parameter.style, parameter.explode) if parameter else ("form", True)
    if isinstance(value, Mapping) and (explode or style == "deepObject"):
        open_, close = (f"{key}%5B", "%5D") if style == "deepObject" else ("", "")
        return [f"{open_}{quote(str(k), safe='')}{close}={_scalar(v, '')}" for k, v in value.items()]
    if isinstance(value, list):
        texts = [_scalar(each, "") for each in value]
        return (
            [f"{key}={t}" for t in texts]
            if explode
            else [f"{key}=" + _DELIMITERS.get(style, ",").join(texts)]
        )
    return [f"{key}={_simple(value, explode=False, safe='')}"]


def _simple(value: JSON, explode: bool, safe: str | None) -> str:
    if isinstance(value, Mapping):
        joint = "=" if explode else ","
        return ",".join(f"{_scalar(k, safe)}{joint}{_scalar(v, safe)}" for k, v in value.items())
    if isinstance(value, list):
        return ",".join(_scalar(each, safe) for each in value)
    return _scalar(value, safe)


def _scalar(value: JSON, safe: str | None) -> str:
    """One value as text; ``safe=None`` leaves it unquoted (headers)."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text if safe is None else quote(text, safe=safe)
