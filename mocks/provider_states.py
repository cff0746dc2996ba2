"""What tests may do to what a mock holds: states, snapshots, its clock. None of it emits events."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from harness.contract.model import JSON
from harness.contract.nearest import did_you_mean
from harness.contract.schema import complete
from harness.errors import StateError
from harness.serving.control import Action, Held
from harness.serving.problems import Problem
from harness.serving.spans import spans_of, traceparent_here
from harness.serving.tracing import made_id
from mocks.handling import Handling
from mocks.identity import new_id
from mocks.messages import Inlet
from mocks.moves import Moved
from mocks.resources import Kind
from mocks.seeding import version_of
from mocks.stateful import Stateful
from mocks.things import State, Thing
from mocks.uniqueness import Shared, of_its_own


class ProviderStates:
    """``harness.serving.control.Control`` over a mock's state and clock, and snapshots of it.

    Everything takes the name of a session, ``""`` being everybody's state.
    """

    def __init__(self, held: Stateful, handling: Handling, inlet: Inlet | None, seed: int) -> None:
        self._held, self._handling, self._inlet, self._seed = held, handling, inlet, seed
        self._spans = spans_of(held.contract.service)

    def change_state(
        self, schema: str, action: Action, parameters: Mapping[str, JSON], session: str = ""
    ) -> Held:
        """Put in, over what has the same id, or take out. Raises StateError or ContractError."""
        kind = self._kind(schema)
        with self._held.lock:
            state = self._held.sessions.named(session)
            if action == "teardown":
                self._remove(kind, parameters, state)
                return Held(schema, None, 0)
            thing = self._put(kind, parameters, state)
            moved = Moved(kind, None, None, thing)
            if self._handling.timers is not None:  # the time of the one before it is over
                self._handling.timers.left(state.name, kind.name, thing.key)
            with self._spans.occasion(f"state {kind.name}"):
                self._handling.enter(moved, state, made_id(), traceparent_here())
        return Held(schema, thing.document, thing.version)

    def reset(self, *, seed: bool = True, session: str | None = None) -> None:
        """Forget everything, or what one session did; with ``seed`` hold the contract's examples again.

        Without a session the clock goes with real time again.
        """
        with self._held.lock:
            if session is None:
                self._held.clock.set_back()
                self._handling.relations.clear()
                if self._handling.timers is not None:
                    self._handling.timers.forget()
                if self._inlet is not None:
                    self._inlet.forget()
            self._held.sessions.reset(session, seed=seed)

    def snapshot(self, session: str = "") -> JSON:
        """All that a state holds, as a JSON object."""
        with self._held.lock:
            return self._held.sessions.snapshot(session)

    def restore(self, snapshot: JSON, session: str = "") -> None:
        """Hold what a snapshot has, and nothing else. Raises StateError for what is none."""
        if not isinstance(snapshot, Mapping):
            raise StateError("snapshot", "this is no object", "what a snapshot gave")
        with self._held.lock:
            try:
                self._held.sessions.restore(snapshot, session)
            except Problem as problem:
                told = "; ".join(f"{each.pointer} {each.detail}" for each in problem.errors)
                raise StateError("snapshot", told or problem.detail, "what a snapshot gave") from problem

    def now(self) -> datetime:
        return self._held.clock.now()

    def set_now(self, now: datetime) -> None:
        """Forward it passes through every timer; back it just is."""
        ahead = (now - self._held.clock.now()).total_seconds()
        if ahead > 0:
            self.advance(ahead)
        else:
            self._held.clock.set_date(now)

    def advance(self, seconds: float) -> None:
        if self._handling.timers is not None:
            self._handling.timers.advance(seconds)
        else:
            self._held.clock.forward(seconds)

    def healthy(self) -> bool:
        return True

    def _kind(self, schema: str) -> Kind:
        kind = self._held.kinds.get(schema)
        if kind is None:
            raise StateError(
                f"{schema} exists",
                f"{self._held.contract.service} keeps nothing of that kind",
                f"one of {', '.join(sorted(self._held.kinds))}",
                did_you_mean(schema, self._held.kinds),
            )
        return kind

    def _put(self, kind: Kind, parameters: Mapping[str, JSON], state: State) -> Thing:
        """As if it had come about by itself."""
        partial = dict(parameters)
        if kind.id is not None and partial.get(kind.id) is None:
            partial[kind.id] = new_id(kind, state, self._seed)
        document = complete(self._held.contract, kind.name, partial)
        key = str(document[kind.id]) if kind.id is not None else str(new_id(kind, state, self._seed))
        try:
            document = of_its_own(state, kind, key, document, parameters)
        except Shared as shared:
            raise StateError(
                f"{kind.name} exists", f"another {kind.name} has the same {shared.name}", "a different one"
            ) from None
        before = state.get(kind.name, key)
        if before is not None:
            state.remove(before)
        return state.put(Thing(kind.name, key, document, version_of(document)))

    def _remove(self, kind: Kind, parameters: Mapping[str, JSON], state: State) -> None:
        named = parameters.get(kind.id or "")
        if named is None:
            raise StateError(
                f"{kind.name} exists", "the parameters do not say which one is to be removed", "its id"
            )
        found = state.get(kind.name, str(named))
        if found is not None:
            state.remove(found)
            if self._handling.timers is not None:
                self._handling.timers.left(state.name, kind.name, found.key)
