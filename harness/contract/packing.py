"""The model's objects as JSON and back: what ``cache`` keeps so that a contract need not be built again.

An object becomes ``[its class, its fields …]``, without those at the end that have their default. What is
the same several times, as a header of every answer is, stands in a table once, is ``[its number]`` wherever
it is meant, and is one object when it comes out. A schema says where in its documents it stands, and is that
very node again. Only classes of the model can come out, whatever is put in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

from harness.contract import model
from harness.contract.documents import Documents
from harness.contract.model import EMPTY, JSON, Schema
from harness.contract.pointers import look_up

_CLASSES: Mapping[str, Any] = {
    name: each for name in model.__all__ if is_dataclass(each := getattr(model, name))
}
_FIELDS = {each: [(field.name, field.default) for field in fields(each)] for each in _CLASSES.values()}
_PLAIN = frozenset((str, int, float, bool, type(None)))
_TUPLE, _DATA, _EMPTY, _STRANGE = "()", "=", "0", "Schema that stands elsewhere"


class Packing:
    """``documents`` are those that the model was, or would be, built from; ``table`` what ``packed`` has put
    there, and ``unpacked`` takes from there."""

    def __init__(self, documents: Documents, table: list[Any] | None = None) -> None:
        self.table: list[Any] = [] if table is None else table
        self._documents = documents
        self._numbers: dict[str, int] = {}
        self._taken: dict[int, Any] = {}
        self._texts: dict[str, str] = {}

    def packed(self, value: Any) -> JSON:
        """Raises ValueError for what cannot be packed."""
        if value is None or isinstance(value, str | int | float):
            return value
        if value is EMPTY:
            return [_EMPTY]
        if isinstance(value, tuple):
            return [_TUPLE, *map(self.packed, value)]
        if _is_data(value):
            return [_DATA, value]
        if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
            return {name: self.packed(each) for name, each in value.items()}
        if isinstance(value, Schema):
            return self._schema(value)
        if type(value) not in _FIELDS:
            raise ValueError(type(value))
        return self._once([type(value).__name__, *map(self.packed, _said(value))])

    def _once(self, packed: list[JSON]) -> JSON:
        key = json.dumps(packed)
        if key not in self._numbers:
            self._numbers[key] = len(self.table)
            self.table.append(packed)
        return [self._numbers[key]]

    def _schema(self, schema: Schema) -> JSON:
        if schema.resources is not self._documents:
            raise ValueError(schema.uri)
        more = [self.packed(each) for each in (schema.place, schema.name, schema.dialect, schema.scope)]
        uri, _, pointer = schema.uri.partition("#")
        if uri in self._documents and look_up(self._documents[uri], pointer) is schema.raw:
            return self._once(["Schema", uri, pointer, *more])
        if not _is_data(schema.raw):
            raise ValueError(schema.uri)
        return self._once([_STRANGE, schema.uri, schema.raw, *more])

    def unpacked(self, value: JSON) -> Any:
        """Raises KeyError, IndexError, TypeError or ValueError for what was not packed here."""
        if value.__class__ is dict:
            return {name: self.unpacked(each) for name, each in value.items()}
        if value.__class__ is not list:
            return value
        kind = value[0]
        if kind.__class__ is int:
            return self._from_table(kind)
        if kind == _TUPLE:
            return tuple(map(self.unpacked, value[1:]))
        if kind == _DATA:
            return value[1]
        if kind == _EMPTY:
            return EMPTY
        raise ValueError(kind)

    def _from_table(self, number: int) -> Any:
        if number not in self._taken:
            packed, self.table[number] = self.table[number], None
            self._taken[number] = self._made(packed[0], packed[1:])
        return self._taken[number]

    def _made(self, kind: str, packed: list[Any]) -> Any:
        if kind == "Schema":
            uri, pointer, *more = packed
            return self._schema_of(f"{uri}#{pointer}", look_up(self._documents[uri], pointer), more)
        if kind == _STRANGE:
            return self._schema_of(packed[0], packed[1], packed[2:])
        texts = self._texts  # many say the same: a name, a file, a content type
        fields = [
            texts.setdefault(each, each)
            if each.__class__ is str
            else each
            if each.__class__ in _PLAIN
            else self.unpacked(each)
            for each in packed
        ]
        return _CLASSES[kind](*fields)

    def _schema_of(self, uri: str, raw: JSON, more: Sequence[JSON]) -> Schema:
        if not isinstance(raw, dict | bool):
            raise TypeError(uri)
        place, name, dialect, scope = map(self.unpacked, more)
        same: Any = self._texts.setdefault(dialect, dialect)
        return Schema(uri, raw, place, name, same, self._documents, scope)


def _said(value: Any) -> list[Any]:
    """The fields of an object in their order, up to the last that differs from its default."""
    found = [(getattr(value, name), default) for name, default in _FIELDS[type(value)]]
    while found and found[-1][0] is found[-1][1]:
        found.pop()
    return [each for each, _ in found]


def _is_data(value: Any) -> bool:
    """Whether this is JSON through and through."""
    if isinstance(value, dict):
        return all(isinstance(name, str) and _is_data(each) for name, each in value.items())
    if isinstance(value, list):
        return all(map(_is_data, value))
    return value is None or isinstance(value, str | int | float)
