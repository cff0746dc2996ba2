"""Which transition of which thing a cause drives: ``x-lifecycle`` made ready at start, asked per request.

A transition's ``id`` says where the cause names the thing that moves; transitions of one lifecycle that name
it in the same place belong together, and at most one of them is made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from harness.contract.expressions import Context, evaluate, parse
from harness.contract.lifecycles import when_holds
from harness.contract.model import JSON, Contract, Lifecycle, Transition
from mocks.resources import Kind, Role
from mocks.things import Thing


@dataclass(frozen=True, slots=True)
class Moved:
    """What a cause did to one thing. ``before`` is None for a new one, ``after`` for one that is no more.

    ``edge`` is None for a change that no lifecycle speaks of.
    """

    kind: Kind
    edge: Transition | None
    before: Thing | None
    after: Thing | None

    @property
    def key(self) -> str:
        thing = self.after or self.before
        return thing.key if thing is not None else ""


@dataclass(frozen=True, slots=True)
class Group:
    """Transitions of one lifecycle that one cause drives on one thing.

    ``names`` is the expression that names it, None for the thing that the operation itself addresses or
    makes. ``late`` says that only the answer names it. ``each`` is the property whose value ``names`` says,
    where all that have it move.
    """

    kind: Kind
    lifecycle: Lifecycle
    edges: tuple[Transition, ...]
    names: str | None = None
    late: bool = False
    each: str | None = None

    @property
    def begins(self) -> bool:
        """Whether a thing may begin so."""
        return any(not edge.sources for edge in self.edges)

    @property
    def moves(self) -> bool:
        """Whether a thing that is there may move so."""
        return any(edge.sources for edge in self.edges)

    def beginning(self, document: Mapping[str, JSON], context: Context) -> Transition | None:
        """The transition with which a thing begins. A status that the document names must be its own."""
        wanted = document.get(self.lifecycle.status)
        fitting = (edge for edge in self.edges if not edge.sources and wanted in (None, edge.to))
        return self._holding(fitting, document, context)

    def step(
        self, state: JSON, document: Mapping[str, JSON], context: Context, wanted: JSON = None
    ) -> Transition | None:
        """The transition out of a state, with the document as it would be; ``wanted`` names its end."""
        fitting = (edge for edge in self.edges if state in edge.sources and wanted in (None, edge.to))
        return self._holding(fitting, document, context)

    def named(self, context: Context) -> str | None:
        """The key of the thing that the cause names."""
        value = evaluate(self.names, context) if self.names is not None else None
        return None if value is None or isinstance(value, dict | list) else str(value)

    def _holding(
        self, edges: Iterable[Transition], document: Mapping[str, JSON], context: Context
    ) -> Transition | None:
        status = self.lifecycle.status
        return next((edge for edge in edges if when_holds(edge, status, document, context)), None)


def groups_of(
    contract: Contract, cause: str, kinds: Mapping[str, Kind], role: Role | None = None
) -> tuple[Group, ...]:
    """What an operationId or a receive operation drives. ``role`` is that of an HTTP operation."""
    found: dict[tuple[str, str | None, str | None], list[Transition]] = {}
    for lifecycle, edge in contract.caused_by(cause):
        own = edge.id is None or _is_own(edge.id, lifecycle, role)
        each, names = edge.each or (None, None if own else edge.id)
        found.setdefault((lifecycle.schema, names, each), []).append(edge)
    return tuple(
        Group(
            kinds[schema],
            contract.lifecycles[schema],
            tuple(edges),
            names,
            names is not None and names.startswith("$response"),
            each,
        )
        for (schema, names, each), edges in found.items()
        if schema in kinds
    )


def _is_own(named: str, lifecycle: Lifecycle, role: Role | None) -> bool:
    """Whether an ``id`` names what the operation addresses or answers anyway."""
    if role is None or role.kind.name != lifecycle.schema:
        return False
    expression = parse(named)
    if expression.source == "request.path":
        return expression.name == role.address
    return expression.source == "response.body" and expression.tokens == (role.kind.id,)


def followers(
    kinds: Mapping[str, Kind], leading: Moved, seconds: float | None
) -> list[tuple[Kind, Transition, str]]:
    """What moves with a thing whose time was up: kind, transition and key of each."""
    found = []
    document = leading.after.document if leading.after is not None else {}
    for kind in kinds.values():
        for edge in kind.lifecycle.transitions if kind.lifecycle is not None else ():
            if edge.follows != (leading.kind.name, seconds) or edge.id is None:
                continue
            named = evaluate(edge.id, Context(response_body=document))
            if isinstance(named, str | int):
                found.append((kind, edge, str(named)))
    return found


def answered(context: Context, document: Mapping[str, JSON]) -> Context:
    """The cause as expressions see it once it is answered with this document."""
    return replace(context, response_body=document)
