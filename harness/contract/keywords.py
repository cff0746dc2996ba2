"""Words of OpenAPI's schemas, and slips that everybody makes in them, as JSON Schema 2020-12 says them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.contract.formats import ENCODINGS, hold_numbers

_COMPOSED = ("allOf", "oneOf", "anyOf")


def modernise(found: dict[str, Any], raw: Mapping[str, Any], dialect: str, generating: bool) -> None:
    """Rewrite a converted schema in place; ``raw`` is how it is written.

    Sources: OpenAPI 3.0.4, Schema Object (``nullable``, boolean exclusive bounds, which draft 4 has as well).
    """
    if dialect == "openapi-3.0" and raw.get("nullable") is True:
        _let_null_in(found)
    if dialect in ("openapi-3.0", "draft-04"):
        for exclusive, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if isinstance(found.get(exclusive), bool) and found.pop(exclusive) and inclusive in found:
                found[exclusive] = found.pop(inclusive)
    if found.get("type") == "file":  # Swagger 2.0's word for a body of bytes
        found["type"] = "string"
    encoding = found.get("contentEncoding")
    if isinstance(encoding, str) and encoding.lower() in ENCODINGS:
        found.setdefault("format", ENCODINGS[encoding.lower()])
    hold_numbers(found, generating)


def _let_null_in(found: dict[str, Any]) -> None:
    """``nullable`` beside a ``type``; beside a composition without one too, for which many write it."""
    if isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
        if isinstance(found.get("enum"), list) and None not in found["enum"]:
            found["enum"] = [*found["enum"], None]
    elif "type" not in found and any(word in found for word in _COMPOSED):
        whole = dict(found)
        found.clear()
        found["anyOf"] = [{"type": "null"}, whole]
