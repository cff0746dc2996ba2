"""What every part of the model is made of: JSON values, places in files, schemas, examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

JSON = Any
"""A JSON value as Python holds it: dict, list, str, int, float, bool or None."""


class _Empty(Mapping[str, Any]):
    """An immutable default: ``dataclass`` takes only hashable ones, which a mapping proxy is not in 3.11."""

    def __getitem__(self, key: str) -> Any:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "{}"


EMPTY: Mapping[str, Any] = _Empty()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thing is written: a file (as the user named its folder) and a line counted from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


NOWHERE = Place("", 0)

Dialect = Literal["2020-12", "2019-09", "draft-07", "draft-06", "draft-04", "openapi-3.0"]
"""How a schema is to be read: a version of JSON Schema, or OpenAPI 3.0's own."""


@dataclass(frozen=True, slots=True)
class Schema:
    """A JSON Schema at the place where it is used.

    ``uri`` is absolute and ends in a JSON pointer fragment; ``raw`` is the node as written, with its
    ``$ref`` kept; ``resources`` maps each document's URI to its whole raw tree. ``name`` is the
    component schema that the node is or refers to, if any; ``dialect`` says how ``raw`` is to be read.
    ``scope`` are the dynamic anchors in force here, name and URI of each (JSON Schema 2020-12, section 7.1).
    Compile with ``contract.schema``.
    """

    uri: str
    raw: Mapping[str, Any] | bool
    place: Place = NOWHERE
    name: str | None = None
    dialect: Dialect = "2020-12"
    resources: Mapping[str, Any] = field(default=EMPTY, repr=False, compare=False, hash=False)
    scope: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """A named example; ``name`` is ``""`` for a single unnamed one."""

    name: str
    value: JSON
    summary: str = ""
    place: Place = NOWHERE
