"""The layer around a hosted application that begins and ends a span for each HTTP exchange."""

from __future__ import annotations

from typing import Any

from harness.serving.envelope import INCOMING, ASGIApp, Incoming
from harness.serving.spans import NOBODY, TRACEPARENT, Spans, spans_of
from harness.serving.tracing import TRACE, Trace, correlation_of
from harness.serving.wire import Message, Scope, headers_of


def watched(app: ASGIApp, service: str) -> ASGIApp:
    """The application with a span for each exchange; the same one where nobody watches."""
    spans = spans_of(service)
    return app if spans is NOBODY else _Watched(app, spans)


class _Watched:
    def __init__(self, app: ASGIApp, spans: Spans) -> None:
        self._app, self._spans = app, spans

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = headers_of(scope)
        asked = Trace(correlation_of(headers), headers.get(TRACEPARENT, ""))
        status = _Status(send)
        with self._spans.request(scope["method"], scope["scheme"], asked) as span:
            trace = Trace(asked.correlation, span.traceparent)
            scope["extensions"] = {**(scope.get("extensions") or {}), TRACE: trace}
            try:
                await self._app(scope, receive, status.send)
            finally:
                incoming: Incoming | None = scope["extensions"].get(INCOMING)
                operation, route = (incoming.operation, incoming.route) if incoming is not None else ("", "")
                span.answered(status.told, operation, route)


class _Status:
    """``send``, and the status that was sent, 0 until then."""

    def __init__(self, send: Any) -> None:
        self._send = send
        self.told = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.told = message["status"]
        await self._send(message)
