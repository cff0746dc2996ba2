"""A collector that keeps what it is told: OTLP over HTTP on loopback, as OpenTelemetry's protocol has it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Exported

SERVER, INTERNAL = Exported.SPAN_KIND_SERVER, Exported.SPAN_KIND_INTERNAL
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


@dataclass
class Collector:
    """``bodies`` are the requests as they came."""

    bodies: list[bytes] = field(default_factory=list)
    url: str = ""

    def spans(self) -> list[Told]:
        return [span for body in list(self.bodies) for span in _spans(body)]

    def only(self, wanted: Callable[[Told], bool]) -> Told | None:
        """The first span that is like this, None as long as there is none."""
        return next((each for each in self.spans() if wanted(each)), None)


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
                    {each.key: each.value.string_value or each.value.int_value for each in span.attributes},
                )


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector at ``url`` for as long as the context is open."""
    collector = Collector()

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                collector.bodies.append(body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200 if self.path == "/v1/traces" else 404)
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
