"""What is in hand, and for whom: spans tell of it, and log lines say to which cause they belong.

``watch`` says at start who is told. Nobody is unless somebody asked for it: then none of this costs anything.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from harness.kafka.dead_letters import Headers, is_letter
from harness.kafka.wire import Record
from harness.serving.tracing import Trace, continued

CORRELATION, TRACEPARENT = "ce_correlationid", "traceparent"


class InHand(NamedTuple):
    """Whose work this is. ``correlation`` and ``traceparent`` are empty for what belongs to no cause."""

    service: str
    correlation: str = ""
    traceparent: str = ""


IN_HAND: ContextVar[InHand | None] = ContextVar("what is in hand", default=None)
"""Read by who writes log lines; set only where somebody watches."""


class Span(Protocol):
    """One piece of work, from entering it as a context to leaving it; what it raises is its failure.

    ``traceparent`` is what the work's own messages carry on, empty where nobody watches.
    """

    @property
    def traceparent(self) -> str: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def answered(self, status: int, operation: str, route: str) -> None:
        """A request was answered; ``status`` 0 without answer, the others empty where no operation is.

        What we are answered from 400 on is a failure, what we answer from 500 on (OpenTelemetry, HTTP spans).
        """

    def failed(self, why: str) -> None:
        """It came to nothing, for this coded reason."""


class Spans(Protocol):
    """One service's. Whatever is told here goes out of the house: names and statuses of the contract, nothing
    that anybody sent."""

    def request(self, method: str, scheme: str, trace: Trace) -> Span:
        """An HTTP exchange; ``trace`` has the caller's own ``traceparent``, or an empty one."""

    def calling(self, method: str, url: str, trace: Trace) -> Span:
        """A request of ours to another service; of the URL only where that listens is told."""

    def publishing(self, topic: str, headers: Headers) -> Span:
        """A record on its way to a topic, with the headers that it was given: see ``sent_on``."""

    def message(self, record: Record, operation: str) -> Span:
        """A record that a receive operation processes."""

    def occasion(self, name: str) -> Span:
        """What nobody asked for, such as a timer: a trace begins here."""


class _Nothing:
    """The span of what nobody watches."""

    traceparent = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        return None

    def answered(self, status: int, operation: str, route: str) -> None:
        """Nobody is told."""

    def failed(self, why: str) -> None:
        """Nobody is told."""


class _Unwatched:
    """Nobody watches this service."""

    _nothing = _Nothing()

    def request(self, method: str, scheme: str, trace: Trace) -> Span:
        return self._nothing

    def calling(self, method: str, url: str, trace: Trace) -> Span:
        return self._nothing

    def publishing(self, topic: str, headers: Headers) -> Span:
        return self._nothing

    def message(self, record: Record, operation: str) -> Span:
        return self._nothing

    def occasion(self, name: str) -> Span:
        return self._nothing


NOBODY: Spans = _Unwatched()

Source = Callable[[str], Spans]
"""From a service's name to its spans."""


class _Watch:
    """Who is told in this process."""

    source: Source | None = None


def watch(source: Source | None) -> None:
    """Tell these of all that is built from now on; None tells nobody."""
    _Watch.source = source


def spans_of(service: str) -> Spans:
    """The spans of a service that is being built."""
    return NOBODY if _Watch.source is None else _Watch.source(service)


def belongs_to(service: str) -> None:
    """This thread works for a service: its log lines say so."""
    if _Watch.source is not None:
        IN_HAND.set(InHand(service))


def traceparent_here() -> str:
    """That of what is in hand; a new trace where nobody watches."""
    found = IN_HAND.get()
    return continued("") if found is None or not found.traceparent else found.traceparent


def sent_on(span: Span, headers: Headers) -> Headers:
    """A record's headers as they go out: what receives it goes on from this span.

    A dead letter keeps those that it came with.
    """
    if not span.traceparent or is_letter(headers):
        return headers
    own = span.traceparent.encode()
    return tuple((name, own if name == TRACEPARENT else value) for name, value in headers)
