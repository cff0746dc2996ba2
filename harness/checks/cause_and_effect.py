"""Does every success cause exactly the declared events, and everything else none?"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.checks.check import Check, Verdicts
from harness.contract.model import Emission, MessageOperation, Operation, System
from harness.driving.arrival import (
    Trouble,
    declared,
    late,
    of_those_made,
    schema_of,
    told_of,
    troubles,
)
from harness.driving.attending import attended, told_by_key, told_by_request
from harness.driving.bench import Bench
from harness.driving.calls import CORRELATION, Exchange
from harness.driving.exercising import http_cases, message_cases
from harness.driving.ledger import Cause, Ledger, Surplus
from harness.driving.messages import examples, posting, spoiled
from harness.driving.refusals import refusals
from harness.driving.requests import Prepared, inconclusive, send
from harness.driving.scenarios import IDEMPOTENCY_KEY
from harness.driving.speech import reproduced
from harness.driving.states import no_control
from harness.driving.things import Thing
from harness.driving.timers import Timer, timers
from harness.driving.watching import (
    Expected,
    Watch,
    expectations,
)
from harness.errors import StateError
from harness.findings import Result
from harness.kafka.wire import publish
from harness.target import WITHOUT, Limits, Target

NAME = "cause_and_effect"


@dataclass(frozen=True, slots=True)
class _Trial:
    """What all steps of one run work with.

    ``tried`` counts the causes an operation had, by their kind; ``missing`` are effects that had not come
    when they were waited for, with the mark from which on they were.
    """

    bench: Bench
    watch: Watch
    ledger: Ledger
    verdicts: Verdicts
    tried: dict[str, dict[str, int]] = field(default_factory=dict)
    missing: list[tuple[Expected, int, Trouble]] = field(default_factory=list)

    def count(self, operation: str, kind: str) -> None:
        kinds = self.tried.setdefault(operation, {})
        kinds[kind] = kinds.get(kind, 0) + 1


def run(system: System, target: Target, limits: Limits) -> Iterator[Result]:
    """Successes, repeats and refusals over HTTP, messages and their redelivery, timers; one judgement.

    That nothing else happened is judged once, after the last known-good cause's events and a settle
    window. Raises HarnessError where the target or its Kafka cannot be reached.
    """
    verdicts = Verdicts(NAME, target.service)
    with Bench(system, target, limits) as bench, Watch(bench) as watch:
        watch.quieten()
        start = watch.mark()
        trial = _Trial(bench, watch, Ledger(bench), verdicts)
        found: set[str] = set()
        for result in _causes(trial):
            found.add(result.operation)
            yield result
        watch.settle()
        for result in (*_missing(trial), *_surpluses(trial, start)):
            found.add(result.operation)
            yield result
        for operation, kinds in trial.tried.items():
            if operation not in found:
                shown = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
                yield verdicts.passed(
                    operation, f"exactly the declared events ({shown})", sum(kinds.values())
                )
        if "idempotency" not in target.capabilities:
            yield verdicts.not_applicable("", f"repeats of an Idempotency-Key: {WITHOUT['idempotency']}")
        yield from _untimed(trial)


def _causes(trial: _Trial) -> Iterator[Result]:
    bench = trial.bench
    changing = [o for o in bench.operations() if o.method.lower() not in {"get", "head", "options"}]
    for operation in changing:
        yield from _refused(trial, operation)
    for operation in changing:
        yield from _succeeded(trial, operation)
    for receive in bench.contract.receives.values():
        yield from _received(trial, receive)
    if bench.controlled:
        for timer in timers(bench):
            yield from _timed(trial, timer)


def _refused(trial: _Trial, operation: Operation) -> Iterator[Result]:
    try:
        for refusal in refusals(trial.bench, operation):
            exchange = send(trial.bench, refusal.prepared)
            if exchange.status >= 400:
                trial.count(operation.id, "refused")
                cause = Cause(
                    operation.id, "refusal", refusal.name, exchange.correlation, (), exchange.curl()
                )
                trial.ledger.enter(cause)
    except StateError as error:
        yield trial.verdicts.untold(operation.id, error, "making requests to be refused")


def _succeeded(trial: _Trial, operation: Operation) -> Iterator[Result]:
    for case in http_cases(trial.bench, operation):
        try:
            prepared = case.prepare(trial.bench)
        except StateError as error:
            yield trial.verdicts.untold(operation.id, error, str(case))
            continue
        mark = trial.watch.mark()
        exchange = _attended(trial, prepared)
        if not exchange.ok:
            why = inconclusive(prepared, exchange) or f"what should succeed was answered {exchange.briefly()}"
            yield trial.verdicts.untold(operation.id, why, str(case))
            continue
        trial.count(operation.id, "succeeded")
        expected = _of_request(trial.bench, exchange)
        title = f"success {case}".strip()
        trial.ledger.enter(
            Cause(operation.id, "success", title, exchange.correlation, expected, exchange.curl())
        )
        for each in expected:
            thing = told_of(trial.bench, each, exchange, prepared)
            yield from _arrived(trial, each, mark, thing)
        yield from _repeated(trial, operation, prepared)


def _attended(trial: _Trial, prepared: Prepared) -> Exchange:
    """The answer; what events told before it came has been looked at."""
    named = prepared.call.with_headers(**{CORRELATION: str(uuid.uuid4())})
    prepared = prepared.with_call(named)
    tells = told_by_request(trial.watch, prepared)
    return attended(trial.watch, lambda: send(trial.bench, prepared), tells)


def _repeated(trial: _Trial, operation: Operation, prepared: Prepared) -> Iterator[Result]:
    key = operation.parameter("header", IDEMPOTENCY_KEY)
    if key is None or "idempotency" not in trial.bench.target.capabilities:
        return
    again = send(trial.bench, prepared.with_call(prepared.call.with_headers(**{CORRELATION: None})))
    trial.count(operation.id, "repeated")
    trial.ledger.enter(
        Cause(operation.id, "repeat", "a repeated Idempotency-Key", again.correlation, (), again.curl())
    )
    yield from ()


def _received(trial: _Trial, operation: MessageOperation) -> Iterator[Result]:
    kafka = trial.watch.broker
    cases = message_cases(trial.bench, operation)
    for case in cases:
        try:
            message = case.prepare(trial.bench)
        except StateError as error:
            yield trial.verdicts.untold(operation.id, error, str(case))
            continue
        expected = of_those_made(
            trial.bench,
            message,
            expectations(
                trial.bench,
                operation.id,
                operation.emits,
                message.context(),
                status=None,
                correlation=message.correlation,
                causation=message.id,
                reproduce=message.reproduce(),
            ),
        )
        mark = trial.watch.mark()
        publish(kafka, [message])
        title = f"message {case}".strip()
        trial.ledger.enter(
            Cause(operation.id, "success", title, message.correlation, expected, message.reproduce())
        )
        trial.count(operation.id, "received")
        for each in expected:
            schema = schema_of(trial.bench, each)
            yield from _arrived(trial, each, mark, message.things.get(schema) if schema else None)
        publish(kafka, [message])
        trial.count(operation.id, "delivered again")
    yield from _ignored(trial, operation)
    yield from _spoiled(trial, operation)


def _ignored(trial: _Trial, operation: MessageOperation) -> Iterator[Result]:
    """Messages that keep the criterion of no effect must have none."""
    for example in examples(operation):
        try:
            message = posting(trial.bench, operation, example)
        except StateError as error:
            yield trial.verdicts.untold(operation.id, error, "a message without effect")
            return
        applying = expectations(
            trial.bench,
            operation.id,
            operation.emits,
            message.context(),
            status=None,
            correlation=message.correlation,
            causation=None,
            reproduce="",
        )
        if not applying:
            publish(trial.watch.broker, [message])
            trial.count(operation.id, "without effect")
            trial.ledger.enter(
                Cause(
                    operation.id,
                    "refusal",
                    f"a message that should have no effect ({message.example})",
                    message.correlation,
                    (),
                    message.reproduce(),
                )
            )


def _spoiled(trial: _Trial, operation: MessageOperation) -> Iterator[Result]:
    """A message that breaks its contract has no effect, and lands on the dead-letter topic."""
    example = next(iter(examples(operation)), None)
    try:
        message = posting(trial.bench, operation, example) if example is not None else None
    except StateError:
        return  # said already, where the right message was tried
    broken = spoiled(message) if message is not None else None
    if broken is None:
        return
    mark = trial.watch.mark()
    publish(trial.watch.broker, [broken])
    trial.count(operation.id, "broken")
    title, told = "a message that breaks its contract", broken.reproduce()
    trial.ledger.enter(Cause(operation.id, "refusal", title, broken.correlation, (), told, given_up=True))
    if operation.dead_letter is None:
        return
    topic, within = operation.dead_letter.address, 5.0 + operation.attempts * operation.backoff
    found = trial.watch.wait_for(lambda r: r.topic == topic and r.value == broken.value, within, mark)
    if found is None:
        yield trial.verdicts.finding(
            operation.id,
            "A message that breaks its contract is not put on the dead-letter topic",
            f"nothing on {topic} within {within:g} s",
            f"x-dead-letter: the message, as it came, on {topic}",
            operation.place,
            told,
        )


def _timed(trial: _Trial, timer: Timer) -> Iterator[Result]:
    """The time of one aggregate is up: its event, and those of what follows it, each once."""
    try:
        entered = timer.enter(trial.bench)
    except StateError as error:
        yield trial.verdicts.untold(timer.name, error)
        return
    exchange = entered.exchange
    first = _of_request(trial.bench, exchange) if exchange is not None else []
    for each in first:
        trial.watch.arrival(each, 0)
    moved = [(timer.lifecycle, timer.edge, entered.key, entered.thing)]
    moved += [(each.lifecycle, each.edge, each.key, each.thing) for each in entered.followed]
    correlation = exchange.correlation if exchange is not None else None
    effects = []
    for lifecycle, edge, key, thing in moved:
        sending = trial.bench.contract.message_operations.get(lifecycle.emits or "")
        if sending is not None:
            within = min(5.0, trial.bench.limits.timeout)
            emission = Emission(sending.id, within=within, transitions=(edge,), place=edge.place)
            told = (timer.name, emission, sending, correlation, entered.key, key)
            effects.append((Expected(*told, reproduce=timer.reproduce()), thing))
    if correlation is not None:
        whole = [*first, *(expected for expected, _ in effects)]
        trial.ledger.enter(Cause(timer.name, "timer", timer.name, correlation, whole, timer.reproduce()))
    mark = trial.watch.mark()
    tells = told_by_key([thing for _, thing in effects], [each.key for each, _ in effects])
    attended(trial.watch, lambda: trial.bench.states.advance(timer.wait), tells)
    trial.count(timer.name, "elapsed")
    for expected, thing in effects:
        yield from _arrived(trial, expected, mark, thing)


def _untimed(trial: _Trial) -> Iterator[Result]:
    """What time brings about, where nobody can move the clock."""
    bench, names = trial.bench, [timer.name for timer in timers(trial.bench)]
    if names and not bench.remembers:
        yield trial.verdicts.not_applicable("", f"effects of timers: {WITHOUT['state']}")
    elif names and not bench.controlled:
        yield trial.verdicts.untold("", no_control(bench.target), f"effects of {', '.join(names)}")


def _of_request(bench: Bench, exchange: Exchange) -> list[Expected]:
    """What a request that succeeded must have caused."""
    operation = exchange.call.operation
    return expectations(
        bench,
        operation.id,
        operation.emits,
        exchange.context(),
        status=exchange.status,
        correlation=exchange.correlation,
        causation=exchange.correlation,
        reproduce=exchange.curl(),
    )


def _arrived(trial: _Trial, expected: Expected, mark: int, thing: Thing | None) -> Iterator[Result]:
    for trouble in troubles(trial.watch, expected, mark, thing):
        if trouble.waited is None:
            yield _finding(trial, expected, trouble)
        else:
            trial.missing.append((expected, mark, trouble))


def _missing(trial: _Trial) -> Iterator[Result]:
    """What never came, and what came too late."""
    for expected, mark, missing in trial.missing:
        trouble = late(trial.watch, expected, mark, missing)
        if trouble is not None:
            yield _finding(trial, expected, trouble)


def _finding(trial: _Trial, expected: Expected, trouble: Trouble) -> Result:
    return trial.verdicts.finding(
        expected.cause,
        trouble.title,
        trouble.received,
        trouble.documented,
        expected.emission.place,
        trouble.reproduce,
    )


_TITLES = {
    "refusal": "A refused request caused an event",
    "repeat": "A repeated Idempotency-Key caused an event",
}


def _surpluses(trial: _Trial, start: int) -> Iterator[Result]:
    for surplus in trial.ledger.settle(trial.watch.since(start)):
        yield _surplus(trial, surplus)


def _surplus(trial: _Trial, surplus: Surplus) -> Result:
    cause = surplus.cause
    if cause is None:
        title, operation, promised = "An event that nothing caused", "", "nothing was done that declares it"
    elif surplus.dead_letter:
        title, operation = f"{cause.title} was put on the dead-letter topic", cause.operation
        promised = "a message that keeps the contract is processed"
    else:
        operation = cause.operation
        title = _TITLES.get(cause.kind, f"More events than declared: {surplus.record.topic}")
        title = f"{title} ({cause.title})"
        promised = "; ".join(declared(each) for each in cause.expected) or "no event at all"
    reproduce = f"{cause.reproduce}\n\n" if cause else ""
    return trial.verdicts.finding(
        operation,
        title,
        f"one more on {surplus.record.topic}, key {surplus.record.key}",
        promised,
        reproduce=reproduce + reproduced(trial.bench, surplus.record),
    )


CHECK = Check(
    name=NAME,
    run=run,
    needs=frozenset({"kafka"}),
    sees=(
        "Events that are missing, doubled, late, under another key or correlation, or published before their "
        "commit; events that a refused or repeated request, a redelivered message or nothing at all caused."
    ),
    misses="What an event says (events), and effects that no contract declares outside Kafka.",
)
