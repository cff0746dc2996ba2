"""An ASGI application called without a socket: a request in, the whole answer out."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import unquote

from harness.serving.connection import CONNECTION
from harness.serving.envelope import ASGIApp
from harness.serving.wire import Message, Scope

Headers = Sequence[tuple[bytes, bytes]]
Done = TypeVar("Done")


class HungUp(Exception):
    """The application ended the connection on purpose; ``reset`` tells RST from FIN."""

    def __init__(self, reset: bool) -> None:
        self.reset = reset
        super().__init__("the connection was reset" if reset else "the connection was closed")


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    headers: Headers
    body: bytes


def scope_of(
    method: str, scheme: str, target: bytes, headers: Headers, server: tuple[str, int | None]
) -> Scope:
    """An HTTP scope (ASGI HTTP connection scope, 2.4). ``target`` is path and query as they are sent."""
    raw_path, _, query = target.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": unquote(raw_path.decode("latin-1")),
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in headers],
        "client": ("127.0.0.1", 0),
        "server": server,
    }


async def ask(app: ASGIApp, scope: Scope, body: bytes) -> Answered:
    """The answer of an application. Raises HungUp where it ends the connection instead."""
    connection = _Connection()
    scope["extensions"] = {CONNECTION: connection}
    try:
        await app(scope, connection.receiving(body), connection.send)
    finally:
        connection.over.set()
    if connection.ended is not None:
        raise connection.ended
    length = next((int(value) for name, value in connection.headers if name == b"content-length"), None)
    if connection.status == 0 or (scope["method"] != "HEAD" and length not in (None, len(connection.body))):
        raise HungUp(reset=False)  # a server would close on a client that waits for more
    body = b"" if scope["method"] == "HEAD" else bytes(connection.body)
    return Answered(connection.status, connection.headers, body)


class _Connection:
    """Both ends of one exchange; what ``harness.serving.protocol`` is on a socket."""

    def __init__(self) -> None:
        self.status, self.headers, self.body = 0, list[tuple[bytes, bytes]](), bytearray()
        self.ended: HungUp | None = None
        self.over = asyncio.Event()

    def receiving(self, body: bytes) -> Any:
        parts = [body]

        async def receive() -> Message:
            if parts:
                return {"type": "http.request", "body": parts.pop(), "more_body": False}
            await self.over.wait()
            return {"type": "http.disconnect"}

        return receive

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")

    async def hang_up(self, said: bytes = b"") -> None:
        self.ended = HungUp(reset=False)

    async def reset(self) -> None:
        self.ended = HungUp(reset=True)


class LoopThread:
    """An event loop in a thread of its own, so that synchronous and asynchronous callers are answered alike.

    As a context manager it ends, and closes its loop, at the end.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="portal-mock", daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, Done]) -> Future[Done]:
        """Run it there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """End the thread. What it was at is cancelled."""
        if self._loop.is_closed():
            return
        self.submit(_cancel_all()).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
