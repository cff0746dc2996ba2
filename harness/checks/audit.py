"""Is every access to a patient's data told once (``x-records``): whose it was, who asked, and the outcome?"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.checks.check import Check, Verdicts
from harness.contract.expressions import evaluate
from harness.contract.model import JSON, MessageOperation, Operation, System
from harness.contract.schema import properties
from harness.driving.bench import Bench
from harness.driving.calls import Exchange
from harness.driving.messages import EVENT_ID
from harness.driving.refusals import stranger_to
from harness.driving.relations import Standing, refusal_status, standings
from harness.driving.requests import Prepared, again, inconclusive, send, successful
from harness.driving.speech import reproduced
from harness.driving.watching import Watch, correlation_of, payload_of, record_context
from harness.errors import StateError
from harness.findings import Result
from harness.kafka.wire import Record
from harness.target import Limits, Target

NAME = "audit"
WITHIN = 5.0
"""Seconds in which an access has to be told; three settle windows, where those are shorter."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request, and what has to be told of it; ``told`` is None where nothing must be."""

    exchange: Exchange
    title: str
    told: Mapping[str, JSON] | None
    patient: str | None = None

    @property
    def operation(self) -> Operation:
        return self.exchange.call.operation


def run(system: System, target: Target, limits: Limits) -> Iterator[Result]:
    """Ask for everything, as somebody who may and as somebody who may not; then look at what was told.

    Raises HarnessError where the target or its Kafka cannot be reached or no token can be had.
    """
    verdicts = Verdicts(NAME, target.service)
    record = system.contracts[target.service].access_record
    if record is None:
        yield verdicts.not_applicable("", "no send operation says x-records: accesses")
        return
    topic = record.channel.address
    with Bench(system, target, limits) as bench, Watch(bench, [topic]) as watch:
        asked: list[_Asked] = []
        mark = watch.mark()
        for operation in bench.operations():
            try:
                for each in _requests(bench, operation):
                    if isinstance(each, _Asked):
                        asked.append(each)
                    else:
                        yield verdicts.untold(operation.id, each)
            except StateError as error:
                yield verdicts.untold(operation.id, error)
        told = _heard(watch, record, asked, mark)
        for operation in bench.operations():
            mine = [each for each in asked if each.operation.id == operation.id]
            found = [each for one in mine for each in _judged(bench, verdicts, record, one, told)]
            yield from found
            if mine and not found:
                yield verdicts.passed(operation.id, ", ".join(each.title for each in mine), len(mine))


def _requests(bench: Bench, operation: Operation) -> Iterator[_Asked | str]:
    """Who may not asks first, for that changes nothing. A text says why something could not be tried."""
    good = successful(bench, operation)
    if operation.subject is not None and good.subject is None:
        yield "no patient could be named"
        return
    standing = _refused(bench, good)
    if standing is not None:
        exchange = send(bench, again(good.by(standing.claims)))
        if exchange.status == refusal_status(operation, standing.actor):
            yield _Asked(exchange, "a refusal told", _of(operation, standing.claims, "denied"), good.subject)
        else:
            why = inconclusive(good, exchange) or f"{standing.name} was answered {exchange.briefly()}"
            yield f"no refusal to be told: {why}"
    exchange = send(bench, good)
    if not exchange.ok:
        why = inconclusive(good, exchange) or f"what should succeed was answered {exchange.briefly()}"
        yield f"no success to be told: {why}"
    elif operation.subject is None:
        yield _Asked(exchange, "touches no patient, and is not told", None)
    else:
        yield _Asked(exchange, "a success told", _of(operation, good.claims or {}, "granted"), good.subject)


def _refused(bench: Bench, good: Prepared) -> Standing | None:
    """Somebody whose refusal has to be told: another patient's, else a kind of actor that may not call what
    names the patient in its path. Elsewhere whoever refuses cannot know of whom."""
    operation = good.call.operation
    if good.subject is None or not operation.access:
        return None
    by_path = (operation.subject or "").startswith("$request.path.")
    found = standings(operation, good.subject, stranger_to(bench, good.subject))
    refused = [each for each in found if not each.allowed and (each.actor in operation.access or by_path)]
    return min(refused, key=lambda each: each.actor not in operation.access, default=None)


def _of(operation: Operation, claims: Mapping[str, JSON], outcome: str) -> Mapping[str, JSON]:
    """What has to be told, by the payload's names for it."""
    return {
        "operation": operation.id,
        "actor": claims.get("actor"),
        "agentId": claims.get("sub"),
        "outcome": outcome,
    }


def _heard(
    watch: Watch, record: MessageOperation, asked: list[_Asked], mark: int
) -> Mapping[str | None, list[Record]]:
    """What was told, by its correlation; one that came again (its ``ce_id``) counts once."""
    ends = time.monotonic() + min(WITHIN, 3 * watch.bench.limits.settle)
    topic = record.channel.address
    for each in asked:
        if each.told is not None:
            named = each.exchange.correlation
            watch.wait_for(
                lambda one, named=named: one.topic == topic and correlation_of(one, record) == named,  # type: ignore[misc]
                max(0.0, ends - time.monotonic()),
                mark,
            )
    watch.settle()
    told: dict[str | None, dict[object, Record]] = {}
    for number, one in enumerate(watch.since(mark)):
        if one.topic == topic:
            told.setdefault(correlation_of(one, record), {}).setdefault(one.header(EVENT_ID) or number, one)
    return {correlation: list(records.values()) for correlation, records in told.items()}


def _judged(
    bench: Bench,
    verdicts: Verdicts,
    record: MessageOperation,
    asked: _Asked,
    told: Mapping[str | None, list[Record]],
) -> Iterator[Result]:
    records, wanted = told.get(asked.exchange.correlation, []), 0 if asked.told is None else 1
    outcome = "" if asked.told is None else str(asked.told["outcome"])
    promised = f"{wanted or 'no'} {record.id} on {record.channel.address}, x-records"
    shown = asked.exchange.curl()
    if len(records) != wanted:
        title = "What touches no patient is told as an access"
        if wanted:
            title = (
                f"An access that was {outcome} is {f'told {len(records)} times' if records else 'not told'}"
            )
        shown = "\n\n".join([shown, *(reproduced(bench, each) for each in records[:2])])
        received = f"{len(records) or 'none'} with the correlation {asked.exchange.correlation}"
        yield verdicts.finding(asked.operation.id, title, received, promised, record.place, shown)
        return
    for one in records:
        for name, said, right in _wrong(record, one, asked):
            title = f"An access that was {outcome} is told with another {name}"
            received, documented = f"{name}: {said}", f"{name}: {right}"
            whole = f"{shown}\n\n{reproduced(bench, one)}"
            yield verdicts.finding(asked.operation.id, title, received, documented, record.place, whole)


def _wrong(record: MessageOperation, one: Record, asked: _Asked) -> Iterator[tuple[str, JSON, JSON]]:
    """Name, what was told, what is right; of the documented names those that the payload has."""
    payload, message = payload_of(one), record.messages[0]
    said = payload if isinstance(payload, Mapping) else {}
    known = properties(message.payload) if message.payload is not None else {}
    for name, right in (asked.told or {}).items():
        if name in known and said.get(name) != right:
            yield name, said.get(name), right
    if message.subject:
        patient = evaluate(message.subject, record_context(one))
        if patient != asked.patient:
            yield "patient", patient, asked.patient


CHECK = Check(
    name=NAME,
    run=run,
    needs=frozenset({"kafka", "access", "accesses"}),
    sees=(
        "Accesses to patients' data, granted or refused, that are not told, told twice, or told with another "
        "patient, operation, caller or outcome; and requests that touch nobody's and are told all the same."
    ),
    misses="Whether whoever keeps the log keeps it, and refusals that do not know whose data was asked for.",
)
