"""A collector that keeps what it is told: OTLP over HTTP on loopback, as OpenTelemetry's protocol has it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Exported

SERVER, INTERNAL = Exported.SPAN_KIND_SERVER, Exported.SPAN_KIND_INTERNAL
CLIENT = Exported.SPAN_KIND_CLIENT
PRODUCER, CONSUMER = Exported.SPAN_KIND_PRODUCER, Exported.SPAN_KIND_CONSUMER


@dataclass(frozen=True)
class Told:
    """One span, as it was exported."""

    service: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    failed: bool
    attributes: dict[str, str | int]


@dataclass(frozen=True)
class Figure:
    """One point of one metric, as it was exported. ``value`` of a histogram is how many it has seen;
    ``buckets`` are its own. ``adds`` says that it only ever grows, from ``since`` (ns) on."""

    service: str
    name: str
    unit: str
    adds: bool
    attributes: dict[str, str | int]
    value: float
    since: int
    at: int
    total: float = 0.0
    bounds: tuple[float, ...] = ()
    buckets: tuple[int, ...] = ()


@dataclass
class Collector:
    """``bodies`` are the requests with spans as they came, ``measured`` those with metrics."""

    bodies: list[bytes] = field(default_factory=list)
    measured: list[bytes] = field(default_factory=list)
    url: str = ""

    def spans(self) -> list[Told]:
        return [span for body in list(self.bodies) for span in _spans(body)]

    def only(self, wanted: Callable[[Told], bool]) -> Told | None:
        """The first span that is like this, None as long as there is none."""
        return next((each for each in self.spans() if wanted(each)), None)

    def figures(self) -> list[Figure]:
        """What the last request said: everything, for nothing is told by differences."""
        return [figure for body in self.measured[-1:] for figure in _figures(body)]

    def figure(self, service: str, name: str, **attributes: str | int) -> Figure | None:
        """The newest point of this name that has these attributes, None as long as there is none."""
        for each in self.figures():
            if (each.service, each.name) == (service, name) and attributes.items() <= each.attributes.items():
                return each
        return None


def _spans(body: bytes) -> Iterator[Told]:
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        named = {each.key: each.value.string_value for each in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Told(
                    named["service.name"],
                    span.name,
                    span.kind,
                    span.trace_id.hex(),
                    span.span_id.hex(),
                    span.parent_span_id.hex(),
                    span.status.code == span.status.STATUS_CODE_ERROR,
                    _attributes(span.attributes),
                )


def _attributes(found: Iterable[KeyValue]) -> dict[str, str | int]:
    return {each.key: each.value.string_value or each.value.int_value for each in found}


def _figures(body: bytes) -> Iterator[Figure]:
    for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        service = str(_attributes(resource.resource.attributes)["service.name"])
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                yield from _points(service, metric)


def _points(service: str, metric: Metric) -> Iterator[Figure]:
    kind = metric.WhichOneof("data")
    if kind == "gauge":
        for level in metric.gauge.data_points:
            yield _number(service, metric, level, adds=False)
    elif kind == "sum":
        assert metric.sum.is_monotonic
        assert metric.sum.aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE
        for point in metric.sum.data_points:
            yield _number(service, metric, point, adds=True)
    else:
        assert kind == "histogram"
        assert metric.histogram.aggregation_temporality == AGGREGATION_TEMPORALITY_CUMULATIVE
        for seen in metric.histogram.data_points:
            yield _histogram(service, metric, seen)


def _number(service: str, metric: Metric, point: NumberDataPoint, adds: bool) -> Figure:
    value = point.as_int if point.WhichOneof("value") == "as_int" else point.as_double
    said = _attributes(point.attributes)
    since, at = point.start_time_unix_nano, point.time_unix_nano
    return Figure(service, metric.name, metric.unit, adds, said, value, since, at)


def _histogram(service: str, metric: Metric, point: HistogramDataPoint) -> Figure:
    return Figure(
        service,
        metric.name,
        metric.unit,
        True,
        _attributes(point.attributes),
        point.count,
        point.start_time_unix_nano,
        point.time_unix_nano,
        point.sum,
        tuple(point.explicit_bounds),
        tuple(point.bucket_counts),
    )


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector at ``url`` for as long as the context is open."""
    collector = Collector()

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taking = {"/v1/traces": collector.bodies, "/v1/metrics": collector.measured}.get(self.path)
            if taking is not None:
                taking.append(body)
            answer = ExportTraceServiceResponse().SerializeToString()  # without content, as that to metrics
            self.send_response(404 if taking is None else 200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="collector")
    thread.start()
    collector.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
