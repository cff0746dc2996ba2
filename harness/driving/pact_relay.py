"""Stands between Pact's verifier and the target: makes states, adds tokens, remembers exchanges."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import httpx

from harness.contract.model import Operation
from harness.driving.calls import read_bounded
from harness.driving.curl import curl_line
from harness.driving.hops import ONE_CONNECTION
from harness.driving.phi import Discretion
from harness.driving.proxies import is_loopback
from harness.driving.trust import certificates
from harness.errors import HarnessError, TargetError
from harness.target import Limits, Target

NUMBER = "Portal-Interaction"
"""The header by which a request tells which interaction it belongs to; it goes no further than this."""

_PASSED_ON_BY_NOBODY = ONE_CONNECTION | {NUMBER.lower()}

_DECODED_HERE = {"content-encoding"}


@dataclass(frozen=True, slots=True)
class Relayed:
    """One request with its answer as the target sent it, or the error that kept us from having one."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    status: int = 0
    answer: bytes = b""
    error: HarnessError | None = None

    def discretion(self, operation: Operation | None) -> Discretion:
        """What may be shown of it, as an exchange of this operation."""
        return Discretion.over(operation, self.body, self.answer)

    def curl(self, shown: Discretion) -> str:
        return curl_line(self.method, self.url, self.headers, shown.request_bytes(self.body))

    def received(self, shown: Discretion, most: int = 300) -> str:
        text = " ".join(shown.answer_text(self.answer).split())
        return f"{self.status} {text if len(text) <= most else text[:most] + ' …'}".strip()


Prepare = Callable[[int, str, str, Mapping[str, str], bytes], Mapping[str, str]]
"""Interaction number, method, path with query, headers, body → headers to set; makes states on the way.
Raises HarnessError where that cannot be done."""


class Relay:
    """A server on loopback that passes requests on to a target; a context manager, open while verifying."""

    def __init__(self, target: Target, limits: Limits, prepare: Prepare) -> None:
        self.target, self.prepare = target, prepare
        self.relayed: dict[int, Relayed] = {}
        self._timeout = limits.timeout
        elsewhere = not is_loopback(target.url)
        self._client = httpx.Client(
            verify=certificates(elsewhere),
            timeout=limits.timeout,
            follow_redirects=False,
            trust_env=elsewhere,
        )
        relay = self

        class Handler(_Handler):
            passing = relay

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._client.close()

    def pass_on(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> httpx.Response | None:
        """Send one request on; None if that could not be done, and then ``relayed`` says why."""
        number = int(next((v for k, v in headers.items() if k.lower() == NUMBER.lower()), "0") or 0)
        url = self.target.url + path
        sent = {k: v for k, v in headers.items() if k.lower() not in _PASSED_ON_BY_NOBODY}
        try:
            added = self.prepare(number, method, path, sent, body)
            lowered = {name.lower() for name in added}
            sent = {k: v for k, v in sent.items() if k.lower() not in lowered} | dict(added)
            answer = self._send(method, url, sent, body)
        except HarnessError as error:
            self.relayed[number] = Relayed(method, url, sent, body, error=error)
            return None
        self.relayed[number] = Relayed(method, url, sent, body, answer.status_code, answer.content)
        return answer

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        started = time.monotonic()
        try:
            with self._client.stream(method, url, headers=dict(headers), content=body or None) as answer:
                content = read_bounded(answer, started, self._timeout)
                passed_on = [
                    (name, value)
                    for name, value in answer.headers.multi_items()
                    if name.lower() not in _PASSED_ON_BY_NOBODY | _DECODED_HERE
                ]
                return httpx.Response(answer.status_code, headers=passed_on, content=content)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise TargetError(
                self.target.url,
                f"{self.target.service} did not answer {method} {url}: {error or type(error).__name__}",
                remedy="Check that the service runs and that the address is right",
            ) from error


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes: with Nagle's algorithm 40 ms each
    passing: Relay

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer = self.passing.pass_on(self.command, self.path, dict(self.headers.items()), body)
        content = answer.content if answer is not None else b""
        self.send_response(answer.status_code if answer is not None else 502)
        for name, value in answer.headers.multi_items() if answer is not None else ():
            if name.lower() != "content-length":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = handle_any

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: what was relayed is remembered, not printed."""
