"""What no two things of a kind share (``x-unique``): who has a value already, and one in its place."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Mapping

from harness.contract.model import JSON
from harness.contract.schema import generate
from harness.errors import ContractError
from mocks.known import Document, without
from mocks.matching import is_same
from mocks.resources import Kind
from mocks.things import State

_TRIES = 20


class Shared(Exception):
    """A value that was asked for and that another thing has. ``name`` is the property's."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)


def of_its_own(
    state: State,
    kind: Kind,
    key: str,
    document: Document,
    stated: Collection[str] = (),
    *,
    example: Document | None = None,
) -> dict[str, JSON]:
    """The document of the thing with this key, sharing nothing that is its kind's to share with none.

    ``stated`` are the properties whose values somebody asked for: Shared is raised if another thing has one.
    What only looks like an example gets another value; what stays as it was, stays. A thing that is
    ``example`` does not stand in the way of what was asked for: it shows what is about to be made.
    """
    own, before = dict(document), state.get(kind.name, key) if kind.unique else None
    for name in kind.unique:
        if before is not None and before.document.get(name) == own.get(name):
            continue
        asked = name in stated
        if not _taken(state, kind, key, name, own.get(name), example if asked else None):
            continue
        if asked:
            raise Shared(name)
        own = _with_another(state, kind, key, own, name)
    return own


def brought(document: Document, message: JSON) -> frozenset[str]:
    """The properties of a document whose values came with a message."""
    said = message if isinstance(message, Mapping) else {}
    return frozenset(n for n, value in said.items() if n in document and is_same(document[n], value))


def _taken(
    state: State, kind: Kind, key: str, name: str, value: JSON, example: Document | None = None
) -> bool:
    mine = list(_each(value))
    return any(
        is_same(one, other)
        for thing in state.all(kind.name)
        if thing.key != key and thing.document != example
        for other in _each(thing.document.get(name))
        for one in mine
    )


def _each(value: JSON) -> Iterator[JSON]:
    """What counts of a value: nothing of none, of a list each item."""
    if isinstance(value, list):
        yield from value
    elif value is not None:
        yield value


def _with_another(state: State, kind: Kind, key: str, document: Document, name: str) -> dict[str, JSON]:
    """With a value that is free; without the property, or as it was, where none can be made."""
    for number in range(_TRIES):
        try:
            made = generate(kind.named[name], zlib.crc32(f"{kind.name}/{key}/{name}/{number}".encode()))
        except ContractError:
            break
        changed = {**document, name: made}
        if not _taken(state, kind, key, name, made) and kind.validator.is_valid(changed):
            return changed
    less = without(document, {name})
    return less if kind.validator.is_valid(less) else dict(document)
