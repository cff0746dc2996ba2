"""Requests at times that nobody's answer moves: who asks does not wait for whoever asked before.

A closed loop slows down with the server and so hides how long it made others wait. Here a request's time runs
from when it was due, whether or not it could be sent then; how late they were sent is told too.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import cast

import uvloop

MOST = 2000
"""Connections; a request that finds none free is not sent, and told."""

_READY = 64
_PATIENCE = 10.0
"""Seconds that the last answers get after the last request."""


@dataclass(slots=True)
class Ask:
    """One request: what it is called, the bytes of it, and what it names that may be used again."""

    kind: str
    raw: bytes
    thing: str = ""


@dataclass(slots=True)
class Told:
    """One answer. ``due`` is when it was asked for, ``seconds`` run from then; status 0 is no answer."""

    ask: Ask
    status: int
    due: float
    seconds: float
    head: bytes
    body: bytes


@dataclass
class Heard:
    """What came of one load. ``late`` are the seconds by which each request was sent after it was due."""

    told: list[Told] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    unsent: int = 0
    seconds: float = 0.0


def at_a_rate(
    port: int, next_ask: Callable[[], Ask], on_told: Callable[[Told], None], rate: float, seconds: float
) -> Heard:
    """So many requests a second on average, at random times (a Poisson process)."""
    return uvloop.run(_open(port, next_ask, on_told, rate, seconds))


def in_turns(
    port: int, next_ask: Callable[[], Ask], on_told: Callable[[Told], None], clients: int, seconds: float
) -> Heard:
    """So many clients, each sending its next request on the last answer."""
    return uvloop.run(_closed(port, next_ask, on_told, clients, seconds))


def each_once(port: int, asks: Sequence[Ask], clients: int) -> list[Told]:
    """All of these, by so many clients."""
    left = list(asks)
    heard = uvloop.run(_closed(port, left.pop, lambda _: None, min(clients, len(left)), None, left))
    return heard.told


async def _open(
    port: int, next_ask: Callable[[], Ask], on_told: Callable[[Told], None], rate: float, seconds: float
) -> Heard:
    loop, heard, dice = asyncio.get_running_loop(), Heard(), random.Random(6)  # noqa: S311 - no secret
    idle: list[_Client] = []
    everybody: set[_Client] = set()

    def free(client: _Client, told: Told) -> None:
        heard.told.append(told)
        on_told(told)
        if client.alive:
            idle.append(client)
        else:
            everybody.discard(client)

    async def another() -> _Client:
        _, client = await loop.create_connection(lambda: _Client(free), "127.0.0.1", port)
        everybody.add(client)
        return client

    async def on_another(ask: Ask, due: float) -> None:
        (await another()).send(ask, due)

    idle += [await another() for _ in range(_READY)]
    opening: set[asyncio.Task[None]] = set()
    due = began = time.perf_counter()
    while due < began + seconds:
        while (now := time.perf_counter()) < due:
            await asyncio.sleep(due - now if due - now > 0.001 else 0)
        while idle and not idle[-1].alive:
            everybody.discard(idle.pop())
        if idle:
            heard.late.append(time.perf_counter() - due)
            idle.pop().send(next_ask(), due)
        elif len(everybody) + len(opening) < MOST:
            heard.late.append(time.perf_counter() - due)
            task = asyncio.create_task(on_another(next_ask(), due))
            opening.add(task)
            task.add_done_callback(opening.discard)
        else:
            heard.unsent += 1
        due += dice.expovariate(rate)
    heard.seconds = time.perf_counter() - began
    ends = time.perf_counter() + _PATIENCE
    while (opening or any(each.busy for each in everybody)) and time.perf_counter() < ends:
        await asyncio.sleep(0.01)
    for each in list(everybody):
        each.close()
    return heard


async def _closed(
    port: int,
    next_ask: Callable[[], Ask],
    on_told: Callable[[Told], None],
    clients: int,
    seconds: float | None,
    left: Sequence[Ask] = (),
) -> Heard:
    loop, heard = asyncio.get_running_loop(), Heard()
    began = time.perf_counter()
    over = asyncio.Event()
    working = clients

    def again(client: _Client, told: Told) -> None:
        nonlocal working
        heard.told.append(told)
        on_told(told)
        more = bool(left) if seconds is None else time.perf_counter() - began < seconds
        if more and client.alive:
            client.send(next_ask(), time.perf_counter())
            return
        working -= 1
        if not working:
            over.set()

    everybody = []
    for _ in range(clients):
        _, client = await loop.create_connection(lambda: _Client(again), "127.0.0.1", port)
        everybody.append(client)
    for client in everybody:
        client.send(next_ask(), time.perf_counter())
    if clients:
        await over.wait()
    heard.seconds = time.perf_counter() - began
    for client in everybody:
        client.close()
    return heard


class _Client(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, answered: Callable[[_Client, Told], None]) -> None:
        self._answered, self._transport = answered, cast(asyncio.Transport, None)
        self._ask: Ask | None = None
        self._due, self._heard = 0.0, b""
        self.alive = False

    @property
    def busy(self) -> bool:
        return self._ask is not None

    def send(self, ask: Ask, due: float) -> None:
        self._ask, self._due = ask, due
        if self.alive:
            self._transport.write(ask.raw)
        else:
            self._end(0, b"", b"")

    def close(self) -> None:
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.alive = cast(asyncio.Transport, transport), True  # uvloop's is no subclass

    def connection_lost(self, exc: Exception | None) -> None:
        self.alive = False
        if self._ask is not None:
            self._end(0, b"", b"")

    def data_received(self, data: bytes) -> None:
        heard = self._heard = self._heard + data
        end = heard.find(b"\r\n\r\n")
        at = heard.find(b"content-length: ")
        if end < 0 or len(heard) < end + 4 + int(heard[at + 16 : heard.find(b"\r", at)]):
            return
        self._heard, head = b"", heard[:end].lower()
        if b"connection: close" in head:
            self.alive = False
            self._transport.close()
        self._end(int(heard[9:12]), head, heard[end + 4 :])

    def _end(self, status: int, head: bytes, body: bytes) -> None:
        ask, self._ask = self._ask, None
        if ask is not None:
            self._answered(self, Told(ask, status, self._due, time.perf_counter() - self._due, head, body))
