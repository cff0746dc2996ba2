"""What a mock holds: things of several kinds, in states that share what they began with.

A thing never changes: a change puts another one in its place. So a state is copied by copying dictionaries
of references, and whoever reads sees a thing whole.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.contract.model import EMPTY, JSON
from harness.serving.problems import Problem
from harness.serving.wire import encode_json
from mocks.remembering import Remembered

MOST_THINGS = 10_000
"""Things that came into being in one state; beyond, the one that is oldest is forgotten. Seeds stay."""

MOST_BYTES = 32 * 1024 * 1024
"""Of their documents, as JSON; beyond, the oldest are forgotten. One that alone is larger is refused."""

REMEMBERED_GONE = 10_000
"""Ids of which a state knows that they were deleted."""


@dataclass(slots=True)
class Thing:
    """One thing of a kind. ``key`` is its id as text, ``place`` its place among those of its kind. Nobody
    changes one: see ``harness.serving.exchange.Request`` for why it is not frozen.

    ``version`` counts changes from 1; ``scope`` are path values under which it was made that its document
    does not show. ``size`` is that of the document as JSON, 0 for one that was there at first. ``shown``
    keeps what it looks like in other schemas.
    """

    kind: str
    key: str
    document: Mapping[str, JSON]
    version: int = 1
    place: int = 0
    size: int = 0
    scope: Mapping[str, str] = field(default=EMPTY)
    shown: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


_Shelf = dict[str, Thing]

First = Callable[[str], _Shelf]
"""From a kind to the things that a state begins with; the same shelf each time."""

AFTER_SEEDS = 1_000_000
"""Where the places of things begin that were not there at first."""


class State:
    """Everything that one session sees. Not safe between threads: whoever changes it holds the mock's lock.

    A shelf (the things of one kind, by key, in order of their place) is shared with other states until it
    is changed here. ``first`` gives those that a shelf begins with, for whoever asks for it first.
    """

    def __init__(self, name: str = "", first: First | None = None) -> None:
        self.name = name
        self._first = first
        self.made = 0
        self._shelves: dict[str, _Shelf] = {}
        self._own: set[str] = set()
        self._places = AFTER_SEEDS
        # Not dicts: the first of one is behind all that were taken from its front.
        self._aging: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._bytes = 0
        self._numbers: dict[str, int] = {}
        self._gone: OrderedDict[tuple[str, str], None] = OrderedDict()
        self.answers = Remembered()

    @property
    def bytes(self) -> int:
        """Of the documents that are its own, as JSON."""
        return self._bytes

    def get(self, kind: str, key: str) -> Thing | None:
        return self._held(kind).get(key)

    def first(self, kind: str) -> Thing | None:
        """The one that came first of those that are there."""
        return next(iter(self._held(kind).values()), None)

    def number(self, kind: str) -> int:
        """A number that is higher than every id of this kind was."""
        highest = self._numbers.get(kind)
        if highest is None:
            numbers = (int(key) for key in self._held(kind) if key.isdecimal() and len(key) < 19)
            highest = max(numbers, default=0)
        self._numbers[kind] = highest + 1
        return highest + 1

    def all(self, kind: str) -> list[Thing]:
        """Every thing of a kind, in the order in which they came."""
        return list(self._held(kind).values())

    def every(self, kinds: Iterable[str]) -> Iterator[Thing]:
        """All things of these kinds, and of any other that was put in."""
        for kind in dict.fromkeys((*kinds, *self._shelves)):
            yield from self.all(kind)

    def is_gone(self, kind: str, key: str) -> bool:
        """Whether there was one that was deleted."""
        return (kind, key) in self._gone

    def put(self, thing: Thing) -> Thing:
        """Keep a thing, in the place of the one with its key; returns it as it is kept.

        Raises Problem 507 for one that is larger than a state may be.
        """
        document = thing.document
        size = len(encode_json(document if type(document) is dict else dict(document)))
        if size > MOST_BYTES:
            raise Problem(507, "Insufficient Storage", "This mock keeps nothing of that size.")
        shelf, name = self._shelf(thing.kind), (thing.kind, thing.key)
        before = shelf.get(thing.key)
        if before is None:
            self._places += 1
        place = before.place if before is not None else self._places
        kept = Thing(thing.kind, thing.key, thing.document, thing.version, place, size, thing.scope)
        shelf[thing.key] = kept
        self._gone.pop(name, None)
        if thing.key.isdecimal() and len(thing.key) < 19 and thing.kind in self._numbers:
            self._numbers[thing.kind] = max(self._numbers[thing.kind], int(thing.key))
        self._bytes += size - self._aging.get(name, 0)
        self._aging[name] = size
        self._make_room(name)
        return kept

    def remove(self, thing: Thing) -> None:
        """Forget a thing, but not that it was there."""
        self.leave(thing.kind, thing.key)

    def leave(self, kind: str, key: str) -> None:
        """There is no such thing any more, whether or not anything was known of it."""
        self._forget(kind, key)
        self._gone[kind, key] = None
        if len(self._gone) > REMEMBERED_GONE:
            self._gone.popitem(last=False)

    def _make_room(self, newest: tuple[str, str]) -> None:
        while len(self._aging) > MOST_THINGS or self._bytes > MOST_BYTES:
            oldest = next(iter(self._aging))
            if oldest == newest:
                return
            self._forget(*oldest)

    def _forget(self, kind: str, key: str) -> None:
        self._shelf(kind).pop(key, None)
        self._bytes -= self._aging.pop((kind, key), 0)

    def _held(self, kind: str) -> _Shelf:
        shelf = self._shelves.get(kind)
        if shelf is None:
            begun = self._first(kind) if self._first is not None else {}
            shelf = self._shelves.setdefault(kind, begun)
        return shelf

    def _shelf(self, kind: str) -> _Shelf:
        """The shelf of a kind, as one that is ours to change."""
        if kind not in self._own:
            self._shelves[kind] = dict(self._held(kind))
            self._own.add(kind)
        return self._shelves[kind]
