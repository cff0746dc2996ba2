"""Spans by OpenTelemetry, on their way to a collector over OTLP. Only who asks for them imports this.

Names and attributes are those of OpenTelemetry's semantic conventions for HTTP and for messaging. What would
hold values is left out: ``url.path``, ``url.query``, keys of messages, texts of errors.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from urllib.parse import urlsplit

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Span as Recording
from opentelemetry.trace import SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from harness.kafka.dead_letters import Headers
from harness.kafka.wire import Record
from harness.serving.marks import Marked
from harness.serving.outages import Outage
from harness.serving.spans import CORRELATION, TRACEPARENT, Span, Spans
from harness.serving.tracing import Trace
from harness.serving.wire import METHODS

LOG = logging.getLogger("portal.telemetry")

GRACE = 2.0
"""Seconds that spans get to be delivered at the end."""

OPERATION = "portal.operation"
"""The attribute for an operation's id in its contract."""

_SILENCED = "opentelemetry"
"""The library's loggers quote what stands in its variables, tokens too; what matters we say ourselves."""

_propagator = TraceContextTextMapPropagator()


class Telemetry:
    """One process's spans. Set up by the ``OTEL_…`` variables; a queue of bounded length, in a thread."""

    def __init__(self, endpoint: str) -> None:
        """``endpoint`` is for messages. Raises ValueError for variables that contradict each other."""
        silence()
        self._exporter = OTLPSpanExporter()
        self._processor = BatchSpanProcessor(_Reporting(self._exporter, shown(endpoint)))
        self._spans: dict[str, Spans] = {}

    def spans(self, service: str) -> Spans:
        """The spans of a service: a resource of its own, the queue of all."""
        if service not in self._spans:
            provider = TracerProvider(resource=resource_of(service), shutdown_on_exit=False)
            provider.add_span_processor(self._processor)
            self._spans[service] = _Spans(service, provider.get_tracer("portal"))
        return self._spans[service]

    def close(self) -> None:
        """Deliver what waits; what is not taken within ``GRACE`` seconds is lost."""
        ending = threading.Thread(target=self._processor.shutdown, name="telemetry", daemon=True)
        ending.start()
        ending.join(GRACE)
        if ending.is_alive():
            self._exporter.shutdown()  # type: ignore[no-untyped-call]


class _Reporting(SpanExporter):
    """Says once in a while that spans do not arrive."""

    def __init__(self, exporter: SpanExporter, where: str) -> None:
        self._exporter, self._where = exporter, where
        self._outage = Outage(LOG)
        self._lost = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """The library's."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            self._outage.over(f"the collector at {self._where} takes spans again; {self._lost} were lost")
            self._lost = 0
        else:
            self._lost += len(spans)
            self._outage.failed(
                f"the collector at {self._where} does not take spans: {self._lost} are lost, and requests go "
                "on; tried again with the next ones"
            )
        return result

    def shutdown(self) -> None:
        """The library's."""
        self._exporter.shutdown()


class _Spans:
    def __init__(self, service: str, tracer: Tracer) -> None:
        self._service, self._tracer = service, tracer

    def request(self, method: str, scheme: str, trace: Trace) -> Span:
        known = method in METHODS
        name = method if known else "HTTP"
        attributes = {"http.request.method": method if known else "_OTHER", "url.scheme": scheme}
        return self._begun(name, SpanKind.SERVER, trace.traceparent, attributes, trace.correlation)

    def calling(self, method: str, url: str, trace: Trace) -> Span:
        where = urlsplit(url)
        attributes: dict[str, AttributeValue] = {
            "http.request.method": method,
            "server.address": where.hostname or "",
            "server.port": where.port or {"http": 80, "https": 443}.get(where.scheme, 0),
        }
        return self._begun(method, SpanKind.CLIENT, trace.traceparent, attributes, trace.correlation)

    def publishing(self, topic: str, headers: Headers) -> Span:
        attributes = _messaging("send", topic)
        return self._of_record(f"send {topic}", SpanKind.PRODUCER, dict(headers), attributes)

    def message(self, record: Record, operation: str) -> Span:
        attributes = {
            **_messaging("process", record.topic),
            "messaging.destination.partition.id": str(record.partition),
            "messaging.kafka.offset": record.offset,
            OPERATION: operation,
        }
        name = f"process {record.topic}"
        return self._of_record(name, SpanKind.CONSUMER, dict(record.headers), attributes)

    def occasion(self, name: str) -> Span:
        return self._begun(name, SpanKind.INTERNAL, "", {})

    def _of_record(
        self,
        name: str,
        kind: SpanKind,
        headers: Mapping[str, bytes],
        attributes: Mapping[str, AttributeValue],
    ) -> Span:
        before, correlation = (
            headers.get(each, b"").decode("latin-1") for each in (TRACEPARENT, CORRELATION)
        )
        return self._begun(name, kind, before, attributes, correlation)

    def _begun(
        self,
        name: str,
        kind: SpanKind,
        before: str,
        attributes: Mapping[str, AttributeValue],
        correlation: str = "",
    ) -> Span:
        parent = _propagator.extract({TRACEPARENT: before}, Context())
        span = self._tracer.start_span(name, parent, kind, attributes)
        return _Recorded(span, name, self._service, correlation, asks=kind is SpanKind.CLIENT)


class _Recorded(Marked):
    """A span that is exported when it ends."""

    def __init__(self, span: Recording, name: str, service: str, correlation: str, *, asks: bool) -> None:
        context = span.get_span_context()
        ids = f"{context.trace_id:032x}-{context.span_id:016x}"
        super().__init__(service, correlation, f"00-{ids}-{int(context.trace_flags):02x}")
        self._span, self._name = span, name
        self._route, self._fails = ("url.template", 400) if asks else ("http.route", 500)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if kind is not None:
            self.failed(kind.__name__)
        self._span.end()

    def answered(self, status: int, operation: str, route: str) -> None:
        if route:
            self._span.update_name(f"{self._name} {route}")
            self._span.set_attribute(self._route, route)
        if operation:
            self._span.set_attribute(OPERATION, operation)
        if status:
            self._span.set_attribute("http.response.status_code", status)
        if status >= self._fails:
            self.failed(str(status))

    def failed(self, why: str) -> None:
        self._span.set_attribute("error.type", why)
        self._span.set_status(StatusCode.ERROR)


def _messaging(name: str, topic: str) -> dict[str, AttributeValue]:
    return {
        "messaging.system": "kafka",
        "messaging.operation.name": name,
        "messaging.operation.type": name,
        "messaging.destination.name": topic,
    }


def resource_of(service: str) -> Resource:
    """Who tells: a service in this process, with what ``OTEL_RESOURCE_ATTRIBUTES`` says of it."""
    return Resource.create({"service.name": service})


def silence() -> None:
    """Nothing of what the library logs is written."""
    library = logging.getLogger(_SILENCED)
    library.addHandler(logging.NullHandler())
    library.propagate = False


def shown(endpoint: str) -> str:
    """An address without user, password, path and query."""
    parts = urlsplit(endpoint)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}"
