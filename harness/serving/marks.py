"""Work that log lines alone tell of: they say to which exchange or message they belong."""

from __future__ import annotations

from contextvars import Token
from types import TracebackType
from typing import Self

from harness.kafka.dead_letters import Headers
from harness.kafka.wire import Record
from harness.serving.spans import CORRELATION, IN_HAND, NOBODY, TRACEPARENT, InHand, Span
from harness.serving.tracing import Trace, continued


class Marked:
    """A span that only log lines show: its trace goes on under a span id of its own."""

    def __init__(self, service: str, correlation: str, traceparent: str) -> None:
        self.traceparent = traceparent
        self._in_hand = InHand(service, correlation, traceparent)
        self._before: Token[InHand | None] | None = None

    def __enter__(self) -> Self:
        self._before = IN_HAND.set(self._in_hand)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            IN_HAND.reset(self._before)

    def answered(self, status: int, operation: str, route: str) -> None:
        """Log lines do not say it."""

    def failed(self, why: str) -> None:
        """Log lines do not say it."""


class Marks:
    """One service's log lines say what is in hand; no span is told to anybody."""

    def __init__(self, service: str) -> None:
        self._service = service

    def request(self, method: str, scheme: str, trace: Trace) -> Span:
        return Marked(self._service, trace.correlation, continued(trace.traceparent))

    def calling(self, method: str, url: str, trace: Trace) -> Span:
        return Marked(self._service, trace.correlation, continued(trace.traceparent))

    def publishing(self, topic: str, headers: Headers) -> Span:
        return NOBODY.publishing(topic, headers)

    def message(self, record: Record, operation: str) -> Span:
        traceparent = continued(record.header(TRACEPARENT) or "")
        return Marked(self._service, record.header(CORRELATION) or "", traceparent)

    def occasion(self, name: str) -> Span:
        return Marked(self._service, "", continued(""))
