"""What a status may turn into, looked up instead of searched: ``x-lifecycle`` made ready at start."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from harness.contract.expressions import Context, evaluate, holds
from harness.contract.model import JSON, Lifecycle, Transition


@dataclass(frozen=True, slots=True)
class Timed:
    """A timed transition that is due, and the schema whose lifecycle it belongs to."""

    schema: str
    edge: Transition


Driver = str | Timed
"""What moves an aggregate: an operationId or receive operation, or time."""


def edge_key(edge: Transition) -> str:
    """A name for a timed transition that stays the same while the contract says the same."""
    said = repr((edge.at or edge.after, edge.sources, edge.to, edge.when))
    return f"{edge.to}:{hashlib.sha256(said.encode()).hexdigest()[:16]}"


def pascal(text: str) -> str:
    """``checked-in`` → ``CheckedIn``."""
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^0-9A-Za-z]+", text))


def is_last(lifecycle: Lifecycle | None, status: JSON) -> bool:
    """Whether no transition leads on from a status. A GET that documents 410 answers so from there on."""
    return lifecycle is not None and all(status not in edge.sources for edge in lifecycle.transitions)


class Rules:
    """The lifecycle of one component schema."""

    def __init__(self, lifecycle: Lifecycle) -> None:
        self.lifecycle = lifecycle
        self.status = lifecycle.status
        self.emits = lifecycle.emits
        self._by: dict[str, tuple[Transition, ...]] = {}
        for edge in lifecycle.transitions:
            if edge.by is not None:
                self._by[edge.by] = (*self._by.get(edge.by, ()), edge)
        self.timed = {edge_key(edge): edge for edge in lifecycle.transitions if edge.timed}

    def timers_in(self, status: str | None) -> Iterator[tuple[str, Transition]]:
        """The timed transitions that begin to run on entering a status, with their keys."""
        for key, edge in self.timed.items():
            if status in edge.sources:
                yield key, edge

    def following(self, driver: Timed) -> tuple[Transition, ...]:
        """The transitions that are made together with another lifecycle's timed one."""
        made = (driver.schema, driver.edge.after)
        return tuple(edge for edge in self.lifecycle.transitions if edge.follows == made)

    def begins(self, driver: Driver, document: Mapping[str, JSON], context: Context) -> Transition | None:
        """The transition with which something new begins by this cause, or None.

        A status that the document names already must be the one it begins in.
        """
        wanted = document.get(self.status)

        def fits(edge: Transition) -> bool:
            return not edge.sources and wanted in (None, edge.to)

        return self._choose(driver, fits, document, context)

    def step(
        self,
        driver: Driver,
        status: str | None,
        document: Mapping[str, JSON],
        context: Context,
        id: str,
        wanted: JSON = None,
    ) -> Transition | None:
        """The transition out of ``status`` that this cause drives, or None.

        ``document`` already holds the new fields; ``wanted`` is the status that the caller names, if it
        does. A transition whose ``id`` or ``each`` names another aggregate does not fit.
        """

        def fits(edge: Transition) -> bool:
            return (
                status in edge.sources
                and (wanted is None or wanted == edge.to)
                and _names(edge.id, context) in (None, id)
                and is_one_of(edge, document, context)
            )

        return self._choose(driver, fits, document, context)

    def _choose(
        self,
        driver: Driver,
        fits: Callable[[Transition], bool],
        document: Mapping[str, JSON],
        context: Context,
    ) -> Transition | None:
        if isinstance(driver, Timed) and driver.schema == self.lifecycle.schema:
            # Its criterion held when time was up; it need not for what the transition makes of it.
            return driver.edge if fits(driver.edge) else None
        edges = self._by.get(driver, ()) if isinstance(driver, str) else self.following(driver)
        possible = (edge for edge in edges if fits(edge))
        return next((edge for edge in possible if when_holds(edge, self.status, document, context)), None)


def when_holds(edge: Transition, status: str, document: Mapping[str, JSON], context: Context) -> bool:
    """Whether the transition's criterion holds; ``$response.body`` is the document as it would be."""
    if edge.when is None:
        return True
    return holds(edge.when, replace(context, response_body={**document, status: edge.to}))


def time_may(edge: Transition, status: str, document: Mapping[str, JSON]) -> bool:
    """Whether a timed transition's criterion holds for what is kept."""
    return when_holds(edge, status, document, Context())


def waits_for(edge: Transition, status: str, document: Mapping[str, JSON]) -> JSON:
    """What a timed transition waits for in what is kept; None for nothing. When it changes, the wait does."""
    if not time_may(edge, status, document):
        return None
    return True if edge.at is None else document.get(edge.at)


def due(edge: Transition, document: Mapping[str, JSON], now: datetime) -> datetime:
    """When a timed transition is made whose wait begins ``now`` (aware).

    What names no moment that can be read is due at once: what must end may not go on because of that.
    """
    if edge.at is None:
        return now + timedelta(seconds=edge.after or 0.0)
    try:
        moment = datetime.fromisoformat(str(document.get(edge.at)).upper())
        return max(now, moment.astimezone(UTC))
    except (ValueError, OverflowError):
        return now


def is_one_of(edge: Transition, document: Mapping[str, JSON], context: Context) -> bool:
    """Whether an aggregate is one of those that a transition moves, as far as its ``each`` says so."""
    if edge.each is None:
        return True
    named, expression = edge.each
    wanted = evaluate(expression, context)
    return wanted is not None and document.get(named) == wanted


def _names(expression: str | None, context: Context) -> JSON:
    """The aggregate that a transition names, as far as the cause alone says it: there is no answer yet."""
    return None if expression is None else evaluate(expression, context)
