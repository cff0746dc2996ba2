"""Which form of a polymorphic schema a value says that it has (OpenAPI, Discriminator Object).

A discriminator never makes a value valid or invalid. It tells a report which form was meant, and a generator
what to write.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.contract.model import Schema
from harness.contract.navigation import child, expand, parts, target
from harness.errors import ContractError

_FORMS = ("oneOf", "anyOf")


def _told(schema: Schema) -> tuple[str, Mapping[str, Any]] | None:
    """Property name and mapping of a schema's own discriminator."""
    raw = schema.raw.get("discriminator") if isinstance(schema.raw, Mapping) else None
    if not isinstance(raw, Mapping) or not isinstance(raw.get("propertyName"), str):
        return None
    mapping = raw.get("mapping")
    return raw["propertyName"], mapping if isinstance(mapping, Mapping) else {}


def _mapped(schema: Schema, mapping: Mapping[str, Any]) -> Iterator[tuple[str, Schema]]:
    """Value → schema of a mapping; lint tells of those that lead nowhere."""
    for value, reference in mapping.items():
        named = [f"#/components/schemas/{reference}"] if "/" not in str(reference) else []
        for each in (*named, str(reference)):
            try:
                yield value, expand(target(schema, each))
            except ContractError:
                continue
            break


def forms(schema: Schema) -> dict[str, Any] | None:
    """For a choice of forms with a discriminator: the property, and value → index of the form."""
    told = _told(schema)
    word = next((w for w in _FORMS if isinstance(schema.raw, Mapping) and w in schema.raw), None)
    if told is None or word is None or not isinstance(schema.raw, Mapping):
        return None
    branches = [expand(child(schema, word, at)) for at in range(len(schema.raw[word]))]
    by_uri = {each.uri: at for at, each in enumerate(branches)}
    values = {value: by_uri[each.uri] for value, each in _mapped(schema, told[1]) if each.uri in by_uri}
    for at, each in enumerate(branches):
        if at not in values.values() and each.name is not None:
            values.setdefault(each.name, at)
    return {"propertyName": told[0], "forms": values}


def descendants(schema: Schema) -> list[Schema]:
    """The schemas that stand for one which is only their common part, by its mapping; empty for others."""
    told = _told(schema)
    if told is None or not isinstance(schema.raw, Mapping) or any(word in schema.raw for word in _FORMS):
        return []
    return list({each.uri: each for _, each in _mapped(schema, told[1])}.values())


def own_values(schema: Schema) -> tuple[str, list[str]] | None:
    """What a schema that builds on a common one with a discriminator writes into it, and where."""
    if schema.name is None:
        return None
    for part in parts(schema):
        told = _told(part)
        if told is None or not isinstance(part.raw, Mapping) or any(word in part.raw for word in _FORMS):
            continue
        values = [value for value, each in _mapped(part, told[1]) if each.uri == schema.uri]
        if values or part.uri != schema.uri:
            return told[0], values or [schema.name]
    return None
