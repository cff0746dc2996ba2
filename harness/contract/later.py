"""A contract whose parts are made when somebody asks for them: it was read before, and nothing changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from threading import Lock
from typing import Any

from harness.contract.collecting import uncollected
from harness.contract.documents import Documents
from harness.contract.model import JSON, Contract
from harness.contract.packing import Packing

_TEXTS = ("service", "title", "version")
_GIVEN = frozenset((*_TEXTS, "folder", "documents", "files"))
NAMED = tuple(each.name for each in fields(Contract) if each.name not in _GIVEN)
"""The parts of a contract that map names to what has them."""


class Later(Mapping[str, Any]):
    """A mapping whose names are known; its values come from the contract, once that is read."""

    def __init__(self, names: tuple[str, ...], values: Callable[[], Mapping[str, Any]]) -> None:
        self._names = dict.fromkeys(names)
        self._values = values

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        return self._values()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __repr__(self) -> str:
        return repr(dict(self))


def facts_of(contract: Contract) -> dict[str, JSON]:
    """What ``later`` must know beside the documents. Raises ValueError for what it could not give back."""
    named: dict[str, list[str]] = {}
    for part in NAMED:
        value = getattr(contract, part)
        if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
            raise ValueError(part)
        named[part] = list(value)
    return {
        "named": named,
        "files": dict(contract.files),
        **{each: getattr(contract, each) for each in _TEXTS},
    }


def model_of(contract: Contract, documents: Documents) -> bytes:
    """The parts themselves, as ``later`` takes them; nothing if they cannot be packed."""
    packing = Packing(documents)
    with suppress(ValueError, RecursionError):
        parts = {name: packing.packed(dict(getattr(contract, name))) for name in NAMED}
        return json.dumps([packing.table, parts], separators=(",", ":")).encode()
    return b""


def later(
    facts: Mapping[str, JSON], model: bytes, folder: Path, documents: Documents, read: Callable[[], Contract]
) -> Contract:
    """The contract that ``read`` would give, from its ``model`` if there is one.

    Raises KeyError, TypeError or ValueError for facts that are not such.
    """
    whole = _Once(model, documents, read)

    def part(name: str) -> Later:
        return Later(tuple(facts["named"][name]), lambda: whole.part(name))

    given: dict[str, Any] = {each: str(facts[each]) for each in _TEXTS}
    given.update((name, part(name)) for name in NAMED)
    return Contract(folder=folder, documents=documents, files=dict(facts["files"]), **given)


class _Once:
    """Makes each part when it is first asked for, however many threads ask: from what was kept of it, or else
    by reading the documents."""

    def __init__(self, model: bytes, documents: Documents, read: Callable[[], Contract]) -> None:
        self._model, self._documents, self._read = model, documents, read
        self._packing: Packing | None = None
        self._packed: dict[str, JSON] = {}
        self._parts: dict[str, Mapping[str, Any]] = {}
        self._lock = Lock()

    def part(self, name: str) -> Mapping[str, Any]:
        with self._lock:
            if name not in self._parts:
                with uncollected():
                    self._make(name)
            return self._parts[name]

    def _make(self, name: str) -> None:
        try:
            if self._packing is None:
                table, self._packed = json.loads(self._model)
                self._packing, self._model = Packing(self._documents, table), b""
            self._parts[name] = self._packing.unpacked(self._packed.pop(name))
            if not self._packed:
                self._packing = Packing(self._documents)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError):
            contract = self._read()
            self._parts = {each: getattr(contract, each) for each in NAMED}
