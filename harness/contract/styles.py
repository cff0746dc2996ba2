"""Values as text in URLs, headers and cookies (OpenAPI 3.1 and 3.2, "Style Values").

The reverse of ``serving.styles``. What the table leaves undefined is written as most clients write it: a
nested object in ``deepObject`` as ``name[a][b]``, an array in it by repeating its name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from urllib.parse import quote

from harness.contract.model import JSON, Parameter

_DELIMITERS = {"spaceDelimited": "%20", "pipeDelimited": "%7C"}
_RESERVED = ":/?@!$'()*;[]"
"""What ``allowReserved`` leaves as it is: without what would end a value or a URL, or mean a space."""


def query_pairs(parameter: Parameter, value: JSON) -> list[str]:
    """``name=value`` for each pair that a query (or a form) says of a parameter, percent-encoded."""
    name, explode, safe = quote(parameter.name, safe=""), parameter.explode, ""
    if parameter.allow_reserved:
        safe = _RESERVED
    if parameter.location == "querystring":
        return [quote(json.dumps(value), safe="")] if is_json(parameter.content_type) else _members(value, "")
    if parameter.content_type is not None:
        return [f"{name}={quote(in_content(parameter, value), safe='')}"]
    if parameter.style == "deepObject" and isinstance(value, Mapping | list):
        return list(_deep(name, value, safe))
    if isinstance(value, Mapping) and explode:
        return _members(value, safe)
    if isinstance(value, list) and explode:
        return [f"{name}={scalar_text(each, safe)}" for each in value]
    joint = _DELIMITERS.get(parameter.style, ",")
    return [f"{name}={joint.join(_flat(value, safe))}"]


def path_text(parameter: Parameter, value: JSON) -> str:
    """A path parameter's value with what its style puts before it, percent-encoded."""
    if parameter.content_type is not None:
        return quote(in_content(parameter, value), safe="")
    name, explode = quote(parameter.name, safe=""), parameter.explode
    if parameter.style == "label":
        return "." + (_joined(value, ".", explode, "") if explode else ",".join(_flat(value, "")))
    if parameter.style != "matrix":
        return _joined(value, ",", explode, "")
    if isinstance(value, Mapping) and explode:
        return "".join(f";{pair}" for pair in _members(value, ""))
    texts = _flat(value, "")
    parts = texts if explode else [",".join(texts)]
    return "".join(f";{name}={part}" if part else f";{name}" for part in parts) or f";{name}"


def header_text(value: JSON, explode: bool = False) -> str:
    """A header's value in style ``simple``, which encodes nothing."""
    return _joined(value, ",", explode, None)


def cookie_text(parameter: Parameter, value: JSON) -> str:
    """What a ``Cookie`` header says of one parameter. Style ``cookie`` (OpenAPI 3.2) encodes nothing."""
    if parameter.content_type is not None:
        return f"{parameter.name}={quote(in_content(parameter, value), safe='')}"
    safe = None if parameter.style == "cookie" else ""
    if isinstance(value, Mapping) and parameter.explode:
        return "; ".join(_members(value, safe))
    parts = _flat(value, safe)
    if not (isinstance(value, list) and parameter.explode):
        parts = [",".join(parts)]
    return "; ".join(f"{parameter.name}={part}" for part in parts)


def in_content(parameter: Parameter, value: JSON) -> str:
    """The value of a parameter that has a content type: JSON, or as it is where that is no JSON."""
    return json.dumps(value) if is_json(parameter.content_type) else scalar_text(value, None)


def scalar_text(value: JSON, safe: str | None) -> str:
    """One value as text; ``safe=None`` leaves it unquoted."""
    text = value if isinstance(value, str) else json.dumps(value)
    return text if safe is None else quote(text, safe=safe)


@lru_cache(64)
def is_json(content_type: str | None) -> bool:
    """Whether what is of this type is JSON: ``application/json``, ``text/json``, ``…+json``."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind in ("application/json", "text/json") or kind.endswith("+json")


def is_xml(content_type: str) -> bool:
    """Whether what is of this type is XML: ``application/xml``, ``text/xml``, ``…+xml`` (RFC 7303)."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in ("application/xml", "text/xml") or kind.endswith("+xml")


def _members(value: JSON, safe: str | None) -> list[str]:
    items = value.items() if isinstance(value, Mapping) else ()
    return [
        f"{scalar_text(name, safe)}={scalar_text(one, safe)}"
        for name, each in items
        for one in (each if isinstance(each, list) else [each])
    ]


def _deep(name: str, value: JSON, safe: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _deep(f"{name}%5B{quote(str(key), safe='')}%5D", each, safe)
    elif isinstance(value, list):
        for each in value:
            yield from _deep(name, each, safe)
    else:
        yield f"{name}={scalar_text(value, safe)}"


def _flat(value: JSON, safe: str | None) -> list[str]:
    if isinstance(value, Mapping):
        return [scalar_text(part, safe) for pair in value.items() for part in pair]
    return [scalar_text(each, safe) for each in (value if isinstance(value, list) else [value])]


def _joined(value: JSON, joint: str, explode: bool, safe: str | None) -> str:
    if isinstance(value, Mapping) and explode:
        return joint.join(f"{scalar_text(k, safe)}={scalar_text(v, safe)}" for k, v in value.items())
    return joint.join(_flat(value, safe))
