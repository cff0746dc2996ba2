"""The types that a schema names, and whether a value is of one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from harness.contract.model import JSON
from harness.contract.navigation import schema_of
from harness.contract.schema import Validator, compile_schema

_PYTHON: Mapping[str, type | tuple[type, ...]] = {
    "array": list,
    "boolean": bool,
    "null": type(None),
    "object": dict,
    "string": str,
}


def types_of(schema: Mapping[str, JSON]) -> frozenset[str] | None:
    """The types that ``type`` and OpenAPI 3.0's ``nullable`` allow; None if that is not said."""
    written = schema.get("type")
    names = [written] if isinstance(written, str) else written
    if not isinstance(names, list) or not names or not all(isinstance(each, str) for each in names):
        return None
    return frozenset(names) | ({"null"} if schema.get("nullable") is True else set())


def fits(value: JSON, type_: str) -> bool:
    """Whether a value is of a type (JSON Schema 2020-12 validation, section 6.1.1)."""
    if type_ in ("integer", "number"):
        if isinstance(value, float):
            return type_ == "number" or value.is_integer()
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, _PYTHON.get(type_, object))


def is_written_as(value: str, format_: str) -> bool:
    """Whether a text is of one of JSON Schema's formats."""
    return _of_format(format_).is_valid(value)


@lru_cache(maxsize=16)
def _of_format(name: str) -> Validator:
    return compile_schema(schema_of({"format": name}))
