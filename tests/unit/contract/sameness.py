"""Whether two contracts mean the same, wherever they are written.

Left out: places and URIs, the documents themselves, and the components that a bundle has brought in. Schemas
are the same if each of their parts is, however many references lie between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from harness.contract.dialects import bundle
from harness.contract.model import Contract, Place, Schema

_DATA = ("const", "enum", "default", "example", "examples")
_ELSEWHERE = frozenset(("place", "documents", "files", "folder"))


def differences(one: Any, other: Any, at: str = "") -> Iterator[str]:
    """Where the second differs from the first; nothing if it means the same."""
    if isinstance(one, Schema) and isinstance(other, Schema):
        for direction in (None, "request", "response"):
            left, right = bundle(one, direction), bundle(other, direction)
            yield from _schemas(left, right, (left, right), set(), f"{at}({direction})")
    elif isinstance(one, Contract) and isinstance(other, Contract):
        yield from _records(one, other, at, skip=_ELSEWHERE | {"schemas"})
        for name in one.schemas:
            yield from differences(one.schemas[name], other.schemas.get(name), f"{at}/schemas/{name}")
    elif isinstance(one, Place | Path):
        return
    elif is_dataclass(one) and type(one) is type(other):
        yield from _records(one, other, at, skip=_ELSEWHERE)
    elif isinstance(one, Mapping) and isinstance(other, Mapping):
        yield from _maps(one, other, at)
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        for index, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differences(left, right, f"{at}/{index}")
    elif one != other or type(one) is not type(other):
        yield f"{at}: {one!r} and {other!r}"


def _maps(one: Mapping[str, Any], other: Mapping[str, Any], at: str) -> Iterator[str]:
    if list(one) != list(other):
        yield f"{at}: {list(one)} and {list(other)}"
    for key in one:
        if key != "$ref":  # in what the model carries as it was written, such as bindings
            yield from differences(one[key], other.get(key), f"{at}/{key}")


def _records(one: Any, other: Any, at: str, skip: frozenset[str]) -> Iterator[str]:
    for each in fields(one):
        if each.name not in skip:
            yield from differences(getattr(one, each.name), getattr(other, each.name), f"{at}/{each.name}")


def _schemas(
    one: Any, other: Any, roots: tuple[Any, Any], assumed: set[tuple[str, str]], at: str
) -> Iterator[str]:
    """The same, through references: what is being compared already is assumed to be the same."""
    one, left = _end(one, roots[0])
    other, right = _end(other, roots[1])
    if left or right:
        if (left, right) in assumed:
            return
        assumed.add((left, right))
    if isinstance(one, dict) and isinstance(other, dict):
        if set(one) - {"$defs"} != set(other) - {"$defs"}:
            yield f"{at}: {sorted(one)} and {sorted(other)}"
            return
        for key in one:
            if key in _DATA:
                yield from differences(one[key], other[key], f"{at}/{key}")
            elif key != "$defs":
                yield from _schemas(one[key], other[key], roots, assumed, f"{at}/{key}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (mine, yours) in enumerate(zip(one, other, strict=True)):
            yield from _schemas(mine, yours, roots, assumed, f"{at}/{index}")
    elif isinstance(one, str) and isinstance(other, str) and one.startswith("#/$defs/"):
        yield from _schemas({"$ref": one}, {"$ref": other}, roots, assumed, at)  # a $ref with siblings
    elif one != other or type(one) is not type(other):
        yield f"{at}: {one!r} and {other!r}"


def _end(schema: Any, root: Any) -> tuple[Any, str]:
    """What a chain of references and nothing else ends in, and the name of that."""
    name, seen = "", set[str]()
    while isinstance(schema, dict) and set(schema) - {"$defs"} == {"$ref"} and schema["$ref"] not in seen:
        seen.add(schema["$ref"])
        name = schema["$ref"]
        schema = root["$defs"][name.rpartition("/")[2]]
    return schema, name
