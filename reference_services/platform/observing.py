"""What operators see of a service: whether it lives, whether it is ready, and figures for Prometheus, which
``harness.serving.metering`` sends over OTLP too.

Labels are names and statuses of the contract: no id, no value, nothing that anybody sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from harness.contract.model import MessageOperation
from harness.serving.connection import WholeAnswer
from harness.serving.envelope import INCOMING, ASGIApp, Incoming
from harness.serving.exchange import Answer
from harness.serving.overload import Overloaded
from harness.serving.problems import Problem
from harness.serving.readings import show_figures
from harness.serving.wire import METHODS, Message, Said, Scope
from reference_services.platform import tables
from reference_services.platform.store import Store

LIVE, READY, METRICS = "/health/live", "/health/ready", "/metrics"
"""Paths outside every contract."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Asked(NamedTuple):
    """What a request is counted as: an operation with its method and the template of its path. ``none``, and
    no route, is what no operation takes; a method that nobody defines is not named."""

    operation: str
    method: str
    route: str


class Figures:
    """One service's: requests by operation and status with their times, messages by outcome, what waits."""

    def __init__(self, service: str, store: Store, current: Callable[[], bool]) -> None:
        self._store = store
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "portal_http_requests", "Requests answered.", ("operation", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "portal_http_request_seconds",
            "From a request's head to the end of its answer, without what portal_http_refused counts.",
            ("operation", "method", "route", "status"),
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._refused = Counter(
            "portal_http_refused",
            "Requests answered 503 at once, for there was too much to do; portal_http_requests has them too.",
            ("operation",),
            registry=self._registry,
        )
        self._messages = Counter(
            "portal_messages",
            "Messages received: done, again (dropped), stale (older than what came before) or dead (dead "
            "letter).",
            ("operation", "topic", "outcome"),
            registry=self._registry,
        )
        self._registry.register(_Waiting(store, current))
        show_figures(service, self._registry)

    def message(self, operation: MessageOperation, outcome: str) -> None:
        """A message was taken in, with this outcome."""
        self._messages.labels(operation.id, operation.channel.address, outcome).inc()

    def exchange(self, asked: Asked, status: int, seconds: float, *, refused: bool) -> None:
        """A request was answered, ``status`` 0 without answer.

        Those ``refused`` for overload would hide in the times, by being fast, how slow the others are.
        """
        operation, method, route = asked
        self._requests.labels(operation, str(status)).inc()
        if refused:
            self._refused.labels(operation).inc()
        else:
            self._seconds.labels(operation, method, route, str(status)).observe(seconds)

    def routes(self) -> Mapping[str, Callable[[], Answer]]:
        """What answers the paths of this module."""
        return {
            LIVE: lambda: Answer(200, {"status": "live"}),
            READY: self._ready,
            METRICS: lambda: Answer(200, generate_latest(self._registry), content_type=CONTENT_TYPE_LATEST),
        }

    def _ready(self) -> Answer:
        """Ready is who can work on requests. Kafka may be away: events wait. Raises Problem 503."""
        with self._store.transaction(write=False) as transaction:
            transaction.connection.execute(select(1))
        return Answer(200, {"status": "ready"})


class Measured:
    """An application whose exchanges are counted and timed."""

    def __init__(self, app: ASGIApp, figures: Figures) -> None:
        self._app, self._figures = app, figures
        self._at_once: WholeAnswer | None = getattr(app, "at_once", None)

    def at_once(self, scope: Scope, body: bytes) -> Said | None:
        """See ``WholeAnswer``: who is refused for overload costs the others next to nothing."""
        began = time.perf_counter()
        said = self._at_once(scope, body) if self._at_once is not None else None
        if said is not None:
            self._count(scope, said[0], began)
        return said

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            self._count(scope, status, began)

    def _count(self, scope: Scope, status: int, began: float) -> None:
        incoming: Incoming | None = (scope.get("extensions") or {}).get(INCOMING)
        refused = incoming is not None and isinstance(incoming.problem, Overloaded)
        asked = _asked(scope["method"], incoming)
        self._figures.exchange(asked, status, time.perf_counter() - began, refused=refused)


def _asked(method: str, incoming: Incoming | None) -> Asked:
    named = method if method in METHODS else "_OTHER"
    if incoming is None or not incoming.operation:
        return Asked("none", named, "")
    return Asked(incoming.operation, named, incoming.route)


_WAITING = (
    ("portal_outbox_waiting", "Events not published yet.", tables.outbox),
    ("portal_calls_waiting", "Calls of other services not made yet.", tables.calls),
)


class _Waiting(Collector):
    """What is looked up when somebody asks."""

    def __init__(self, store: Store, current: Callable[[], bool]) -> None:
        self._store, self._current = store, current

    def collect(self) -> Iterator[Metric]:
        try:
            with self._store.transaction(write=False) as transaction:
                for name, said, table in _WAITING:
                    waiting = transaction.connection.execute(select(func.count()).select_from(table))
                    yield GaugeMetricFamily(name, said, waiting.scalar_one())
        except Problem:
            pass  # the store is not there: /health/ready says so
        yield GaugeMetricFamily(
            "portal_relations_current",
            "1 while it is known which relations have ended; while it is 0, proxies are refused.",
            int(self._current()),
        )

    def describe(self) -> Iterator[Metric]:
        """Nothing is looked up before there is a store."""
        return iter(())
