"""Which state a request sees: everybody's, or that of the session it names with ``X-Portal-Session``.

A session begins with what the mock was seeded with, whatever others did meanwhile, and shares it until it
changes something. The one that was used longest ago is forgotten when there are too many, or when all hold
too much.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from harness.contract.model import JSON
from harness.serving.problems import Problem, Reason
from mocks.seeding import Seeds
from mocks.things import State, Thing

HEADER = "X-Portal-Session"
KAFKA_HEADER = "x-portal-session"
"""On events of a session, so that other mocks go on in the same one."""

MOST = 256
MOST_BYTES = 64 * 1024 * 1024
"""Of what all named sessions hold of their own, as JSON."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Sessions:
    """All states of one mock. Whoever changes one holds the mock's lock."""

    def __init__(self, seeds: Seeds) -> None:
        self._seeds = seeds
        self._shelves: dict[str, dict[str, Thing]] = {}
        self._seeded = True
        self._everybodys = self._new("")
        self._named: OrderedDict[str, State] = OrderedDict()

    def of(self, headers: Mapping[str, str]) -> State:
        """The state for a request. Raises Problem 400 for a session's name that is none."""
        name = headers.get("x-portal-session")
        if name is None:
            return self._everybodys
        if not _NAME.fullmatch(name):
            detail = "must be 1 to 64 letters, digits, dots, hyphens and underscores"
            raise Problem(400, errors=[Reason(f"/header/{HEADER}", detail)])
        return self.named(name)

    def told(self, headers: Mapping[str, str]) -> State:
        """The state for a message: that of the session it names, else everybody's."""
        name = headers.get(KAFKA_HEADER, "")
        return self.named(name) if _NAME.fullmatch(name) else self._everybodys

    def named(self, name: str) -> State:
        """The state of a session, begun if it is new; everybody's for ``""``."""
        if not name:
            return self._everybodys
        state = self._named.get(name)
        if state is None:
            self._make_room(MOST - 1)
            state = self._named[name] = self._new(name)
        else:
            self._named.move_to_end(name)
        return state

    def find(self, name: str) -> State | None:
        """The state of a session that there is; None for one that was forgotten."""
        return self._everybodys if not name else self._named.get(name)

    def changed(self, state: State) -> None:
        """A session may have grown: others go if all are too large."""
        if state.name:
            self._make_room(MOST)

    def reset(self, name: str | None = None, *, seed: bool = True) -> None:
        """Begin anew: one session, or (None) everybody's with every session forgotten.

        Without ``seed`` it is empty, and so are the sessions that begin after it.
        """
        if name is None:
            self._seeded = seed
            self._named.clear()
        state = State(name or "", self._first if seed else None)
        if name:
            self._named[name] = state
        else:
            self._everybodys = state

    def end(self, name: str) -> None:
        """Forget a session."""
        self._named.pop(name, None)

    @property
    def names(self) -> tuple[str, ...]:
        """The sessions that there are, the one used longest ago first."""
        return tuple(self._named)

    def snapshot(self, name: str = "") -> dict[str, JSON]:
        """Everything that a state holds, as JSON: what ``restore`` takes."""
        return {"things": [_told(thing) for thing in self.named(name).every(self._seeds)]}

    def restore(self, snapshot: Mapping[str, Any], name: str = "") -> None:
        """Make a state what it was. What is kept for Idempotency-Keys is forgotten.

        Raises Problem 422 for what is no snapshot.
        """
        state = State(name)
        things = snapshot.get("things")
        if not isinstance(things, list):
            raise Problem(422, errors=[Reason("/things", "must be a list")])
        for at, each in enumerate(things):
            state.put(_read(at, each))
        if name:
            self._named[name] = state
            self._named.move_to_end(name)
            self._make_room(MOST)
        else:
            self._everybodys = state

    def _new(self, name: str) -> State:
        return State(name, self._first if self._seeded else None)

    def _first(self, kind: str) -> dict[str, Thing]:
        """What every state begins with, shared by all of them."""
        shelf = self._shelves.get(kind)
        if shelf is None:
            shelf = self._shelves.setdefault(kind, self._seeds.things(kind))
        return shelf

    def _make_room(self, most: int) -> None:
        while self._named and (len(self._named) > most or self._held() > MOST_BYTES):
            if len(self._named) == 1 and most:
                return
            self._named.popitem(last=False)

    def _held(self) -> int:
        return sum(state.bytes for state in self._named.values())


def _told(thing: Thing) -> dict[str, JSON]:
    told: dict[str, JSON] = {
        "kind": thing.kind,
        "key": thing.key,
        "version": thing.version,
        "document": dict(thing.document),
    }
    return {**told, "scope": dict(thing.scope)} if thing.scope else told


def _read(at: int, told: Any) -> Thing:
    match told:
        case {
            "kind": str() as kind,
            "key": str() as key,
            "version": int() as version,
            "document": dict() as document,
        }:
            scope = told.get("scope") or {}
            if isinstance(scope, dict):
                return Thing(kind, key, document, version, scope={str(n): str(v) for n, v in scope.items()})
    raise Problem(422, errors=[Reason(f"/things/{at}", "must have kind, key, version and document")])
