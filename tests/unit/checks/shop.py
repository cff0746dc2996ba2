"""A small ticket shop that nobody's platform helped to write: the checks must work on it as on any other.

Plain ``http.server`` over a real socket, with tokens, events and a control endpoint of its own. ``faults``
names what it does wrong; each name is explained where it is looked up.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from harness.kafka.broker import Broker
from harness.kafka.consuming import Consumption
from harness.target import Capability, Target
from tests.unit.checks.counter import Face, Reply, token
from tests.unit.checks.stock import PAYMENTS, Refused, Shop


def _control(shop: Shop, method: str, path: str, raw: bytes) -> Reply:
    body = json.loads(raw) if raw else {}
    if path == "/states":
        return 200, shop.state(body), {}
    if path == "/reset":
        shop.reset()
        return 204, None, {}
    if path == "/clock/advance":
        shop.advance(float(body["by"].removeprefix("PT").removesuffix("S")))
    return 200, {"now": shop.now().isoformat()}, {}


def _handler(answer: Callable[[str, str, Mapping[str, str], bytes], Reply]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _go(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            kind = "application/json"
            try:
                status, body, more = answer(self.command, self.path, headers, raw)
            except Refused as refused:
                kind, more, status = "application/problem+json", {}, refused.status
                body = {"type": "about:blank", "title": "Refused", "status": status, "detail": refused.detail}
            content = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _go

        def log_message(self, *_: Any) -> None:
            """Nothing: tests read what the checks say."""

    return Handler


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # the library's five drop some of eight connections made at once


@contextmanager
def _serving(answer: Callable[[str, str, Mapping[str, str], bytes], Reply]) -> Iterator[str]:
    server = _Server(("127.0.0.1", 0), _handler(answer))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def open_shop(broker: Broker | None = None, *faults: str, control: bool = True) -> Iterator[Target]:
    """The shop on a free port, as the harness sees it: by its address."""
    shop = Shop(broker, frozenset(faults))
    shop.reset()
    for _ in range(0 if control else 200):
        shop.put("Seat", {"id": str(uuid.uuid4()), "status": "free"})
    face, stop = Face(shop), threading.Event()
    members = []
    capabilities: set[Capability] = {"state", "access", "idempotency"}
    if broker is not None:
        capabilities.add("kafka")
        consumption = Consumption(broker, f"shop-{uuid.uuid4().hex}", [PAYMENTS], shop.settled, stop)
        members.append(threading.Thread(target=consumption.run, daemon=True))
        members[0].start()
        assert consumption.assigned.wait(20)
    if control:
        capabilities.add("control")

    def controlling(method: str, path: str, headers: Mapping[str, str], raw: bytes) -> Reply:
        return _control(shop, method, path, raw)

    try:
        with _serving(face.answer) as url, _serving(controlling) as address:
            yield Target(
                "tickets",
                url,
                "reference" if broker else "external",
                frozenset(capabilities),
                broker,
                address if control else None,
                token,
            )
    finally:
        stop.set()
        for member in members:
            member.join(10)
        if shop.publisher is not None:
            shop.publisher.close()
