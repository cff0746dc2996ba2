"""Does only one of those win that want the same thing at the same moment?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from harness.checks.check import Check, Verdicts
from harness.contract.model import Operation, System
from harness.driving.bench import Bench
from harness.driving.calls import Exchange
from harness.driving.refusals import UNKNOWN_ETAG
from harness.driving.requests import Prepared, again, inconclusive, send, successful
from harness.driving.rivals import (
    counted,
    exclusive,
    outdated,
    repeats,
    rivals,
    together,
    with_another_body,
)
from harness.driving.scenarios import IDEMPOTENCY_KEY, IF_MATCH
from harness.driving.things import changes, reading
from harness.driving.watching import Expected, Watch, correlation_of, expectations, is_effect
from harness.errors import StateError
from harness.findings import Result
from harness.target import Limits, Target

NAME = "concurrency"
_LOST = {409, 412}
_MISUSED = {400, 409, 422}
"""What may refuse an Idempotency-Key that was used for another body, where the contract says no 422."""


@dataclass(frozen=True, slots=True)
class _Arena:
    """What all trials of one run work with.

    ``effects`` maps an operation to what its repeats must cause; ``misused`` are requests that took an
    Idempotency-Key for another body, by their correlation: they must cause nothing.
    """

    bench: Bench
    verdicts: Verdicts
    watch: Watch | None
    effects: dict[str, list[tuple[Expected, list[str]]]] = field(default_factory=dict)
    misused: dict[str, Exchange] = field(default_factory=dict)


def run(system: System, target: Target, limits: Limits) -> Iterator[Result]:
    """Outdated versions, parallel changes, parallel claims to one thing, repeats and misuses of one key.

    Raises HarnessError where the target or its Kafka cannot be reached.
    """
    with ExitStack() as stack:
        bench = stack.enter_context(Bench(system, target, limits))
        watch = stack.enter_context(Watch(bench)) if target.kafka is not None else None
        arena = _Arena(bench, Verdicts(NAME, target.service), watch)
        for operation in bench.operations():
            for trial in (_versions, _updates, _claims, _repeated):
                try:
                    yield from trial(arena, operation)
                except StateError as error:
                    yield arena.verdicts.untold(operation.id, error)
        if watch is not None:
            watch.settle()
            for name in arena.effects:
                yield from _effects(arena, watch, bench.contract.operations[name])
            yield from _effects_of_misuse(arena, watch)


def _versions(arena: _Arena, operation: Operation) -> Iterator[Result]:
    """A version that never was, none at all, and one that has been overtaken: refused, nothing changed."""
    match = operation.parameter("header", IF_MATCH)
    if match is None:
        return
    good, wrong = successful(arena.bench, operation), []
    never = good.with_call(good.call.with_headers(**{match.name: UNKNOWN_ETAG}))
    wrong += [*_unchanged(arena, never, {412}, "An If-Match that names no version is not refused with 412")]
    if "428" in operation.responses:
        without = good.with_call(good.call.with_headers(**{match.name: None}))
        wrong += [*_unchanged(arena, without, {428}, "A missing If-Match is not refused with 428")]
    late = outdated(arena.bench, operation)
    if late is not None:
        right = {412} if late.legal else _LOST
        title = "A change of an outdated version is not refused with 412"
        wrong += [*_unchanged(arena, late.prepared, right, title)]
    yield from wrong
    if not wrong:
        yield arena.verdicts.passed(operation.id, "wrong, missing and outdated If-Match are refused", 3)


def _unchanged(arena: _Arena, prepared: Prepared, right: set[int], title: str) -> Iterator[Result]:
    before = reading(arena.bench, prepared.thing) if prepared.thing else None
    exchange = send(arena.bench, prepared)
    after = reading(arena.bench, prepared.thing) if prepared.thing else None
    wanted = " or ".join(str(status) for status in sorted(right))
    why = inconclusive(prepared, exchange)
    if exchange.status not in right and why is not None:
        yield arena.verdicts.untold(exchange.call.operation.id, why, "wrong, missing and outdated If-Match")
    elif exchange.status not in right:
        yield _finding(arena, exchange, title, exchange.received(), f"{wanted}, and nothing changes")
    elif before != after:
        shown = changes(before, after) if before is not None and after is not None else "nothing"
        received = f"{exchange.status}, and then GET shows {shown}"
        yield _finding(
            arena, exchange, "A refused change left a trace", received, f"{wanted}, nothing changes"
        )


def _updates(arena: _Arena, operation: Operation) -> Iterator[Result]:
    """Parallel changes of one version: one is made, the others are told."""
    if operation.parameter("header", IF_MATCH) is None:
        return
    prepared = successful(arena.bench, operation)
    yield from _one_wins(arena, operation, [again(prepared) for _ in range(4)], "of one version")


def _claims(arena: _Arena, operation: Operation) -> Iterator[Result]:
    """Parallel requests for an aggregate that only one can have."""
    for driven in exclusive(arena.bench, operation):
        if driven.expression is None and operation.parameter("header", IF_MATCH) is not None:
            continue  # the same as parallel changes of one version
        prepared = rivals(arena.bench, operation, driven)
        if len(prepared) > 1:
            yield from _one_wins(arena, operation, prepared, f"for one {driven.lifecycle.schema}")


def _one_wins(arena: _Arena, operation: Operation, racing: list[Prepared], what: str) -> Iterator[Result]:
    answers = together(arena.bench, racing)
    won = [each for each in answers if each.ok]
    why = inconclusive(racing[0], answers[0])
    if not won and why is not None:
        yield arena.verdicts.untold(operation.id, why, f"parallel requests {what}")
        return
    lost = _LOST | ({404, 410} if operation.method.lower() == "delete" else set())
    strange = [each for each in answers if not each.ok and each.status not in lost]
    shown = ", ".join(f"{n} of {status}" for status, n in sorted(Counter(e.status for e in answers).items()))
    documented = f"one of {len(answers)} succeeds, the others are answered 409 or 412"
    if len(won) != 1:
        title = f"{len(won)} of {len(answers)} parallel requests {what} succeed"
        yield _finding(arena, answers[0], title, shown, documented)
    elif strange:
        title = f"A parallel request {what} is answered {strange[0].status}"
        yield _finding(arena, strange[0], title, shown, documented)
    else:
        yield arena.verdicts.passed(
            operation.id, f"one of {len(answers)} parallel requests {what} wins ({shown})"
        )


def _repeated(arena: _Arena, operation: Operation) -> Iterator[Result]:
    """Parallel and later repeats of one Idempotency-Key: one effect, one answer."""
    key = operation.parameter("header", IDEMPOTENCY_KEY)
    if key is None:
        return
    prepared = successful(arena.bench, operation)
    schema = arena.bench.anatomy.answers(operation)
    begins = schema is not None and operation in list(arena.bench.anatomy.creators(schema))
    before = counted(arena.bench, schema, prepared.subject) if schema is not None and begins else None
    answers = together(arena.bench, repeats(prepared))
    answers += [send(arena.bench, each) for each in repeats(prepared, 1)]
    after = counted(arena.bench, schema, prepared.subject) if schema is not None and begins else None
    won = [each for each in answers if each.ok]
    why = inconclusive(prepared, answers[0])
    if not won and why is not None:
        yield arena.verdicts.untold(operation.id, why, "repeats of an Idempotency-Key")
        return
    wrong = list(_disagreement(arena, answers, won))
    if not wrong and before is not None and after is not None and after != before + 1:
        title = f"Repeats of one Idempotency-Key made {after - before} of {schema}"
        wrong.append(_finding(arena, won[0], title, f"{before} before, {after} after", "exactly one"))
    yield from wrong
    if not wrong:
        arena.effects[operation.id] = _expected(arena, won[0], [each.correlation for each in answers])
        yield arena.verdicts.passed(
            operation.id, "parallel repeats of one Idempotency-Key have one answer", len(answers)
        )
        yield from _misused(arena, prepared, schema if after is not None else None)


def _misused(arena: _Arena, prepared: Prepared, counting: str | None) -> Iterator[Result]:
    """The key of a success with another body: refused, and neither of the two is done (again)."""
    bench, operation = arena.bench, prepared.call.operation
    other = with_another_body(bench, prepared)
    if other is None:
        reason = "an Idempotency-Key with another body: nothing in its body may differ"
        yield arena.verdicts.not_applicable(operation.id, reason)
        return
    before = counted(bench, counting, prepared.subject) if counting is not None else None
    exchange = send(bench, other)
    after = counted(bench, counting, prepared.subject) if counting is not None else None
    right = {422} if "422" in operation.responses else _MISUSED
    wanted = " or ".join(str(status) for status in sorted(right))
    why = inconclusive(other, exchange)
    if exchange.status not in right and why is not None:
        yield arena.verdicts.untold(operation.id, why, "an Idempotency-Key with another body")
    elif exchange.status not in right:
        title = f"An Idempotency-Key with another body is not refused with {wanted}"
        yield _finding(
            arena, exchange, title, exchange.received(), f"{wanted}: the key stands for another request"
        )
    elif before != after:
        title = "An Idempotency-Key with another body is refused and has an effect"
        yield _finding(arena, exchange, title, f"{before} before, {after} after", "nothing happens")
    else:
        arena.misused[exchange.correlation] = exchange
        yield arena.verdicts.passed(operation.id, "an Idempotency-Key with another body is refused")


def _disagreement(arena: _Arena, answers: list[Exchange], won: list[Exchange]) -> Iterator[Result]:
    documented = "the same answer to all, or 409 while the first is still being worked on"
    strange = [each for each in answers if not each.ok and each.status != 409]
    if strange:
        title = f"A repeat of an Idempotency-Key is answered {strange[0].status}"
        yield _finding(arena, strange[0], title, strange[0].received(), documented)
    elif not won or not answers[-1].ok:
        title = "A repeat of an Idempotency-Key is not answered as before"
        yield _finding(arena, answers[-1], title, answers[-1].received(), documented)
    elif any((each.status, each.body) != (won[0].status, won[0].body) for each in won):
        other = next(e for e in won if (e.status, e.body) != (won[0].status, won[0].body))
        title = "Repeats of one Idempotency-Key are answered differently"
        received = f"{won[0].received(300)}, and {other.received(300)}"
        yield _finding(arena, won[0], title, received, documented)


def _expected(arena: _Arena, exchange: Exchange, correlations: list[str]) -> list[tuple[Expected, list[str]]]:
    operation = exchange.call.operation
    expected = expectations(
        arena.bench,
        operation.id,
        operation.emits,
        exchange.context(),
        status=exchange.status,
        correlation=exchange.correlation,
        causation=None,
        reproduce=exchange.curl(),
    )
    return [(each, correlations) for each in expected]


def _effects(arena: _Arena, watch: Watch, operation: Operation) -> Iterator[Result]:
    """The events of all repeats together are those of one."""
    for expected, correlations in arena.effects[operation.id]:
        whole = [replace(expected, correlation=each, causation=each) for each in correlations]
        seen = {
            record.header("ce_id") or (record.topic, record.partition, record.offset)
            for record in watch.records
            if record.key == expected.key and any(is_effect(arena.bench, record, each) for each in whole)
        }
        if len(seen) != expected.emission.count and expected.key is not None:
            yield arena.verdicts.finding(
                operation.id,
                "Repeats of one Idempotency-Key cause more or fewer events than one request",
                f"{len(seen)} {expected.send.id}",
                f"{expected.emission.count} {expected.send.id}",
                expected.emission.place,
                expected.reproduce,
            )


def _effects_of_misuse(arena: _Arena, watch: Watch) -> Iterator[Result]:
    for record in watch.records:
        exchange = arena.misused.get(correlation_of(record, None) or "")
        if exchange is not None:
            title = "An Idempotency-Key with another body is refused and causes an event"
            received = f"a record on {record.topic}, key {record.key}"
            yield _finding(arena, exchange, title, received, "a refused request causes none")


def _finding(arena: _Arena, exchange: Exchange, title: str, received: str, documented: str) -> Result:
    operation = exchange.call.operation
    return arena.verdicts.finding(operation.id, title, received, documented, operation.place, exchange.curl())


CHECK = Check(
    name=NAME,
    run=run,
    needs=frozenset({"state", "idempotency"}),
    sees=(
        "Changes of an outdated version that are made, several winners of one slot or one version, and "
        "repeats of one Idempotency-Key that have several effects or answers, or that are taken for another "
        "body."
    ),
    misses="Races that need another order or more load than a handful of parallel requests.",
)
