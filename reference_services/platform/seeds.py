"""The aggregates that a contract's examples speak of: what a service holds after a reset."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.contract.aggregates import item_type, kept
from harness.contract.model import JSON, Contract
from harness.contract.schema import expand
from reference_services.platform.kinds import Kind


def seeds(contract: Contract, kinds: Mapping[str, Kind]) -> Iterator[tuple[str, str, Mapping[str, JSON]]]:
    """(type, id, document) of every example, each once.

    The examples of the component schemas come first; then what the GET operations show in theirs, where
    nothing with that id was there: the answers to changes are what those have yet to bring about.
    """
    seen: set[tuple[str, str]] = set()
    for type, document in (*_own(contract), *_read(contract)):
        kind = kinds[type]
        id = id_of(kind, document)
        if id is None or (type, id) in seen:
            continue
        if kind.validator is not None and not kind.validator.is_valid(document):
            continue
        seen.add((type, id))
        yield type, id, document


def id_of(kind: Kind, document: Mapping[str, JSON]) -> str | None:
    """What an aggregate is kept under: its ``id``; where its schema has none, its subject."""
    named = document.get("id") if kind.identified else kind.subject_of(document)
    return named if isinstance(named, str) else None


def _own(contract: Contract) -> Iterator[tuple[str, Mapping[str, JSON]]]:
    for name in kept(contract):
        raw: Any = expand(contract.schemas[name]).raw
        examples = raw.get("examples", ()) if isinstance(raw, Mapping) else ()
        for each in [*examples, *([raw["example"]] if "example" in raw else ())]:
            if isinstance(each, Mapping):
                yield name, each


def _read(contract: Contract) -> Iterator[tuple[str, Mapping[str, JSON]]]:
    types = set(kept(contract))
    for operation in contract.operations.values():
        if operation.method.upper() != "GET":
            continue
        for response in operation.successes:
            for media in response.content.values():
                if media.schema is None:
                    continue
                listed = item_type(media.schema)
                for example in media.examples:
                    yield from _found(example.value, media.schema.name, listed, types)


def _found(
    value: JSON, name: str | None, listed: str | None, types: set[str]
) -> Iterator[tuple[str, Mapping[str, JSON]]]:
    if not isinstance(value, Mapping):
        return
    if name in types and name is not None:
        yield name, value
    elif listed in types and listed is not None:
        for items in value.values():
            for each in items if isinstance(items, list) else ():
                if isinstance(each, Mapping):
                    yield listed, each
