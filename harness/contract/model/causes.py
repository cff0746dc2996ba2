"""What causes which event, and what a status may turn into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.contract.model.values import EMPTY, NOWHERE, Place


@dataclass(frozen=True, slots=True)
class Emission:
    """An event that success causes: one entry of ``x-emits``, or one implied by a lifecycle.

    ``operation`` is an AsyncAPI send operation of the same service. ``statuses`` is empty for "any
    2xx" and for message causes. ``key`` and ``correlation`` are runtime expressions over the cause.
    ``within`` is seconds. ``transitions`` are those that it comes from, if it was implied.
    """

    operation: str
    statuses: tuple[str, ...] = ()
    when: str | None = None
    key: str | None = None
    correlation: str | None = None
    count: int = 1
    within: float = 5.0
    transitions: tuple[Transition, ...] = ()
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Transition:
    """One edge of a lifecycle; no ``sources`` means that the aggregate begins here.

    Exactly one of ``by`` (an operationId or a receive operation), ``after`` (seconds spent in the source
    state), ``at`` (the property of the aggregate that holds the moment) and ``follows`` is set. ``follows``
    is a timed transition of another lifecycle of the contract, as (its schema, its seconds): when that one is
    made, this one is made with it. ``id`` is a runtime
    expression over the cause that names the aggregate, where it is not the one that the operation itself
    acts on; for ``follows``, ``$response.body`` is the document of the aggregate whose time was up.
    ``each`` names many instead: all whose property (its first part) has the value of a runtime expression
    over the cause (its second).
    """

    to: str
    sources: tuple[str, ...] = ()
    by: str | None = None
    after: float | None = None
    when: str | None = None
    id: str | None = None
    place: Place = NOWHERE
    follows: tuple[str, float] | None = None
    at: str | None = None
    each: tuple[str, str] | None = None

    @property
    def timed(self) -> bool:
        """Whether time alone makes it."""
        return self.after is not None or self.at is not None

    @property
    def time(self) -> str:
        """When time makes it, in words."""
        return f"after {self.after or 0:g} s" if self.at is None else f"at {self.at}"


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """What a status may turn into. ``schema`` names the component schema, ``status`` its property."""

    schema: str
    status: str
    transitions: tuple[Transition, ...]
    emits: str | None = None
    deadlines: Mapping[str, float] = field(default=EMPTY)
    place: Place = NOWHERE

    @property
    def states(self) -> tuple[str, ...]:
        """Every state that a transition names, in order of appearance."""
        named = (state for edge in self.transitions for state in (*edge.sources, edge.to))
        return tuple(dict.fromkeys(named))
