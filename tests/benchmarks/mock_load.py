"""Load on one server for the time of one measurement: rate, latencies, and what the server's CPU paid."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import uvloop

_TICKS = os.sysconf("SC_CLK_TCK")
_WARM_UP = 0.3

TURN = b"{turn........}"
"""Stands in a request for a number that no other request has, of as many bytes."""


@dataclass
class Measured:
    """``cpu`` is the server's own seconds a request, which other people's load changes least."""

    requests: int = 0
    seconds: float = 0.0
    cpu: float = 0.0
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.requests / self.seconds

    def percentile(self, percent: float) -> float:
        """Milliseconds."""
        ordered = sorted(self.latencies)
        return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def measure(port: int, request: bytes, pid: int, *, connections: int, seconds: float) -> Measured:
    """Each connection sends the next request on the last answer. Raises RuntimeError for a refusal."""
    return uvloop.run(_drive(port, request, pid, connections, seconds, None))


def send(port: int, request: bytes, pid: int, *, connections: int, requests: int) -> Measured:
    """So many requests, or a few more."""
    return uvloop.run(_drive(port, request, pid, connections, 0.0, requests))


async def _drive(
    port: int, request: bytes, pid: int, connections: int, seconds: float, requests: int | None
) -> Measured:
    loop, told = asyncio.get_running_loop(), Measured()
    over: asyncio.Future[None] = loop.create_future()
    turns = itertools.count()
    clients = [_Client(request, told, over, turns) for _ in range(connections)]
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
    if requests is None:
        await asyncio.wait([over], timeout=_WARM_UP)
    told.requests, told.latencies = 0, []
    began, cpu = time.perf_counter(), cpu_of(pid)
    while not over.done() and (
        told.requests < requests if requests is not None else time.perf_counter() - began < seconds
    ):
        await asyncio.wait([over], timeout=0.02)
    told.seconds = time.perf_counter() - began
    told.cpu = (cpu_of(pid) - cpu) / max(told.requests, 1)
    for client in clients:
        client.close()
    if over.done():
        over.result()
    return told


class _Client(asyncio.Protocol):
    def __init__(
        self, request: bytes, told: Measured, over: asyncio.Future[None], turns: Iterator[int]
    ) -> None:
        self._request, self._told, self._over = request, told, over
        self._turns = turns if TURN in request else None
        self._heard, self._sent = b"", 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._ask()

    def close(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def _ask(self) -> None:
        if self._transport is not None:
            request = self._request
            if self._turns is not None:
                request = request.replace(TURN, b"%014x" % next(self._turns))
            self._sent = time.perf_counter()
            self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        heard = self._heard = self._heard + data
        end = heard.find(b"\r\n\r\n")
        at = heard.find(b"content-length: ")
        if end < 0 or len(heard) < end + 4 + int(heard[at + 16 : heard.find(b"\r", at)]):
            return
        if not heard.startswith(b"HTTP/1.1 20") and not self._over.done():
            self._over.set_exception(RuntimeError(heard.decode("latin-1")))
        self._heard = b""
        self._told.requests += 1
        self._told.latencies.append(time.perf_counter() - self._sent)
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None and not self._over.done():
            self._over.set_exception(RuntimeError("the server hung up"))


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident(pid: int) -> float:
    """MiB that a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))
