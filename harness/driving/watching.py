"""What a service puts on its topics while it is being exercised, and whether it was caused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from harness.contract.expressions import Context, evaluate, holds
from harness.contract.model import JSON, Emission, MessageOperation
from harness.driving.bench import Bench
from harness.driving.calls import Exchange
from harness.driving.messages import CAUSATION, CORRELATION
from harness.errors import BrokerError
from harness.kafka.listening import Listener
from harness.kafka.wire import Record, UndecodableValue

Matches = Callable[[Record], bool]


@dataclass(frozen=True)
class Expected:
    """One declared effect of one cause. ``causation`` is what a direct effect names; None: not known."""

    cause: str
    emission: Emission
    send: MessageOperation
    correlation: str | None
    causation: str | None
    key: str | None
    subject: JSON = None
    reproduce: str = ""
    accepted: set[int] = field(default_factory=set, compare=False)

    @property
    def topic(self) -> str:
        return self.send.channel.address


class Watch:
    """Listens to every topic that the service's own contract sends on; a context manager.

    ``more`` are further topics to listen to. ``looked`` has what a GET showed when a record arrived, by its
    topic, partition and offset. Raises BrokerError where the target has no Kafka.
    """

    def __init__(self, bench: Bench, more: Iterable[str] = ()) -> None:
        if bench.target.kafka is None:
            raise BrokerError(bench.target.url, "no Kafka address was given for this target")
        self.bench = bench
        self.broker = bench.target.kafka
        self.topics = own_topics(bench)
        self.looked: dict[tuple[str, int, int], Exchange] = {}
        self._missed: set[str] = set()
        self._listener = Listener(self.broker, dict.fromkeys([*self.topics, *more]), bench.limits.timeout)

    def __enter__(self) -> Self:
        self._listener.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.__exit__(kind, error, trace)

    @property
    def records(self) -> list[Record]:
        return self._listener.records

    def mark(self) -> int:
        return self._listener.mark()

    def since(self, mark: int) -> list[Record]:
        return self._listener.since(mark)

    def quieten(self) -> None:
        """Wait until nothing has arrived for a moment: what is still under way was not caused by us."""
        quiet = min(0.3, self.bench.limits.settle / 2)
        for _ in range(20):
            before = self._listener.mark()
            self._listener.settle(quiet)
            if self._listener.mark() == before:
                return

    def settle(self) -> None:
        """Collect for one settle window (``limits.settle``)."""
        self._listener.settle(self.bench.limits.settle)

    def wait_for(self, matches: Matches, within: float, mark: int = 0, count: int = 1) -> list[Record] | None:
        return self._listener.wait_for(matches, within, mark, count)

    def patience(self, expected: Expected) -> float:
        """Seconds that ``arrival`` waits for the expected events.

        Where the same send operation has been missed before, the wait is cut to a settle window: one that
        is never published would else hold up the run for every case.
        """
        within = expected.emission.within
        return min(within, self.bench.limits.settle) if expected.send.id in self._missed else within

    def arrival(self, expected: Expected, mark: int) -> list[Record] | None:
        """The expected events as soon as all are there; None if they are not there within ``patience``."""
        within, count = self.patience(expected), expected.emission.count
        found = self.wait_for(lambda record: is_effect(self.bench, record, expected), within, mark, count)
        if found is None:
            self._missed.add(expected.send.id)
        return found

    def came(self, expected: Expected, mark: int) -> int:
        """How many of the expected events have come by now."""
        return sum(is_effect(self.bench, record, expected) for record in self.since(mark))


def own_topics(bench: Bench) -> tuple[str, ...]:
    """The topics that the service's contract sends on, its dead letters' included.

    Not that of accesses: what is told there is the effect of no success (``x-records``).
    """
    sends = [operation.channel for operation in bench.contract.sends.values() if not operation.records]
    dead = [r.dead_letter for r in bench.contract.receives.values() if r.dead_letter is not None]
    return tuple(dict.fromkeys(channel.address for channel in [*sends, *dead] if channel.on_kafka))


def expectations(
    bench: Bench,
    cause: str,
    emissions: Iterable[Emission],
    context: Context,
    *,
    status: int | None,
    correlation: str,
    causation: str | None,
    reproduce: str,
) -> list[Expected]:
    """What a cause that succeeded must have caused: the emissions that apply to it."""
    found = []
    for emission in emissions:
        send = bench.contract.message_operations.get(emission.operation)
        if send is None or not applies(emission, context, status):
            continue
        key = key_of(emission, context)
        if key is None and emission.transitions and _names_one(emission):
            continue  # the aggregate that it would move is not there
        value = evaluate(emission.correlation, context) if emission.correlation else correlation
        found.append(Expected(cause, emission, send, value, causation, key, context.response_body, reproduce))
    return found


def applies(emission: Emission, context: Context, status: int | None) -> bool:
    """Whether an emission's ``on``, ``when`` and its transitions' ``when`` admit this success."""
    spoken = {str(status), f"{status // 100}XX"} if status is not None else set()
    if emission.statuses and spoken and not spoken & set(emission.statuses):
        return False
    if emission.when is not None and not holds(emission.when, context):
        return False
    edges = emission.transitions
    return not edges or any(edge.when is None or holds(edge.when, context) for edge in edges)


def key_of(emission: Emission, context: Context) -> str | None:
    """The declared key, None where the contract does not say or the expression finds nothing."""
    value = evaluate(emission.key, context) if emission.key else None
    return value if isinstance(value, str) else None


def is_effect(bench: Bench, record: Record, expected: Expected) -> bool:
    """Whether a record is one of the expected events, by topic, correlation and causation.

    By its key where the contract's correlation is not known. An event that names another cause than
    ours (a timer's, say) is not it.
    """
    if record.topic != expected.topic or not belongs(record, expected.send):
        return False
    if expected.correlation is None:
        return expected.key is not None and record.key == expected.key
    if correlation_of(record, expected.send) != expected.correlation:
        return False
    several = len([e for e in _siblings(bench, expected) if e.operation == expected.emission.operation]) > 1
    if several and expected.key is not None and record.key != expected.key:
        return False
    named = record.header(CAUSATION)
    if named is not None and expected.causation is not None and named != expected.causation:
        return False
    return tells_of_its_timer(record, expected)


def tells_of_its_timer(record: Record, expected: Expected) -> bool:
    """Whether a record leads where an expected timer does: several may run in one state, with one cause."""
    ends = {edge.to for edge in expected.emission.transitions if edge.timed}
    payload = payload_of(record) if ends else None
    to = payload.get("to") if isinstance(payload, Mapping) else None
    return not ends or to is None or to in ends


def belongs(record: Record, send: MessageOperation) -> bool:
    """Whether a record is of this send operation, where several share a channel: by the ``ce_type``."""
    types = {_constant(message.headers.raw, "ce_type") for message in send.messages if message.headers}
    types.discard(None)
    return not types or record.header("ce_type") in types or record.header("ce_type") is None


def correlation_of(record: Record, send: MessageOperation | None) -> str | None:
    """What a record names as its correlation: where its message says, else ``ce_correlationid``."""
    for message in send.messages if send is not None else ():
        if message.correlation:
            value = evaluate(message.correlation, record_context(record))
            return value if isinstance(value, str) else None
    return record.header(CORRELATION)


def record_context(record: Record) -> Context:
    """What runtime expressions over a record see."""
    return Context(
        message_key=record.key, message_headers=headers_of(record), message_payload=payload_of(record)
    )


def headers_of(record: Record) -> dict[str, str]:
    return {name: value.decode(errors="backslashreplace") for name, value in record.headers}


def payload_of(record: Record) -> JSON:
    """The decoded value, None where it cannot be decoded."""
    try:
        return record.decoded()
    except UndecodableValue:
        return None


def _siblings(bench: Bench, expected: Expected) -> tuple[Emission, ...]:
    contract = bench.contract
    cause = contract.operations.get(expected.cause) or contract.message_operations.get(expected.cause)
    return cause.emits if cause is not None else ()


def _names_one(emission: Emission) -> bool:
    return any(edge.id is not None for edge in emission.transitions)


def _constant(raw: Mapping[str, JSON] | bool, name: str) -> JSON:
    properties = raw.get("properties", {}) if isinstance(raw, Mapping) else {}
    return properties.get(name, {}).get("const") if isinstance(properties, Mapping) else None
