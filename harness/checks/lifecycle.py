"""Does every legal transition work, and is every other one refused without a trace?"""

from __future__ import annotations

from collections.abc import Iterator

from harness.checks.check import Check, Verdicts
from harness.contract.model import Lifecycle, Operation, System, Transition
from harness.driving.anatomy import Driven
from harness.driving.bench import Bench
from harness.driving.edges import edge_for
from harness.driving.requests import inconclusive, send, successful
from harness.driving.scenarios import Scenario, promising
from harness.driving.things import changes, reading
from harness.driving.timers import Timer, timers
from harness.driving.transitions import (
    Untold,
    begun_by_message,
    by_message,
    by_request,
    by_time,
    until,
)
from harness.errors import StateError
from harness.findings import Result
from harness.target import Limits, Target

NAME = "lifecycle"


def run(system: System, target: Target, limits: Limits) -> Iterator[Result]:
    """All edges of every ``x-lifecycle``, then every HTTP operation in every state that it does not accept.

    Raises HarnessError where the target cannot be reached or reset.
    """
    verdicts = Verdicts(NAME, target.service)
    with Bench(system, target, limits) as bench:
        for lifecycle in bench.contract.lifecycles.values():
            for edge in lifecycle.transitions:
                yield from _legal(bench, verdicts, lifecycle, edge)
        for operation in bench.operations():
            for driven in bench.anatomy.driven(operation):
                if driven.expression is None or driven.origin == "request":
                    yield from _illegal(bench, verdicts, operation, driven)


def _legal(bench: Bench, verdicts: Verdicts, lifecycle: Lifecycle, edge: Transition) -> Iterator[Result]:
    if edge.follows is not None:
        yield from _following(bench, verdicts, lifecycle, edge)
        return
    cause = edge.by or edge.time
    for source in edge.sources or (None,):
        title = f"{lifecycle.schema} {source or '(new)'} → {edge.to}"
        try:
            if edge.timed and source is not None:
                trouble = by_time(bench, Timer(lifecycle, edge, source))
            elif cause in bench.contract.operations:
                trouble = by_request(bench, lifecycle, edge, source, bench.contract.operations[cause])
            elif cause in bench.contract.message_operations:
                operation = bench.contract.message_operations[cause]
                if source is not None:
                    trouble = by_message(bench, lifecycle, edge, source, operation)
                elif bench.target.kafka is not None and lifecycle.emits is not None:
                    trouble = begun_by_message(bench, lifecycle, edge, operation)
                else:
                    why = f"{title}: which {lifecycle.schema} a message begins is seen in its event only"
                    yield verdicts.not_applicable(cause, why)
                    continue
            else:
                raise Untold(str(edge.place), f"the contract knows no operation {cause}")
        except (StateError, Untold) as error:
            yield verdicts.untold(cause, error, title)
            continue
        if trouble is None:
            yield verdicts.passed(cause, title)
        else:
            received, reproduce = trouble
            yield verdicts.finding(
                cause,
                f"A legal transition does not work: {title}",
                received,
                f"{cause} turns {source or 'nothing'} into {edge.to}",
                edge.place,
                reproduce,
            )


def _following(bench: Bench, verdicts: Verdicts, lifecycle: Lifecycle, edge: Transition) -> Iterator[Result]:
    """A transition that is made together with a timed one of another lifecycle."""
    schema, seconds = edge.follows or ("", 0.0)
    cause = f"after {seconds:g} s of {schema}"
    leading = [each for each in timers(bench) if (each.lifecycle.schema, each.edge.after) == edge.follows]
    if not leading:
        yield verdicts.untold(
            cause, f"no transition of a {schema} takes that time", f"{lifecycle.schema} → {edge.to}"
        )
    for timer in leading:
        title = f"{lifecycle.schema} {', '.join(edge.sources)} → {edge.to} with {timer.name}"
        try:
            thing = timer.made(bench)
            moved = [each for each in timer.entered(bench, thing).followed if each.edge == edge]
            if not moved:
                raise Untold(
                    str(edge.place), f"no {schema} is known with a {lifecycle.schema} that follows it"
                )
            bench.states.advance(timer.wait)
            seen = until(
                bench, moved[0].thing, lifecycle, edge.to, min(5.0, bench.limits.timeout), unlike=None
            )
        except (StateError, Untold) as error:
            yield verdicts.untold(cause, error, title)
            continue
        if seen is None:
            yield verdicts.passed(cause, title)
        else:
            wrong = f"A legal transition does not work: {title}"
            documented = f"{edge.to}, once the {schema}'s time is up"
            yield verdicts.finding(cause, wrong, seen.received(), documented, edge.place, timer.reproduce())


def _illegal(bench: Bench, verdicts: Verdicts, operation: Operation, driven: Driven) -> Iterator[Result]:
    """The operation in every state that none of its transitions starts from, for what is asked of it."""
    if driven.expression is None and (driven.begins or bench.anatomy.acts_on(operation) is None):
        return  # what it acts on begins with it
    schema = driven.lifecycle.schema
    refused: dict[str, list[str]] = {}
    for status, scenario in _wrong(bench, operation, driven):
        by = _by(scenario)
        try:
            finding = _tried(bench, verdicts, operation, driven, status, scenario)
        except (StateError, Untold) as error:
            yield verdicts.untold(operation.id, error, f"refusal of {schema} {status}{by}")
            continue
        if finding is not None:
            yield finding
        else:
            refused.setdefault(by, []).append(status)
    for by, states in refused.items():
        title = f"refused, and nothing changed, for a {schema} that is {', '.join(states)}{by}"
        yield verdicts.passed(operation.id, title, len(states))


def _wrong(bench: Bench, operation: Operation, driven: Driven) -> Iterator[tuple[str, Scenario | None]]:
    """States that no transition starts from, then those from which none does what an example asks."""
    accepted, cases = driven.sources, bench.limits.cases
    others = [each for each in bench.anatomy.status_values(driven.lifecycle) if each not in accepted]
    yield from ((status, None) for status in others[:cases])
    for scenario in promising(operation, bench.limits.seed):
        excluded = [each for each in accepted if edge_for(driven, each, scenario, operation) is None]
        yield from ((status, scenario) for status in excluded[:cases])


def _by(scenario: Scenario | None) -> str:
    return "" if scenario is None else f", by '{scenario.name}'"


def _tried(
    bench: Bench,
    verdicts: Verdicts,
    operation: Operation,
    driven: Driven,
    status: str,
    scenario: Scenario | None,
) -> Result | None:
    schema = driven.lifecycle.schema
    if driven.expression is None:
        prepared = successful(bench, operation, scenario=scenario, status=status)
    else:
        prepared = successful(bench, operation, scenario=scenario, others={schema: status})
    by = _by(scenario)
    things = [thing for thing in (prepared.thing, *prepared.others.values()) if thing is not None]
    before = [reading(bench, thing) for thing in things]
    exchange = send(bench, prepared)
    after = [reading(bench, thing) for thing in things]
    documented = f"409, and nothing changes: no transition by {operation.id} starts from {status}{by}"
    if failed := next((each.status for each in (*before, *after) if each.status >= 500), None):
        raise Untold(str(driven.lifecycle.place), f"whether it changes nothing: GET answered {failed}")
    if exchange.status != 409 and (why := inconclusive(prepared, exchange)) is not None:
        raise Untold(str(driven.lifecycle.place), why)
    if exchange.status != 409:
        title = f"An illegal transition is not refused with 409: a {schema} that is {status}{by}"
        return verdicts.finding(
            operation.id,
            title,
            exchange.received(),
            documented,
            driven.lifecycle.place,
            exchange.curl(),
        )
    for thing, old, new in zip(things, before, after, strict=True):
        if old != new:
            title = f"A refused transition changed the {thing.schema}"
            shown = f"409, and then GET shows {changes(old, new)}"
            return verdicts.finding(
                operation.id, title, shown, documented, driven.lifecycle.place, exchange.curl()
            )
    return None


CHECK = Check(
    name=NAME,
    run=run,
    needs=frozenset({"state"}),
    sees=(
        "Transitions of x-lifecycle that do not work, by request, message or time, and requests that are let "
        "through in a state that no transition starts from."
    ),
    misses="Rules that no lifecycle states, and what two changes at the same time do (concurrency).",
)
