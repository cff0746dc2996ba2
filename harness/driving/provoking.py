"""Make a provider really publish: bring about what causes an event, and take what arrives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.contract.model import EMPTY, JSON, Lifecycle, MessageOperation, Operation, Place, Transition
from harness.driving.anatomy import Driven
from harness.driving.bench import Bench
from harness.driving.causes import Cause, causes
from harness.driving.edges import edge_for
from harness.driving.exercising import admitting
from harness.driving.messages import Posting, examples, named_by, posting
from harness.driving.pact_files import ProviderState
from harness.driving.placing import get, put, split
from harness.driving.requests import send, successful
from harness.driving.scenarios import Scenario, promising
from harness.driving.things import Thing
from harness.driving.timers import Timer
from harness.driving.watching import Watch, belongs, correlation_of, payload_of
from harness.errors import HarnessError, StateError
from harness.kafka.wire import Record, publish


@dataclass(frozen=True, slots=True)
class Provoked:
    """What came of a cause that succeeded: a record, or None. ``reproduce`` tells how it was caused.

    ``untried`` are causes that should have been tried before this one and could not be brought about.
    """

    cause: str
    record: Record | None
    reproduce: str
    promised: Place
    within: float
    untried: tuple[str, ...] = ()


def provoke(
    bench: Bench,
    watch: Watch,
    send_operation: MessageOperation,
    wished: Mapping[str, JSON],
    states: Sequence[ProviderState] = (),
) -> Provoked:
    """Bring about the first cause that succeeds, in these provider states, and wait for its event.

    Raises StateError, naming every cause that was tried, if none can be brought about.
    """
    failed: list[str] = []
    for cause in causes(bench.contract, send_operation.id, wished):
        if bench.controlled:
            bench.states.reset(seed=True)
        mark = watch.mark()
        try:
            made = [_made(bench, each) for each in states]
            provoked = _Provocation(bench, watch, send_operation, wished, made, mark).by(cause)
            return replace(provoked, untried=tuple(failed))
        except HarnessError as error:
            failed.append(f"{cause.name}: {error.found}")
    reason = "; ".join(failed) or "nothing in the contract causes it"
    raise StateError(str(send_operation.place), f"{send_operation.id} could not be caused: {reason}")


@dataclass(frozen=True, slots=True)
class _Provocation:
    bench: Bench
    watch: Watch
    send: MessageOperation
    wished: Mapping[str, JSON]
    made: Sequence[Thing]
    mark: int

    def by(self, cause: Cause) -> Provoked:
        if cause.operation is not None:
            return self._by_request(cause, cause.operation)
        if cause.receive is not None:
            return self._by_message(cause, cause.receive)
        assert cause.lifecycle is not None  # noqa: S101 - the third of exactly three; for the type checker
        return self._by_time(cause, cause.lifecycle)

    def _by_request(self, cause: Cause, operation: Operation) -> Provoked:
        driven = [d for d in self.bench.anatomy.driven(operation) if set(d.edges) & set(cause.edges)]
        own = next((d for d in driven if d.expression is None), None)
        status = self._source(cause.edges) if own else None
        causing = [s for s in promising(operation) if _causes(cause, operation, own, status, s)]
        scenario = max(causing, key=lambda each: _agreement(each, self.wished), default=None)
        if scenario is None:
            raise StateError(str(operation.place), "none of its examples causes it")
        address = self.bench.anatomy.acts_on(operation)
        thing = self._given(address.schema) if address else None
        prepared = successful(self.bench, operation, scenario=scenario, thing=thing, status=status)
        exchange = send(self.bench, prepared)
        if not exchange.ok:
            raise StateError(str(operation.place), f"it answered {exchange.received(200)}")
        return self._arrived(cause, exchange.curl(), lambda record: self._of(record, exchange.correlation))

    def _by_message(self, cause: Cause, receive: MessageOperation) -> Provoked:
        kafka = self.bench.target.kafka
        criteria = [edge.when for edge in cause.edges] or [cause.emission.when]
        example = next((e for when in criteria if (e := admitting(receive, examples(receive), when))), None)
        if kafka is None or example is None:
            raise StateError(str(receive.place), "none of its examples causes it")
        message = self._adopting(
            posting(self.bench, receive, example, statuses=self._statuses(receive, cause))
        )
        publish(kafka, [message])
        return self._arrived(cause, message.reproduce(), lambda record: self._of(record, message.correlation))

    def _by_time(self, cause: Cause, lifecycle: Lifecycle) -> Provoked:
        edge = cause.edges[0]
        given = self._given(lifecycle.schema)
        timer = Timer(lifecycle, edge, self._source(cause.edges) or edge.sources[0])
        key = get(given.document, self.bench.anatomy.id_pointer(lifecycle.schema)) if given else None
        wanted = key if isinstance(key, str) else timer.enter(self.bench).key
        self.bench.states.advance(timer.wait)
        return self._arrived(cause, timer.reproduce(), lambda record: record.key == wanted)

    def _arrived(self, cause: Cause, reproduce: str, fits: Callable[[Record], bool]) -> Provoked:
        """The event in the wished status; another one of the same cause if there is none."""

        def right(record: Record) -> bool:
            return belongs_here(record) and fits(record) and self._in_status(record)

        def belongs_here(record: Record) -> bool:
            return record.topic == self.send.channel.address and belongs(record, self.send)

        within = cause.emission.within
        found = self.watch.wait_for(right, within, self.mark) or [
            record for record in self.watch.since(self.mark) if belongs_here(record) and fits(record)
        ]
        return Provoked(cause.name, next(iter(found), None), reproduce, cause.emission.place, within)

    def _in_status(self, record: Record) -> bool:
        payload, to = payload_of(record), self.wished.get("to")
        return to is None or (isinstance(payload, Mapping) and payload.get("to") == to)

    def _of(self, record: Record, correlation: str) -> bool:
        return correlation_of(record, self.send) == correlation

    def _given(self, schema: str) -> Thing | None:
        """The aggregate of this kind that the provider states have made."""
        return next((each for each in self.made if each.schema == schema), None)

    def _source(self, edges: Sequence[Transition]) -> str | None:
        """The status to start from: the wished one, else the first that leads there."""
        sources = [source for edge in edges for source in edge.sources]
        before = self.wished.get("from")
        return before if isinstance(before, str) and before in sources else next(iter(sources), None)

    def _statuses(self, receive: MessageOperation, cause: Cause) -> Mapping[str, str]:
        source = self._source(cause.edges)
        for driven in self.bench.anatomy.driven(receive):
            if source is not None and set(driven.edges) & set(cause.edges):
                return {driven.lifecycle.schema: source}
        return EMPTY

    def _adopting(self, message: Posting) -> Posting:
        """The message about the aggregates of the provider states instead of those made for it."""
        document = message.document
        for driven in self.bench.anatomy.driven(message.operation):
            given = self._given(driven.lifecycle.schema)
            source, pointer = split(driven.expression or "")
            if given is not None and source == "$message.payload":
                document = put(document, pointer, get(given.document, named_by(self.bench, driven)))
                same = {k: v for k, v in given.document.items() if k in document and k.endswith("Id")}
                document = {**document, **same}
        return replace(message, document=document)


def _causes(
    cause: Cause, operation: Operation, own: Driven | None, status: str | None, scenario: Scenario
) -> bool:
    """Whether an example's request drives one of the cause's edges."""
    if own is None:
        return True
    single = (replace(own, edges=(edge,)) for edge in cause.edges)
    return any(edge_for(each, status, scenario, operation) is not None for each in single)


def _agreement(scenario: Scenario, wished: Mapping[str, JSON]) -> int:
    """How much of what the event should tell the request says already."""
    said = scenario.body if isinstance(scenario.body, Mapping) else {}
    return sum(1 for name, value in wished.items() if name in said and said[name] == value)


def _made(bench: Bench, state: ProviderState) -> Thing:
    if state.schema is None:
        raise StateError(bench.target.url, f"the state '{state.name}' is not of the form '<Schema> exists'")
    made = bench.states.create(state.schema, state.parameters)
    return Thing(state.schema, made.document, f'"{made.version}"')
