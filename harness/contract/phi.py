"""What ``x-phi`` guards in a value: shown with stars in its place, and taken out of any text."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence

from harness.contract.documents import tokens_of
from harness.contract.model import JSON, Schema
from harness.contract.schema import phi_properties

WITHHELD = "***"
"""What is shown in the place of a value that must not be."""


def masked(schemas: Sequence[Schema], value: JSON) -> JSON:
    """A copy of the value in which ``WITHHELD`` stands for all that one of these schemas marks."""
    ways = [tokens_of(pointer) for schema in schemas for pointer in phi_properties(schema)]
    return _masked(value, ways) if ways else value


def marked(schemas: Sequence[Schema | None], value: JSON) -> set[str]:
    """The texts, of any length, that one of these schemas marks in the value."""
    pointers = (p for schema in schemas if schema is not None for p in phi_properties(schema))
    return {text for pointer in pointers for text in _at(value, tokens_of(pointer))} - {""}


def withheld(text: str, secrets: Collection[str]) -> str:
    """The text without these values, in whichever way JSON may write them."""
    for secret in sorted(secrets, key=lambda each: (-len(each), each)):
        for written in {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}:
            text = text.replace(written, WITHHELD)
    return text


def _masked(value: JSON, ways: list[list[str]]) -> JSON:
    if value is None or not ways:
        return value
    if [] in ways:
        return WITHHELD
    if isinstance(value, Mapping):
        return {name: _masked(each, _below(ways, name)) for name, each in value.items()}
    if isinstance(value, list):
        return [_masked(each, _below(ways, str(index))) for index, each in enumerate(value)]
    return value


def _below(ways: list[list[str]], token: str) -> list[list[str]]:
    return [way[1:] for way in ways if way[0] in (token, "*")]


def _at(value: JSON, way: list[str]) -> Iterator[str]:
    if isinstance(value, str):
        yield from () if way else (value,)
    elif isinstance(value, Mapping | list):
        named = value.items() if isinstance(value, Mapping) else enumerate(value)
        for name, each in named:
            if not way or way[0] in (str(name), "*"):
                yield from _at(each, way[1:])
