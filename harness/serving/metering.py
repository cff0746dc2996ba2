"""Figures on their way to a collector over OTLP. Only who asks for them imports this.

There is one set of them, which ``/metrics`` shows too; it is read whenever it is sent. Names and attributes
are those of OpenTelemetry's semantic conventions for HTTP and for messaging; where it has none, our own.
Sums grow from the start of the process, whatever temporality somebody prefers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple, cast

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExportResult,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.util.types import AttributeValue

from harness.serving.outages import Outage
from harness.serving.readings import Family, Registry
from harness.serving.telemetry import GRACE, LOG, OPERATION, resource_of, shown, silence

OUTCOME = "portal.outcome"
"""The attribute for what became of a message."""

_CUMULATIVE = AggregationTemporality.CUMULATIVE
_SCOPE = InstrumentationScope("portal")
_BILLION = 1_000_000_000
_UNKNOWN = cast(float, None)
"""The library's for what is not told, whatever its types say."""

_Attributes = dict[str, AttributeValue]


class _Named(NamedTuple):
    """What a figure is called outside; ``always`` is true of all that it counts."""

    name: str
    unit: str
    always: Mapping[str, AttributeValue]


_NAMES = {
    # TLS ends before us: what we serve is plain HTTP.
    "portal_http_request_seconds": _Named("http.server.request.duration", "s", {"url.scheme": "http"}),
    "portal_messages": _Named(
        "messaging.client.consumed.messages",
        "{message}",
        {"messaging.system": "kafka", "messaging.operation.name": "process"},
    ),
    "portal_http_requests": _Named("portal.http.requests", "{request}", {}),
    "portal_http_refused": _Named("portal.http.refused", "{request}", {}),
    "portal_outbox_waiting": _Named("portal.outbox.waiting", "{message}", {}),
    "portal_calls_waiting": _Named("portal.calls.waiting", "{request}", {}),
}

_ATTRIBUTES = {
    "operation": OPERATION,
    "method": "http.request.method",
    "route": "http.route",
    "status": "http.response.status_code",
    "topic": "messaging.destination.name",
    "outcome": OUTCOME,
}
"""By label. What is not here keeps its label's name."""

_NOTHING = {"operation": "none", "route": "", "status": "0"}
"""What a label says where there is nothing to say: then there is no attribute."""


class Metering:
    """One process's figures, sent every ``interval`` seconds by a thread."""

    def __init__(self, endpoint: str, interval: float) -> None:
        """``endpoint`` is for messages. Raises ValueError, OSError for variables that cannot be."""
        silence()
        self._exporter, self._where = OTLPMetricExporter(), shown(endpoint)
        self._interval, self._began = interval, time.time()
        self._outage, self._unread = Outage(LOG), Outage(LOG)
        self._sources: tuple[tuple[Resource, Registry], ...] = ()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="figures", daemon=True)
        self._thread.start()

    def read(self, service: str, registry: Registry) -> None:
        """Send this service's figures, too."""
        self._sources = (*self._sources, (resource_of(service), registry))

    def close(self) -> None:
        """Send them once more; what is not taken within ``GRACE`` seconds is lost."""
        self._ending.set()
        self._thread.join(GRACE)
        self._exporter.shutdown()

    def _run(self) -> None:
        while not self._ending.wait(self._interval):
            self._send()
        self._send(last=True)

    def _send(self, last: bool = False) -> None:
        """The last time without levels: a service that has ended would say that all is at an end."""
        found = [each for source in self._sources for each in self._figures(*source, levels=not last)]
        if not found:
            return
        if self._exporter.export(MetricsData(found)) is MetricExportResult.SUCCESS:
            self._outage.over(f"the collector at {self._where} takes figures again")
        else:
            self._outage.failed(
                f"the collector at {self._where} does not take figures, and requests go on; the next ones "
                "will tell of what these did"
            )

    def _figures(self, resource: Resource, registry: Registry, levels: bool) -> Iterator[ResourceMetrics]:
        """A service's; none where they cannot be read, for those of the others go on."""
        service = str(resource.attributes["service.name"])
        try:
            families = [
                each for each in registry.collect() if each.samples and (levels or each.type != "gauge")
            ]
            metrics = [metric_of(each, self._began) for each in families]
        except Exception as error:
            self._unread.failed(f"the figures of {service} cannot be read: {type(error).__name__}", error)
        else:
            yield ResourceMetrics(resource, [ScopeMetrics(_SCOPE, metrics, "")], "")


def metric_of(family: Family, began: float) -> Metric:
    """A figure of Prometheus' as one of OpenTelemetry's. ``began``, in seconds, is since when it has grown
    unless it says so itself."""
    named = _NAMES.get(family.name) or _Named(family.name.replace("_", "."), "1", {})
    points = [({**_attributes(labels), **named.always}, each) for labels, each in _series(family)]
    data: Sum | Gauge | Histogram
    if family.type == "counter":
        data = Sum([each.number(said, "_total", began) for said, each in points], _CUMULATIVE, True)
    elif family.type == "histogram":
        data = Histogram([each.histogram(said, began) for said, each in points], _CUMULATIVE)
    else:
        data = Gauge([each.number(said, "", began) for said, each in points])
    return Metric(named.name, family.documentation, named.unit, data)


@dataclass(slots=True)
class _Series:
    """The samples of one set of labels: by what follows the figure's name, and (bound, how many up to it)."""

    values: dict[str, float] = field(default_factory=dict)
    buckets: list[tuple[float, float]] = field(default_factory=list)

    def number(self, said: _Attributes, what: str, began: float) -> NumberDataPoint:
        value = float(self.values[what])  # the client library has whole numbers, too
        known = int(value) if value.is_integer() else value
        return NumberDataPoint(said, self._since(began), time.time_ns(), known)

    def histogram(self, said: _Attributes, began: float) -> HistogramDataPoint:
        up_to = [int(many) for _, many in self.buckets]
        return HistogramDataPoint(
            attributes=said,
            start_time_unix_nano=self._since(began),
            time_unix_nano=time.time_ns(),
            count=up_to[-1],
            sum=self.values["_sum"],
            bucket_counts=[many - less for less, many in pairwise([0, *up_to])],
            explicit_bounds=[bound for bound, _ in self.buckets[:-1]],
            min=_UNKNOWN,
            max=_UNKNOWN,
        )

    def _since(self, began: float) -> int:
        return int(self.values.get("_created", began) * _BILLION)


def _series(family: Family) -> Iterator[tuple[Mapping[str, str], _Series]]:
    found: dict[tuple[tuple[str, str], ...], _Series] = {}
    for sample in family.samples:
        labels = tuple(pair for pair in sample.labels.items() if pair[0] != "le")
        series = found.setdefault(labels, _Series())
        if "le" in sample.labels:
            series.buckets.append((float(sample.labels["le"]), sample.value))
        else:
            series.values[sample.name.removeprefix(family.name)] = sample.value
    return ((dict(labels), series) for labels, series in found.items())


def _attributes(labels: Mapping[str, str]) -> _Attributes:
    """What the labels say, and whether that is a failure."""
    said: _Attributes = {
        _ATTRIBUTES.get(name, name): int(value) if name == "status" else value
        for name, value in labels.items()
        if _NOTHING.get(name) != value
    }
    if labels.get("status", "0") >= "500":
        said["error.type"] = labels["status"]
    if labels.get("outcome") == "dead":
        said["error.type"] = labels["outcome"]
    return said
