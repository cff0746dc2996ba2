"""HTTP as an attacker speaks it: bytes out, and whatever comes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field

PATIENCE = 15.0
"""Seconds that an answer may take before it counts as none."""

QUIET = 0.15
"""Seconds in which a second answer to one request would come."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer on a connection."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def flaw(self) -> str:
        """What a refusal lacks to be a documented one, ``""`` if nothing."""
        if self.status < 400:
            return ""
        if self.headers.get("content-type") != "application/problem+json":
            return "no problem+json"
        try:
            told = json.loads(self.body) if self.body else {"status": self.status}
        except ValueError:
            return "a broken body"
        if told.get("status") != self.status:
            return "another status in its body"
        return "" if "x-correlation-id" in self.headers else "no correlation id"


@dataclass(frozen=True, slots=True)
class Conversation:
    """Everything that came back on one connection, and whether the service closed it."""

    replies: tuple[Reply, ...] = ()
    closed: bool = False
    hung: bool = False
    seconds: float = 0.0

    @property
    def statuses(self) -> str:
        return "+".join(str(each.status) + (f" ({each.flaw})" if each.flaw else "") for each in self.replies)

    @property
    def told(self) -> str:
        """In short: ``400``, ``400 closed``, ``closed``, ``200+404``, ``hung``."""
        if self.hung and not self.replies:
            return "hung"
        return (
            " ".join(part for part in (self.statuses, "closed" if self.closed else "") if part) or "silence"
        )


@dataclass
class Connection:
    """One connection to a service."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    methods: list[str] = field(default_factory=list)

    @classmethod
    async def open(cls, address: tuple[str, int]) -> Connection:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(*address), PATIENCE)
        return cls(reader, writer)

    async def send(self, *chunks: bytes) -> bool:
        """Whether all of it could be sent."""
        try:
            for chunk in chunks:
                self.writer.write(chunk)
                await self.writer.drain()
        except OSError:
            return False
        return True

    async def pour(self, chunks: Iterable[bytes]) -> int:
        """Send as much as is taken; gives how many bytes were written before the service had enough."""
        poured = 0
        try:
            for chunk in chunks:
                self.writer.write(chunk)
                await self.writer.drain()
                poured += len(chunk)
                if self.reader.at_eof():
                    break
        except OSError:
            pass
        return poured

    async def listen(self, patience: float = PATIENCE, quiet: float = QUIET) -> Conversation:
        """All answers until the service closes, or is quiet after one that does not announce that it will."""
        began = asyncio.get_running_loop().time()
        replies: list[Reply] = []
        closed = hung = False
        while True:
            # the end itself is awaited: behind thousands of others, it may be read long after its answer
            announced = replies and replies[-1].headers.get("connection") == "close"
            wait = quiet if replies and not announced else patience
            try:
                replies.append(await asyncio.wait_for(self._reply(), wait))
            except TimeoutError:
                hung = not replies
                break
            except (asyncio.IncompleteReadError, OSError):
                closed = True
                break
        return Conversation(tuple(replies), closed, hung, asyncio.get_running_loop().time() - began)

    async def _reply(self) -> Reply:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.rstrip("\r\n").split("\r\n")
        status = int(first.split(" ", 2)[1])
        if status < 200:
            return await self._reply()
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        bodyless = status in {204, 304} or (self.methods and self.methods[0] == "HEAD")
        length = 0 if bodyless else int(headers.get("content-length", "0"))
        return Reply(status, headers, await self.reader.readexactly(length))

    def abort(self) -> None:
        self.writer.transport.abort()

    async def close(self) -> None:
        self.writer.close()
        try:
            await asyncio.wait_for(self.writer.wait_closed(), 1.0)
        except (OSError, TimeoutError):
            self.writer.transport.abort()


async def ask(
    address: tuple[str, int],
    *chunks: bytes,
    patience: float = PATIENCE,
    quiet: float = QUIET,
    method: str = "",
) -> Conversation:
    """One connection: send all chunks, then listen."""
    connection = await Connection.open(address)
    connection.methods.append(method)
    try:
        sending = asyncio.create_task(connection.send(*chunks))
        heard = await connection.listen(patience, quiet)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        return heard
    finally:
        await connection.close()


async def each_alone(address: tuple[str, int], requests: Iterable[bytes], at_once: int = 16) -> list[str]:
    """Every request on a connection of its own, several at a time; what was told to each."""
    gate = asyncio.Semaphore(at_once)

    async def one(request: bytes) -> str:
        async with gate:
            return (await ask(address, request)).told

    return list(await asyncio.gather(*(one(request) for request in requests)))


def request(
    method: str,
    path: str,
    headers: Iterable[tuple[str, str] | bytes] = (),
    body: bytes = b"",
    *,
    length: bool = True,
) -> bytes:
    """A request's bytes; a header may be raw bytes. ``length`` adds Content-Length where there is a body."""
    lines = [f"{method} {path} HTTP/1.1".encode("latin-1"), b"Host: service"]
    lines += [h if isinstance(h, bytes) else f"{h[0]}: {h[1]}".encode("latin-1") for h in headers]
    if body and length:
        lines.append(f"Content-Length: {len(body)}".encode())
    return b"\r\n".join([*lines, b"", body])


async def drip(connection: Connection, data: bytes, pause: float) -> AsyncIterator[int]:
    """Send one byte at a time."""
    for at in range(len(data)):
        if not await connection.send(data[at : at + 1]):
            return
        yield at
        await asyncio.sleep(pause)
