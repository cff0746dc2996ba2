"""When a relation ends (``x-relation``), is whoever stood in it refused everywhere, and soon enough?

Somebody with a good token is let in; a message then tells that the relation of which the token speaks has
ended.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from harness.checks.check import Check, Verdicts
from harness.contract.model import Message, MessageExample, MessageOperation, Operation, Relation, System
from harness.driving.actors import claims_for
from harness.driving.bench import Bench
from harness.driving.calls import Call, Exchange
from harness.driving.messages import Posting, admits, examples, posting
from harness.driving.placing import place, put, split
from harness.driving.relations import refusal_status
from harness.driving.requests import inconclusive, send, successful
from harness.errors import StateError
from harness.findings import Result
from harness.kafka.broker import Broker
from harness.kafka.wire import publish
from harness.target import Limits, Target

NAME = "revocation"
_AGAIN = 0.05
_PAYLOAD = "$message.payload"


def run(system: System, target: Target, limits: Limits) -> Iterator[Result]:
    """Every operation that asks for a relation of which a message tells.

    Raises HarnessError where the target or its Kafka cannot be reached or no token can be had.
    """
    verdicts = Verdicts(NAME, target.service)
    contract = system.contracts[target.service]
    telling = [(each, each.relation) for each in contract.receives.values() if each.relation is not None]
    if not telling or target.kafka is None:
        yield verdicts.not_applicable("", "no message tells of a relation: nothing says x-relation")
        return
    with Bench(system, target, limits) as bench:
        for receive, told in telling:
            asking = [
                (operation, actor)
                for operation in bench.operations()
                for actor, relation in operation.access.items()
                if relation == told.relation and operation.subject is not None
            ]
            try:
                trial = _trial(bench, target.kafka, receive, told, asking)
            except StateError as error:
                yield verdicts.untold(receive.id, error)
                continue
            for operation, actor in asking:
                yield from _held_to(verdicts, trial, operation, actor)
            yield from _again(verdicts, trial)


@dataclass(slots=True)
class _Trial:
    """One relation, and somebody of whom nothing was told before.

    ``probe`` is a GET that names its subject: it shows when an end is known. ``ended`` are the patients to
    whom the relation has ended, with what the probe was answered in the end.
    """

    bench: Bench
    broker: Broker
    receive: MessageOperation
    told: Relation
    sub: str
    probe: tuple[Call, str] | None
    patience: float
    ended: dict[str, Exchange | None] = field(default_factory=dict)

    def tell(self, subject: str, *, holds: bool) -> Posting:
        """Publish that the relation to a patient holds, or has ended."""
        message = posting(self.bench, self.receive, _example(self.receive, self.told, holds))
        document = message.document
        for expression, value in ((self.told.actor, self.sub), (self.told.subject, subject)):
            document = put(document, split(expression)[1], value)
        message = replace(message, document=document)
        publish(self.broker, [message])
        return message

    def look(self, subject: str) -> Exchange:
        """What the probe is answered about a patient."""
        assert self.probe is not None  # noqa: S101 - the caller has looked
        call, actor = self.probe
        claims = {**claims_for(call.operation, subject, actor), "sub": self.sub}
        return self.bench.caller.send(place(call, call.operation.subject or "", subject), claims)

    def wait(self, subject: str, *, let_in: bool) -> Exchange | None:
        """Until the probe is, or is not, let in; its last answer. Without one all of the time is waited."""
        ends = time.monotonic() + self.patience
        while self.probe is not None:
            exchange = self.look(subject)
            if exchange.ok == let_in:
                return exchange
            if time.monotonic() > ends:
                self.patience = 0.0
                return exchange
            time.sleep(_AGAIN)
        time.sleep(self.told.within)
        return None


def _trial(
    bench: Bench,
    broker: Broker,
    receive: MessageOperation,
    told: Relation,
    asking: list[tuple[Operation, str]],
) -> _Trial:
    payload = next((each.payload for each in receive.messages if each.payload is not None), None)
    if payload is None or {split(each)[0] for each in (told.actor, told.subject)} != {_PAYLOAD}:
        raise StateError(str(told.place), "the message names the two elsewhere than in its payload", _PAYLOAD)
    for holds in (True, False):
        _example(receive, told, holds)
    sub = bench.fresh_id(bench.anatomy.schema_at(payload, split(told.actor)[1]))
    named = (
        each for each in asking if each[0].method == "GET" and (each[0].subject or "").startswith("$request.")
    )
    found = next(named, None)
    probe = (successful(bench, found[0], actor=found[1]).call, found[1]) if found is not None else None
    return _Trial(bench, broker, receive, told, str(sub), probe, told.within)


def _example(receive: MessageOperation, told: Relation, holds: bool) -> tuple[Message, MessageExample]:
    wanted = told.begins if holds else told.ends
    for each in examples(receive):
        if admits(receive, each[1], wanted):
            return each
    word = "begins" if holds else "ends"
    raise StateError(str(receive.place), f"no example of the message tells that the relation {word}", wanted)


def _held_to(verdicts: Verdicts, trial: _Trial, operation: Operation, actor: str) -> Iterator[Result]:
    try:
        good = successful(trial.bench, operation, actor=actor)
        if good.subject is None:
            yield verdicts.untold(operation.id, "no patient could be named")
            return
        if good.subject not in trial.ended:
            before = trial.look(good.subject) if trial.probe is not None else None
            if before is not None and not before.ok:
                why = f"{before.call.operation.id} was answered {before.briefly()} before anything had ended"
                yield verdicts.untold(operation.id, why)
                return
            trial.tell(good.subject, holds=False)
            trial.ended[good.subject] = trial.wait(good.subject, let_in=False)
        claims = {**(good.claims or {}), "sub": trial.sub}
        exchange = send(trial.bench, good.by(claims))
    except StateError as error:
        yield verdicts.untold(operation.id, error)
        return
    wanted, named = refusal_status(operation, actor), f"{actor}, {trial.told.relation}"
    if exchange.status == wanted:
        yield verdicts.passed(operation.id, f"refuses, with {wanted}, whose relation has ended: {named}")
    elif unclear := inconclusive(good, exchange):
        yield verdicts.untold(operation.id, unclear, named)
    else:
        verb = "is let in" if exchange.ok else f"is refused with {exchange.status}"
        yield verdicts.finding(
            operation.id,
            f"Somebody whose relation has ended {verb}: {named}",
            exchange.received(),
            f"{wanted}, {trial.told.within:g} s after {trial.receive.id} told of it; x-relation",
            operation.place,
            exchange.curl(),
        )


def _again(verdicts: Verdicts, trial: _Trial) -> Iterator[Result]:
    """Who was refused is let in once the relation holds again."""
    subject = next(
        (each for each, answer in trial.ended.items() if answer is not None and not answer.ok), None
    )
    if subject is None or trial.probe is None:
        return
    operation = trial.probe[0].operation
    message = trial.tell(subject, holds=True)
    exchange = trial.wait(subject, let_in=True)
    if exchange is None or exchange.ok:
        yield verdicts.passed(operation.id, "lets in whose relation holds again")
        return
    yield verdicts.finding(
        operation.id,
        "Somebody whose relation holds again is refused",
        exchange.received(),
        f"success, {trial.told.within:g} s after {trial.receive.id} told of it; x-relation",
        operation.place,
        f"{message.reproduce()}\n\n{exchange.curl()}",
    )


CHECK = Check(
    name=NAME,
    run=run,
    needs=frozenset({"kafka", "access"}),
    sees=(
        "Operations that still let in, or take too long to refuse, whoever has a good token and a relation "
        "that has ended since; and those who are still refused when it holds again."
    ),
    misses="What happens while Kafka cannot be reached, and what was already under way.",
)
