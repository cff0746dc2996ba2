"""The way of an aggregate from one status to another, by requests and by messages, gone step by step."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence

from harness.contract.model import JSON, MessageOperation, Operation, Transition
from harness.driving.bench import Bench
from harness.driving.exercising import admitting
from harness.driving.messages import examples, posting
from harness.driving.requests import send, successful
from harness.driving.scenarios import scenarios, with_values
from harness.driving.things import Thing, cannot_make, read, status_of, thing_of
from harness.kafka.wire import publish

Step = tuple[Transition, Operation | MessageOperation]
_POLL = 0.05


def go(bench: Bench, thing: Thing, statuses: Sequence[str], wanted: Mapping[str, JSON]) -> Thing:
    """The thing, brought to one of the wished statuses (none: as it is). Raises StateError."""
    now = status_of(bench, thing.schema, thing.document)
    if not statuses or now is None or now in statuses:
        return thing
    way = route(bench, thing, statuses)
    if not way:
        raise cannot_make(bench, thing.schema, f"nothing that can be done leads from {now} to {statuses[0]}")
    for edge, cause in way:
        if isinstance(cause, Operation):
            thing = _by_request(bench, thing, cause, wanted)
        else:
            thing = _by_message(bench, thing, edge, cause)
    return thing


def route(bench: Bench, thing: Thing, statuses: Sequence[str]) -> list[Step]:
    """The shortest way through the lifecycle to one of the statuses, requests rather than messages.

    Empty where none leads there. Messages need Kafka.
    """
    lifecycle = bench.contract.lifecycles.get(thing.schema)
    start = status_of(bench, thing.schema, thing.document)
    if lifecycle is None or start is None:
        return []
    steps = [*_requests(bench, lifecycle.transitions), *_messages(bench, lifecycle.transitions)]
    queue: deque[tuple[str, list[Step]]] = deque([(start, [])])
    seen = {start}
    while queue:
        state, way = queue.popleft()
        if state in statuses:
            return way
        for edge, cause in steps:
            if state in edge.sources and edge.to not in seen:
                seen.add(edge.to)
                queue.append((edge.to, [*way, (edge, cause)]))
    return []


def _requests(bench: Bench, edges: Sequence[Transition]) -> list[Step]:
    """Edges that an operation drives which addresses the aggregate itself."""
    operations = bench.contract.operations
    known = [(edge, operations.get(edge.by or "")) for edge in edges if edge.id is None and edge.sources]
    return [(edge, operation) for edge, operation in known if operation is not None]


def _messages(bench: Bench, edges: Sequence[Transition]) -> list[Step]:
    receives = bench.contract.receives if bench.target.kafka is not None else {}
    known = [(edge, receives.get(edge.by or "")) for edge in edges if edge.sources]
    return [(edge, operation) for edge, operation in known if operation is not None]


def _by_request(bench: Bench, thing: Thing, operation: Operation, wanted: Mapping[str, JSON]) -> Thing:
    scenario = with_values(scenarios(operation, bench.limits.seed)[0], wanted)
    exchange = send(bench, successful(bench, operation, scenario=scenario, thing=thing))
    if not exchange.ok or not isinstance(exchange.body, Mapping):
        raise cannot_make(bench, thing.schema, f"{operation.id} answered {exchange.briefly()}")
    return thing_of(thing.schema, exchange)


def _by_message(bench: Bench, thing: Thing, edge: Transition, operation: MessageOperation) -> Thing:
    """Publish what moves it, and wait until a GET shows that it did."""
    unheard = f"no GET shows that {operation.id} led it to {edge.to}"
    if (operation.id, edge.to) in bench.unheard:  # waiting for each would hold up the run
        raise cannot_make(bench, thing.schema, unheard)
    example = admitting(operation, examples(operation), edge.when)
    if example is None or bench.target.kafka is None:
        raise cannot_make(bench, thing.schema, f"no example of {operation.id} leads to {edge.to}")
    message = posting(bench, operation, example, about={thing.schema: thing})
    bench.posted.add(message.id)
    bench.caller.correlations.add(message.correlation)
    publish(bench.target.kafka, [message])
    deadline = time.monotonic() + max((e.within for e in operation.emits), default=bench.limits.timeout)
    while time.monotonic() < deadline:
        seen = read(bench, thing)
        if seen is None:
            break
        if seen.ok and status_of(bench, thing.schema, seen.body) == edge.to:
            return Thing(thing.schema, seen.body, seen.headers.get("etag"))
        time.sleep(_POLL)
    bench.unheard.add((operation.id, edge.to))
    raise cannot_make(bench, thing.schema, unheard)
