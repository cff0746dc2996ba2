"""A real service behind a proxy, which answers what a test tells it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from harness.contract.model import JSON, Contract
from harness.findings import CouldNotTell, Finding, Passed
from mocks.proxy.ledger import Ledger
from mocks.proxy.pairs import Pairs
from mocks.proxy.proxy import Proxy
from tests.unit.serving.live import Service, served


@dataclass
class Asked:
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        return next((value for each, value in self.headers if each == name), None)


@dataclass
class RealService:
    """Answers each request with the next of ``answers``: status, headers, body."""

    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)

    def will(self, status: int, body: JSON = None, **headers: str) -> None:
        """Answer so; a value is sent as JSON, bytes as they are."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is None or isinstance(body, bytes):
            self.answers.append((status, named, body or b""))
        else:
            named = {"content-type": "application/json"} | named
            self.answers.append((status, named, json.dumps(body).encode()))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        query = b"?" + scope["query_string"] if scope["query_string"] else b""
        headers = [(name.decode(), value.decode("latin-1")) for name, value in scope["headers"]]
        self.asked.append(Asked(scope["method"], (scope["raw_path"] + query).decode(), headers, body))
        status, named, answer = self.answers.pop(0)
        coded = [(name.encode(), value.encode()) for name, value in named.items()]
        await send({"type": "http.response.start", "status": status, "headers": coded})
        if answer == b"endless":
            await self._endless(receive, send)
            return
        await send({"type": "http.response.body", "body": answer})

    async def _endless(self, receive: Any, send: Any) -> None:
        import asyncio

        async def left() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass
            self.gone.set()

        watching = asyncio.ensure_future(left())
        while not self.gone.is_set():
            await send({"type": "http.response.body", "body": b"x" * 1000, "more_body": True})
            await asyncio.sleep(0.001)
        await watching


@dataclass
class Proxied:
    """A proxy before a real service, a client of it, and what it found when it has ended."""

    real: RealService
    client: httpx.Client
    ledger: Ledger
    proxy: Proxy
    url: str

    @property
    def findings(self) -> list[Finding]:
        return [each for each in self.ledger.results() if isinstance(each, Finding)]

    @property
    def unknown(self) -> list[CouldNotTell]:
        return [each for each in self.ledger.results() if isinstance(each, CouldNotTell)]

    @property
    def kept(self) -> int:
        return sum(each.cases for each in self.ledger.results() if isinstance(each, Passed))


@contextmanager
def proxied(contract: Contract, folder: Path | None = None, path: str = "") -> Iterator[Proxied]:
    """Both on sockets. What was found is all there once the context is left."""
    real = RealService()
    with served([Service("real", real)]) as addresses:
        ledger = Ledger(contract.service)
        pairs = Pairs(contract, folder) if folder is not None else None
        proxy = Proxy(contract, addresses.services["real"] + path, ledger, pairs)
        with (
            served([proxy]) as front,
            httpx.Client(base_url=front.services[contract.service], trust_env=False, timeout=10) as client,
        ):
            yield Proxied(real, client, ledger, proxy, addresses.services["real"])
