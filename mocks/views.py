"""How a thing is shown in one answer's schema: whole, or as much of it as that schema has room for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.contract.model import JSON, Schema
from harness.contract.schema import Validator, compile_schema, example_of, properties, says
from harness.errors import ContractError
from mocks.representations import Single, single_in
from mocks.things import Thing

_NONE = object()


class View:
    """Shows things as one schema has them; what it made of a thing is kept with the thing.

    What is only written (``writeOnly``) an example of the thing may have: it is never shown.
    """

    def __init__(self, schema: Schema, single: Single | None = None, like: JSON = None) -> None:
        self._single = single or single_in(schema) or Single(schema)
        named = properties(self._single.schema)
        self._secret = {name for name, each in named.items() if says(each, "writeOnly") is True}
        self._named = {name: each for name, each in named.items() if name not in self._secret}
        self._valid = compile_schema(self._single.schema, "response")
        self._whole: Validator = compile_schema(schema, "response")
        self._like = like
        self._schema = schema
        self._at = schema.uri

    def of(self, thing: Thing) -> JSON:
        """The thing as this schema shows it; None if it cannot be shown so."""
        shown = thing.shown.get(self._at, _NONE)
        if shown is _NONE:
            shown = thing.shown[self._at] = self._made(thing.document)
        return shown

    def document(self, document: Mapping[str, JSON]) -> JSON:
        """A document that no thing holds."""
        return self._made(document)

    def _made(self, document: Mapping[str, JSON]) -> JSON:
        inner = self._inner(document)
        if inner is None or self._single.wrapper is None:
            return inner
        for like in (self._like, self._generated()):
            whole = {**(like if isinstance(like, Mapping) else {}), self._single.wrapper: inner}
            if self._whole.is_valid(whole):
                return whole
        return None

    def _inner(self, document: Mapping[str, JSON]) -> JSON:
        if self._secret.isdisjoint(document) and self._valid.is_valid(document):
            return document if isinstance(document, dict) else dict(document)
        narrowed: dict[str, Any] = {name: value for name, value in document.items() if name in self._named}
        for _ in range(2):
            if self._valid.is_valid(narrowed):
                return narrowed
            for pointer, name in self._valid.missing(narrowed):
                if pointer == "" and name in self._named:
                    try:
                        narrowed[name] = example_of(self._named[name])
                    except ContractError:
                        return None
            for violation in self._valid.violations(narrowed):
                narrowed.pop(violation.pointer.split("/")[1] if violation.pointer else "", None)
        return narrowed if self._valid.is_valid(narrowed) else None

    def _generated(self) -> JSON:
        if self._like is not None:
            return None
        try:
            self._like = example_of(self._schema)
        except ContractError:
            self._like = {}
        return self._like
