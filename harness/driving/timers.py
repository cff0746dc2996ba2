"""Changes that time alone brings about, and how to get into the state in which the clock runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta

from harness.contract.expressions import Context, evaluate, holds
from harness.contract.model import EMPTY, JSON, Lifecycle, Transition
from harness.driving.bench import Bench
from harness.driving.calls import Exchange
from harness.driving.placing import get, split
from harness.driving.requests import send, successful
from harness.driving.scenarios import instances
from harness.driving.things import Thing, exist, read, status_of
from harness.errors import StateError

AHEAD = 30.0
"""Seconds by which the moment of a timer that names one lies ahead in what is made for it."""


@dataclass(frozen=True, slots=True)
class Followed:
    """An aggregate of another lifecycle that moves when the time of the first is up."""

    lifecycle: Lifecycle
    edge: Transition
    thing: Thing
    key: str


@dataclass(frozen=True, slots=True)
class Entered:
    """An aggregate whose clock runs; ``exchange`` is the request that brought it there, if one did.

    ``followed`` are those that will move with it.
    """

    thing: Thing
    key: str
    exchange: Exchange | None = None
    followed: tuple[Followed, ...] = ()


@dataclass(frozen=True, slots=True)
class Timer:
    """One timer transition from one of its states."""

    lifecycle: Lifecycle
    edge: Transition
    source: str

    @property
    def name(self) -> str:
        return f"{self.lifecycle.schema} {self.source} {self.edge.time}"

    @property
    def seconds(self) -> float:
        """How long it takes in what ``enter`` and ``made`` return."""
        return (self.edge.after or 0) if self.edge.at is None else AHEAD

    @property
    def wait(self) -> float:
        """Seconds by which to advance the clock."""
        return self.seconds + 1

    def enter(self, bench: Bench) -> Entered:
        """A new aggregate in the timer's state, by a request that leads there if there is one.

        One whose moment is its own is made: a request may name one that is years ahead. Raises StateError.
        """
        if self.edge.at is not None:
            return self.entered(bench, self.made(bench))
        for edge in self.lifecycle.transitions:
            operation = bench.contract.operations.get(edge.by or "")
            if operation is None or edge.to != self.source or edge.id is not None:
                continue
            prepared = successful(bench, operation)
            if prepared.thing is not None and self.runs(bench, prepared.thing):
                continue  # it was brought there by something else
            exchange = send(bench, prepared)
            if exchange.ok and status_of(bench, self.lifecycle.schema, exchange.body) == self.source:
                thing = Thing(self.lifecycle.schema, exchange.body)
                if self.admits(thing):
                    return self.entered(bench, thing, exchange)
        return self.entered(bench, self.made(bench))

    def made(self, bench: Bench) -> Thing:
        """A new aggregate in the timer's state that keeps its ``when``, with those that follow it.

        Raises StateError.
        """
        having: dict[str, JSON] = {}
        if self.edge.at is not None:
            moment = bench.states.now().astimezone(UTC) + timedelta(seconds=AHEAD)
            having[self.edge.at] = moment.isoformat(timespec="seconds").replace("+00:00", "Z")
        for lifecycle, edge in followers(bench, self.lifecycle, self.edge):
            source, pointer = split(edge.id or "")
            if source == "$response.body" and bench.anatomy.property_schema(self.lifecycle.schema, pointer):
                other = exist(bench, lifecycle.schema, statuses=edge.sources)
                having[pointer[1:]] = get(other.document, bench.anatomy.id_pointer(lifecycle.schema))
        candidates = [EMPTY, *(keeping(bench, self.lifecycle.schema, self.edge.when))]
        for more in candidates:
            thing = exist(bench, self.lifecycle.schema, statuses=(self.source,), having={**more, **having})
            if self.admits(thing):
                return thing
        raise StateError(
            str(self.edge.place), f"no {self.lifecycle.schema} is known that keeps '{self.edge.when}'"
        )

    def admits(self, thing: Thing) -> bool:
        """Whether an aggregate keeps the timer's criterion."""
        return self.edge.when is None or holds(self.edge.when, Context(response_body=thing.document))

    def runs(self, bench: Bench, thing: Thing) -> bool:
        """Whether the timer runs already for an aggregate."""
        there = status_of(bench, self.lifecycle.schema, thing.document)
        return thing.schema == self.lifecycle.schema and there == self.source and self.admits(thing)

    def entered(self, bench: Bench, thing: Thing, exchange: Exchange | None = None) -> Entered:
        """The aggregate with its key and what will follow it. Raises StateError if it shows no id."""
        key = get(thing.document, bench.anatomy.id_pointer(thing.schema))
        if not isinstance(key, str):
            raise StateError(str(self.edge.place), f"a {thing.schema} shows no id")
        followed = []
        for lifecycle, edge in followers(bench, self.lifecycle, self.edge):
            named = evaluate(edge.id, Context(response_body=thing.document)) if edge.id else None
            pointer = bench.anatomy.id_pointer(lifecycle.schema)
            seen = read(bench, Thing(lifecycle.schema, {pointer[1:]: named})) if named else None
            if seen is not None and status_of(bench, lifecycle.schema, seen.body) in edge.sources:
                other = Thing(lifecycle.schema, seen.body)
                followed.append(Followed(lifecycle, edge, other, str(named)))
        return Entered(thing, key, exchange, tuple(followed))

    def reproduce(self) -> str:
        """How to see it again."""
        state = f"'{self.lifecycle.schema} exists' with {self.lifecycle.status}={self.source}"
        if self.edge.at is not None:
            state += f" and {self.edge.at} {AHEAD:g} s ahead"
        return f'control: {state}; POST /clock/advance {{"by": "PT{self.wait:g}S"}}'


def timers(bench: Bench) -> Iterator[Timer]:
    """Every timer transition, once for each state that it starts from."""
    lifecycles: Mapping[str, Lifecycle] = bench.contract.lifecycles
    for lifecycle in lifecycles.values():
        for edge in lifecycle.transitions:
            if edge.timed:
                yield from (Timer(lifecycle, edge, source) for source in edge.sources)


def followers(bench: Bench, lifecycle: Lifecycle, edge: Transition) -> Iterator[tuple[Lifecycle, Transition]]:
    """The transitions of other lifecycles that are made together with a timed one."""
    for other in bench.contract.lifecycles.values():
        for each in other.transitions:
            if each.follows is not None and each.follows == (lifecycle.schema, edge.after):
                yield other, each


def keeping(bench: Bench, schema: str, when: str | None) -> Iterator[dict[str, JSON]]:
    """Properties of the contract's examples that keep a criterion: those that the criterion speaks of."""
    spoken = re.findall(r"\$response\.body#/([A-Za-z0-9_-]+)", when or "")
    for instance in instances(bench.contract, schema):
        if when is not None and holds(when, Context(response_body=instance)):
            yield {name: instance[name] for name in spoken if name in instance}
