"""Exchanges on record: one JSON line each, so that another judge can read them after a run."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson

from harness.serving.connection import WholeAnswer
from harness.serving.envelope import INCOMING, ASGIApp
from harness.serving.wire import Message, Said, Scope, headers_of

MAX_RECORDED = 256 * 1024
"""Bytes of a body that go on record; a longer one is cut and marked ``truncated``."""

_UNRECORDED = frozenset({"authorization", "cookie"})


class Recorder:
    """Appends to one file from any number of applications. ``close`` when done.

    Other processes may append to it too: a line is one write, which the system puts at the end as a whole.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._file = path.open("ab", buffering=0)

    def wrap(self, app: ASGIApp, service: str) -> ASGIApp:
        """The application, with every exchange recorded."""
        return _Recorded(app, service, self._write)

    def close(self) -> None:
        """Close the file; what happens later is not recorded."""
        with self._lock:
            self._file.close()

    def _write(self, line: bytes) -> None:
        with self._lock:
            if not self._file.closed:
                self._file.write(line)


class _Recorded:
    def __init__(self, app: ASGIApp, service: str, write: Callable[[bytes], None]) -> None:
        self._app, self._service, self._write = app, service, write
        self._at_once: WholeAnswer | None = getattr(app, "at_once", None)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        tape = _Tape(receive, send)
        try:
            await self._app(scope, tape.receive, tape.send)
        finally:
            self._write(tape.line(scope, self._service))

    def at_once(self, scope: Scope, body: bytes) -> Said | None:
        """See ``WholeAnswer``."""
        said = self._at_once(scope, body) if self._at_once is not None else None
        if said is not None:
            tape = _Tape()
            tape.keep(body, said)
            self._write(tape.line(scope, self._service))
        return said


class _Tape:
    def __init__(self, receive: Any = None, send: Any = None) -> None:
        self._receive, self._send = receive, send
        self._body, self._answer = bytearray(), bytearray()
        self._cut = False
        self._status = 0
        self._headers: dict[str, str] = {}

    async def receive(self) -> Message:
        message: Message = await self._receive()
        self._keep(self._body, message.get("body", b""))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = headers_of(message)
        else:
            self._keep(self._answer, message.get("body", b""))
        await self._send(message)

    def keep(self, body: bytes, said: Said) -> None:
        """A whole exchange."""
        self._status, headers, answer = said
        self._headers = headers_of({"headers": headers})
        self._keep(self._body, body)
        self._keep(self._answer, answer)

    def _keep(self, into: bytearray, part: bytes) -> None:
        room = MAX_RECORDED - len(into)
        self._cut |= len(part) > room
        into += part[:room]

    def line(self, scope: Scope, service: str) -> bytes:
        headers = headers_of(scope)
        query = scope["query_string"].decode("latin-1")
        path = scope["raw_path"].decode("latin-1")
        record = {
            "service": service,
            "method": scope["method"],
            "url": f"{scope['scheme']}://{headers.get('host', '')}{path}" + (f"?{query}" if query else ""),
            "path": path,
            "query": query,
            "headers": {name: value for name, value in headers.items() if name not in _UNRECORDED},
            "body": self._body.decode("utf-8", "replace"),
            "status": self._status,
            "response_headers": self._headers,
            "response_body": self._answer.decode("utf-8", "replace"),
            "refused": _refused(scope),
            "truncated": self._cut,
        }
        return orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)


def _refused(scope: Scope) -> list[dict[str, str]]:
    """What was wrong with the request, whatever words the contract has for it; empty if nothing was."""
    incoming = (scope.get("extensions") or {}).get(INCOMING)
    problem = incoming.problem if incoming is not None else None
    return [{"pointer": each.pointer, "detail": each.detail} for each in problem.errors] if problem else []
