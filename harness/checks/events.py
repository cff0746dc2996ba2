"""Does what is on the topics keep the AsyncAPI contract?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.checks.check import Check, Verdicts
from harness.contract.model import Message, MessageOperation, System
from harness.driving.bench import Bench
from harness.driving.calls import Exchange
from harness.driving.exercising import http_cases, message_cases
from harness.driving.messages import EVENT_ID
from harness.driving.requests import send
from harness.driving.speech import breaches, phi_names, reproduced, reveals, undeclared, unjudged
from harness.driving.timers import timers
from harness.driving.topics import foreign_topics
from harness.driving.watching import Watch, expectations, headers_of, own_topics, payload_of
from harness.errors import StateError
from harness.findings import Finding, Result
from harness.kafka.wire import Record, publish
from harness.target import Limits, Target

NAME = "events"


@dataclass(slots=True)
class _Seen:
    """What we did and what came of it. ``ours`` are the ids of messages that we published ourselves."""

    ours: set[str] = field(default_factory=set)
    correlations: set[str] = field(default_factory=set)
    phi_names: frozenset[str] = frozenset()


def run(system: System, target: Target, limits: Limits) -> Iterator[Result]:
    """Bring about every kind of event, then judge all that was put on any topic meanwhile.

    Raises HarnessError where the target or its Kafka cannot be reached.
    """
    verdicts = Verdicts(NAME, target.service)
    with Bench(system, target, limits) as bench:
        foreign = foreign_topics(bench)
        with Watch(bench, [*system.topics, *foreign]) as watch:
            watch.quieten()
            start, seen = watch.mark(), _Seen(phi_names=phi_names(bench.contract))
            yield from _exercise(bench, watch, seen, verdicts)
            watch.settle()
            seen.correlations |= bench.caller.correlations
            ours = seen.ours | bench.posted
            records = [r for r in watch.since(start) if r.header(EVENT_ID) not in ours]
        yield from _judge(bench, verdicts, records, seen)
        yield from _topics(bench, verdicts, set(foreign))


def _exercise(bench: Bench, watch: Watch, seen: _Seen, verdicts: Verdicts) -> Iterator[Result]:
    for operation in bench.operations():
        if not operation.emits:
            continue
        for case in http_cases(bench, operation):
            mark = watch.mark()
            try:
                exchange = send(bench, case.prepare(bench))
            except StateError as error:
                yield verdicts.untold(operation.id, error, str(case))
                continue
            if exchange.ok:
                _await(bench, watch, exchange, mark)
    yield from _by_message(bench, watch, seen, verdicts)
    if bench.controlled:
        for timer in timers(bench):
            try:
                entered = timer.enter(bench)
                mark = watch.mark()
                bench.states.advance(timer.wait)
            except StateError as error:
                yield verdicts.untold(timer.name, error)
                continue
            key = entered.key
            watch.wait_for(lambda record, key=key: record.key == key, min(1.0, bench.limits.settle), mark)  # type: ignore[misc]


def _await(bench: Bench, watch: Watch, exchange: Exchange, mark: int) -> None:
    """Until its events are there, so that what is late is still seen; what is missing is not judged here."""
    operation, patience = exchange.call.operation, min(1.0, bench.limits.settle)
    for expected in expectations(
        bench,
        operation.id,
        operation.emits,
        exchange.context(),
        status=exchange.status,
        correlation=exchange.correlation,
        causation=exchange.correlation,
        reproduce="",
    ):
        topic = expected.topic
        watch.wait_for(lambda record, topic=topic: record.topic == topic, patience, mark)  # type: ignore[misc]


def _by_message(bench: Bench, watch: Watch, seen: _Seen, verdicts: Verdicts) -> Iterator[Result]:
    own, patience = set(own_topics(bench)), min(1.0, bench.limits.settle)
    for receive in bench.contract.receives.values():
        for case in message_cases(bench, receive):
            try:
                message = case.prepare(bench)
            except StateError as error:
                yield verdicts.untold(receive.id, error, str(case))
                continue
            seen.ours.add(message.id)
            seen.correlations.add(message.correlation)
            mark = watch.mark()
            publish(watch.broker, [message])
            watch.wait_for(lambda record: record.topic in own, patience, mark)


def _judge(bench: Bench, verdicts: Verdicts, records: list[Record], seen: _Seen) -> Iterator[Result]:
    told: set[tuple[str, str]] = set()
    clean: Counter[str] = Counter()
    judged = [record for record in records if _is_ours(bench, record, seen)]
    for record in judged:
        send = _send(bench, record)
        findings = list(_findings(bench, verdicts, record, send, seen))
        for finding in findings:
            if (finding.operation, finding.title) not in told:
                told.add((finding.operation, finding.title))
                yield finding
        unknown = unjudged(record, send.messages) if send is not None else ""
        if unknown and send is not None and (send.id, unknown) not in told:
            told.add((send.id, unknown))
            yield verdicts.untold(send.id, unknown)
        if not findings and not unknown and send is not None:
            clean[send.id] += 1
    failed = {operation for operation, _ in told}
    for operation in bench.contract.sends:
        if clean[operation] and operation not in failed:
            yield verdicts.passed(operation, "payload, headers, key and content type", clean[operation])
        elif operation not in failed and _is_caused(bench, operation):
            yield verdicts.untold(operation, "no event was seen, though it was tried to cause some")


def _is_ours(bench: Bench, record: Record, seen: _Seen) -> bool:
    """Whether this service put it there in this run; on a shared cluster by the correlation alone."""
    return bench.alone or bool(seen.correlations & set(headers_of(record).values()))


def _is_caused(bench: Bench, send: str) -> bool:
    causes = [operation.emits for operation in bench.contract.operations.values()]
    causes += [receive.emits for receive in bench.contract.receives.values()]
    timed = (each for each in bench.contract.lifecycles.values() if bench.controlled and each.emits == send)
    if any(edge.timed for lifecycle in timed for edge in lifecycle.transitions):
        return True
    return any(emission.operation == send for emissions in causes for emission in emissions)


def _send(bench: Bench, record: Record) -> MessageOperation | None:
    """The send operation of the service's own contract whose channel a record is on."""
    sends = [s for s in bench.contract.sends.values() if s.channel.address == record.topic]
    for each in sends:
        if not list(breaches(record, each.messages)):
            return each
    return sends[0] if sends else None


def _findings(
    bench: Bench, verdicts: Verdicts, record: Record, send: MessageOperation | None, seen: _Seen
) -> Iterator[Finding]:
    operation, messages = (send.id, send.messages) if send is not None else ("", _dead(bench, record))
    if messages is None:
        yield verdicts.finding(
            operation,
            f"An event on a topic that the contract does not send on: {record.topic}",
            f"key {record.key} on {record.topic}",
            f"only {', '.join(dict.fromkeys([*own_topics(bench), *_sent_on(bench)]))}",
            reproduce=reproduced(bench, record),
        )
        return
    for breach in breaches(record, messages):
        yield verdicts.finding(
            operation,
            breach.title,
            breach.received,
            breach.documented,
            breach.where,
            reproduced(bench, record),
        )
    place = reveals(record, bench.caller.secrets)
    if place is not None:
        title = "An event holds a value that is marked x-phi"
        yield verdicts.finding(operation, title, f"it stands in {place}", "ids, statuses and times only")
    names = undeclared(record, payload_of(record), seen.phi_names, messages)
    if names:
        title = "An event has a property that is marked x-phi"
        yield verdicts.finding(operation, title, ", ".join(sorted(names)), "ids, statuses and times only")


def _sent_on(bench: Bench) -> Iterator[str]:
    return (each.channel.address for each in bench.contract.sends.values())


def _dead(bench: Bench, record: Record) -> tuple[Message, ...] | None:
    """The messages of the dead-letter channel that a record is on, None if it is on none of ours."""
    for receive in bench.contract.receives.values():
        if receive.dead_letter is not None and receive.dead_letter.address == record.topic:
            return tuple(receive.dead_letter.messages.values())
    return None


def _topics(bench: Bench, verdicts: Verdicts, before: set[str]) -> Iterator[Result]:
    """Topics that appeared meanwhile and that no contract names; not on a cluster that others share."""
    if not bench.alone:
        return
    new = sorted(set(foreign_topics(bench, most=1000)) - before)
    if new:
        title = f"A topic that no contract names: {', '.join(new)}"
        yield verdicts.finding(
            "", title, "it came into being during this check", "only the contracts' topics"
        )
    else:
        yield verdicts.passed("", "nothing on topics that no contract names")


CHECK = Check(
    name=NAME,
    run=run,
    needs=frozenset({"kafka"}),
    sees=(
        "Events whose payload, headers, key or content type break the AsyncAPI contract, that stand on a "
        "topic where they do not belong, or that hold what is marked x-phi."
    ),
    misses="Events that are missing, doubled or wrongly caused (cause_and_effect).",
)
