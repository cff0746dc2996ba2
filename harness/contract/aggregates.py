"""What a service keeps, read out of its contract: which schemas are aggregates, and whose each one is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.contract.documents import Documents
from harness.contract.model import Contract, Operation, Schema
from harness.contract.navigation import expand, items_of, properties, says


def kept(contract: Contract) -> Iterator[str]:
    """The component schemas that can be aggregates: those with an ``id``, and those with a lifecycle.

    What only travels as a message is none.
    """
    for name, schema in contract.schemas.items():
        if "asyncapi" in contract.documents.get(schema.uri.partition("#")[0], ()):
            continue
        if name in contract.lifecycles or "id" in properties(schema):
            yield name


def answered(operation: Operation) -> Iterator[Schema]:
    """The schemas of an operation's successful JSON answers."""
    for response in operation.successes:
        for media in response.content.values():
            if media.schema is not None:
                yield media.schema


def item_type(schema: Schema) -> str | None:
    """The component that a list answer's items are, or None. Found once: every kind asks every answer."""
    found: dict[Any, Any] = schema.resources.compiled if isinstance(schema.resources, Documents) else {}
    key = ("item type", schema.uri, schema.dialect, schema.scope)
    if key not in found:
        lists = (items_of(each) for each in properties(schema).values())
        items = next((each for each in lists if each is not None), None)
        found[key] = None if items is None else expand(items).name
    name: str | None = found[key]
    return name


def unique_of_kind(named: Mapping[str, Schema]) -> dict[str, Schema]:
    """The properties that no two of a kind may share (``x-unique``), or no two items of such lists."""
    return {name: each for name, each in named.items() if says(each, "x-unique") is True}


def subject_of_kind(contract: Contract, name: str, named: Mapping[str, Schema]) -> str | None:
    """Where the patient stands in a document, dotted: as ``x-subject`` of the operations that answer it says.

    ``named`` are the properties of the component schema ``name``.
    """
    told = [op for op in contract.operations.values() if op.subject and _answers(op, name)]
    for operation in told:
        source, _, pointer = (operation.subject or "").partition("#/")
        if source == "$response.body" and any(each.name == name for each in answered(operation)):
            return pointer.replace("/", ".")
    for operation in told:
        last = re.split(r"[./#]", operation.subject or "")[-1]
        if last in named:
            return last
        # What is kept once for each patient has the patient's id: /patients/{patientId}/preferences.
        only = operation.path.count("{") == 1 and "{" + last + "}" in operation.path
        if only and "id" in named and any(each.name == name for each in answered(operation)):
            return "id"
    return "patientId" if "patientId" in named else None


def _answers(operation: Operation, name: str) -> bool:
    return any(name in (each.name, item_type(each)) for each in answered(operation))
