"""One transition of a lifecycle, tried by what drives it: a request, a message, or time."""

from __future__ import annotations

import time
from collections.abc import Mapping

from harness.contract.expressions import evaluate
from harness.contract.model import Lifecycle, MessageOperation, Operation, Transition
from harness.driving.anatomy import Driven
from harness.driving.bench import Bench
from harness.driving.calls import Exchange
from harness.driving.edges import edge_for
from harness.driving.exercising import admitting
from harness.driving.listings import subject_property
from harness.driving.messages import Posting, examples, posting
from harness.driving.requests import Prepared, inconclusive, send, successful
from harness.driving.scenarios import promising
from harness.driving.things import Reading, Thing, exist, is_over, read, reading, reading_of, status_of
from harness.driving.timers import Timer
from harness.driving.watching import Watch, correlation_of
from harness.errors import HarnessError
from harness.kafka.wire import publish

_POLL = 0.05


class Untold(HarnessError):
    """A transition could not be tried, or what came of it says nothing."""


Trouble = tuple[str, str]
"""What was received, and how to see it again. Where a transition works, there is None."""


def by_request(
    bench: Bench, lifecycle: Lifecycle, edge: Transition, source: str | None, operation: Operation
) -> Trouble | None:
    """Call what drives it, in the state ``source`` (None: it begins). Raises Untold, StateError."""
    driven = next(d for d in bench.anatomy.driven(operation) if edge in d.edges)
    prepared = _prepared(bench, operation, driven, edge, source)
    exchange = send(bench, prepared)
    why = inconclusive(prepared, exchange)
    if why is not None:
        raise Untold(str(edge.place), why)
    if not exchange.ok:
        return exchange.received(), exchange.curl()
    thing = _moved(bench, lifecycle, driven, prepared, exchange)
    if thing is None:
        raise Untold(
            str(edge.place), f"the answer of {operation.id} does not say which {lifecycle.schema} moved"
        )
    return _shows(bench, thing, lifecycle, edge, exchange)


def _prepared(
    bench: Bench, operation: Operation, driven: Driven, edge: Transition, source: str | None
) -> Prepared:
    for scenario in promising(operation, bench.limits.seed):
        if edge_for(Driven(driven.lifecycle, (edge,)), source, scenario, operation) is None:
            continue
        if driven.expression is None:
            return successful(bench, operation, scenario=scenario, status=source)
        others = {driven.lifecycle.schema: source} if source and driven.origin == "request" else {}
        return successful(bench, operation, scenario=scenario, others=others)
    raise Untold(str(edge.place), f"no example of {operation.id} keeps '{edge.when}'")


def _moved(
    bench: Bench, lifecycle: Lifecycle, driven: Driven, prepared: Prepared, exchange: Exchange
) -> Thing | None:
    """The aggregate that the call moved, as the answer or its preparation shows it."""
    if driven.expression is not None:
        named = evaluate(driven.expression, exchange.context())
        pointer = bench.anatomy.id_pointer(lifecycle.schema)
        if named is None:
            return None
        made = prepared.others.get(driven.expression)
        known = dict(made.document) if made is not None else {}
        return Thing(lifecycle.schema, {**known, pointer[1:]: named})
    answered = bench.anatomy.answers(exchange.call.operation)
    if prepared.thing is not None and prepared.thing.schema == lifecycle.schema != answered:
        return prepared.thing
    if isinstance(exchange.body, Mapping) and answered:
        return Thing(lifecycle.schema, exchange.body, exchange.headers.get("etag"))
    return prepared.thing


def _shows(
    bench: Bench, thing: Thing, lifecycle: Lifecycle, edge: Transition, exchange: Exchange
) -> Trouble | None:
    """None if a GET shows the aggregate in the new state; without a GET the answer must."""
    seen = read(bench, thing)
    if seen is None:
        shown = status_of(bench, lifecycle.schema, exchange.body)
        return None if shown in _reachable(lifecycle, edge.to) else (exchange.received(), exchange.curl())
    if seen.ok and status_of(bench, lifecycle.schema, seen.body) in _reachable(lifecycle, edge.to):
        return None
    if is_over(bench, lifecycle.schema, edge.to, seen):
        return None
    return f"{exchange.status}, and then GET: {seen.received()}", f"{exchange.curl()}\n{seen.curl()}"


def _reachable(lifecycle: Lifecycle, state: str) -> set[str]:
    """The state itself, and those that time alone leads to from it within a few seconds."""
    return {state} | {e.to for e in lifecycle.transitions if state in e.sources and (e.after or 1e9) < 5}


def by_message(
    bench: Bench, lifecycle: Lifecycle, edge: Transition, source: str, operation: MessageOperation
) -> Trouble | None:
    """Publish what drives it, and look until a GET shows it. Raises Untold, StateError."""
    if bench.target.kafka is None:
        raise Untold(str(edge.place), "no Kafka address was given for this target")
    example = admitting(operation, examples(operation), edge.when)
    if example is None:
        raise Untold(str(edge.place), f"no example of a message of {operation.id} keeps '{edge.when}'")
    message = posting(bench, operation, example, statuses={lifecycle.schema: source})
    thing = message.things[lifecycle.schema]
    things = [thing] if edge.each is None else [thing, _alike(bench, thing, source, edge.each[0])]
    before = [reading(bench, each) for each in things]
    publish(bench.target.kafka, [message])
    within = max((e.within for e in operation.emits), default=bench.limits.timeout)
    for each, was in zip(things, before, strict=True):
        after = until(bench, each, lifecycle, edge.to, within, unlike=was)
        if after is not None:
            return f"after {within:g} s the GET still shows: {after.received()}", message.reproduce()
    return None


def _alike(bench: Bench, thing: Thing, source: str, shared: str) -> Thing:
    """Another one in the same state with the same value of a property."""
    having = {shared: thing.document[shared]}
    return exist(bench, thing.schema, statuses=(source,), like=thing.document, having=having)


def begun_by_message(
    bench: Bench, lifecycle: Lifecycle, edge: Transition, operation: MessageOperation
) -> Trouble | None:
    """Publish what begins an aggregate: the event says which one, and a GET must show it.

    Raises Untold, StateError.
    """
    example = admitting(operation, examples(operation), edge.when)
    if example is None:
        raise Untold(str(edge.place), f"no example of a message of {operation.id} keeps '{edge.when}'")
    message = posting(bench, operation, example)
    sending = bench.contract.message_operations[lifecycle.emits or ""]
    with Watch(bench) as watch:
        publish(watch.broker, [message])
        within = max((e.within for e in operation.emits), default=bench.limits.timeout)
        records = watch.wait_for(
            lambda record: (
                record.topic == sending.channel.address
                and correlation_of(record, sending) == message.correlation
            ),
            within,
        )
    if not records:
        return f"no {sending.id} within {within:g} s", message.reproduce()
    thing = Thing(lifecycle.schema, {bench.anatomy.id_pointer(lifecycle.schema)[1:]: records[0].key})
    seen = read(bench, _subjected(bench, thing, message))
    if seen is None:
        raise Untold(str(lifecycle.place), f"no GET reads a {lifecycle.schema}")
    if seen.ok and status_of(bench, lifecycle.schema, seen.body) in _reachable(lifecycle, edge.to):
        return None
    return seen.received(), f"{message.reproduce()}\n{seen.curl()}"


def _subjected(bench: Bench, thing: Thing, message: Posting) -> Thing:
    """With the patient of whom the message speaks, as the one whose token may read it."""
    name = subject_property(bench, thing.schema)
    subject = evaluate(message.message.subject, message.context()) if message.message.subject else None
    return Thing(thing.schema, {**thing.document, name: subject}) if name and subject else thing


def by_time(bench: Bench, timer: Timer) -> Trouble | None:
    """Let time pass on the service's clock: not before its time, and soon after it.

    Raises Untold, StateError.
    """
    lifecycle, edge, began = timer.lifecycle, timer.edge, bench.states.now()
    thing = timer.made(bench)
    before = reading(bench, thing) if edge.to == timer.source else None
    if timer.wait > 6:
        bench.states.advance(timer.wait - 3)
        early = read(bench, thing)
        if early is not None and _left(lifecycle, early, timer, before, bench):
            passed = (bench.states.now() - began).total_seconds()
            if passed < timer.seconds:  # else we were too slow to see the time before
                return f"after {passed:.0f} s already: {early.received()}", timer.reproduce()
        bench.states.advance(3)
    else:
        bench.states.advance(timer.wait)
    seen = until(bench, thing, lifecycle, edge.to, min(5.0, bench.limits.timeout), unlike=before)
    return None if seen is None else (seen.received(), timer.reproduce())


def _left(lifecycle: Lifecycle, seen: Exchange, timer: Timer, before: Reading | None, bench: Bench) -> bool:
    """Whether a GET shows that time has moved the aggregate; one that stays in its state, by any change."""
    if before is not None:
        return reading_of(seen) != before
    return status_of(bench, lifecycle.schema, seen.body) != timer.source


def until(
    bench: Bench, thing: Thing, lifecycle: Lifecycle, to: str, within: float, unlike: Reading | None
) -> Exchange | None:
    """Wait ``within`` seconds until a GET shows the state, changed if it was in it before (``unlike``).

    None if it does, else what it shows instead. Raises Untold where no GET reads it.
    """
    deadline = time.monotonic() + within
    while True:
        seen = read(bench, thing)
        if seen is None:
            raise Untold(str(lifecycle.place), f"no GET reads a {lifecycle.schema}")
        there = status_of(bench, lifecycle.schema, seen.body) in _reachable(lifecycle, to)
        if there and (unlike is None or reading_of(seen) != unlike):
            return None
        if time.monotonic() > deadline:
            return seen
        time.sleep(_POLL)
