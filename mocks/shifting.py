"""Transitions that a thing makes by another's request, by a message or by time: its document afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from harness.contract.model import JSON, Contract, Transition
from mocks.known import without
from mocks.lessons import AllLooks
from mocks.making import clocks_of, fitted, timestamp
from mocks.moves import Moved
from mocks.resources import Kind
from mocks.things import State, Thing
from mocks.uniqueness import of_its_own


class Shifting:
    """Moves things in a state. Whoever calls holds the mock's lock."""

    def __init__(self, contract: Contract, looks: AllLooks, now: Callable[[], datetime]) -> None:
        self._contract, self._looks, self._now = contract, looks, now
        self._clocks: dict[str, frozenset[str]] = {}

    def entering(
        self, kind: Kind, document: Mapping[str, JSON], to: str, known: frozenset[str]
    ) -> dict[str, JSON]:
        """The document as a thing in that state looks."""
        looks = self._looks.get(kind.name)
        return looks.entering(document, to, known) if looks is not None else dict(document)

    def shift(
        self,
        state: State,
        kind: Kind,
        thing: Thing,
        edge: Transition,
        *,
        cause: JSON = None,
        by_time: bool = False,
    ) -> Moved:
        """Make a transition. ``cause`` is the message that drives it, ``by_time`` that only time does."""
        status, looks = kind.status or "", self._looks.get(kind.name)
        stood = thing.document.get(status)
        document, known = dict(thing.document), frozenset[str]()
        if looks is not None:
            told = looks.told(
                edge.to, stood if isinstance(stood, str) else None, document, cause, by_time=by_time
            )
            known = frozenset(told.fixed)
            document = {**without(document, told.gone - kind.required), **told.fixed}
            if stood != edge.to:
                document = looks.entering(document, edge.to, known)
        document[status] = edge.to
        version = thing.version + 1
        if "version" in kind.named:
            document["version"] = version
        document |= {name: timestamp(self._now()) for name in self._changing(kind) if name in document}
        certain = {
            n: v for n, v in document.items() if n in (kind.id, status, "version") or n in kind.required
        }
        document = fitted(self._contract, kind, document, certain, thing.document)
        document = of_its_own(state, kind, thing.key, document)
        after = state.put(Thing(kind.name, thing.key, document, version, scope=thing.scope))
        return Moved(kind, edge, thing, after)

    def _changing(self, kind: Kind) -> frozenset[str]:
        """The properties that say when a thing was last changed."""
        if kind.name not in self._clocks:
            self._clocks[kind.name] = clocks_of(kind)[0]
        return self._clocks[kind.name]
