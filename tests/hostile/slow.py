"""Clients that dawdle, wait, or are simply many."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
from collections.abc import Sequence

from tests.hostile.attack import Attack, answers
from tests.hostile.bodies import booking
from tests.hostile.defender import Defender
from tests.hostile.raw import Connection, Conversation, request

IDLE = 10_000
DAWDLERS = 700
"""More than the service works on at a time."""

GIVES_UP = 45.0
"""Seconds after which a service must have lost its patience."""

DEAF = 60.0
"""Seconds without taking a byte more, after which a service must have left who does not read."""

FILLED = 120.0
"""Seconds after which the system's buffers are full and the service has lost its patience, however slow."""

_SPARE = 600


class TooFew(Exception):
    """This machine does not let one process open as many sockets as an attack needs."""


def room_for(connections: int) -> None:
    """Raise this process's bound on open files as far as needed. Raises TooFew if it may not be raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _SPARE
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):
        raise TooFew(f"{wanted} open files are needed, and the hard limit is {hard}") from None


async def _many(defender: Defender, number: int) -> list[Connection]:
    room_for(number)
    opened: list[Connection] = []
    for _ in range(0, number, 100):
        batch = min(100, number - len(opened))
        opened += await asyncio.gather(*(Connection.open(defender.address) for _ in range(batch)))
    return opened


async def _drip(
    connections: Sequence[Connection], data: bytes, pause: float, until: float
) -> list[Conversation]:
    """A byte on each connection in turn, until the service has answered or closed them all."""

    async def listen(connection: Connection) -> Conversation:
        return await connection.listen(until)

    heard = [asyncio.create_task(listen(each)) for each in connections]
    for at in range(len(data)):
        if all(task.done() for task in heard):
            break
        for connection, task in zip(connections, heard, strict=True):
            if not task.done():
                with contextlib.suppress(OSError):
                    connection.writer.write(data[at : at + 1])
        await asyncio.sleep(pause)
    return list(await asyncio.gather(*heard))


async def _dawdling(defender: Defender, start: bytes, rest: bytes, number: int) -> list[str]:
    connections = await _many(defender, number)
    try:
        for each in connections:
            await each.send(start)
        return [talk.told for talk in await _drip(connections, rest, 1.0, GIVES_UP)]
    finally:
        for each in connections:
            each.abort()


async def slow_heads(defender: Defender) -> Sequence[str]:
    return await _dawdling(
        defender, b"GET /v1/slots HTTP/1.1\r\nHost: service\r\nX-Slow: ", b"a" * 60, DAWDLERS
    )


async def slow_bodies(defender: Defender) -> Sequence[str]:
    start = booking(defender, b"", ("Content-Length", "1000"))
    return await _dawdling(defender, start + b"{", b" " * 60, DAWDLERS)


async def bodies_that_never_come(defender: Defender) -> Sequence[str]:
    return await _dawdling(defender, booking(defender, b"", ("Content-Length", "1000")), b"", DAWDLERS)


async def _answered(connection: Connection, good: bytes) -> str:
    """What comes of a good request, asked again for as long as it is put off."""
    ends = asyncio.get_running_loop().time() + GIVES_UP
    while (talk := await connection.listen()).told == "503" and asyncio.get_running_loop().time() < ends:
        await asyncio.sleep(0.2)
        await connection.send(good)
    return talk.told


async def blank_lines(defender: Defender) -> Sequence[str]:
    """A good request, its answer, and then blank lines for ever: allowed, but no way to stay."""
    good = request("GET", "/v1/slots/slt-10000001", [("Authorization", f"Bearer {defender.token()}")])
    connections = await _many(defender, 50)
    try:
        for each in connections:
            await each.send(good)
        first = await asyncio.gather(*(_answered(each, good) for each in connections))
        assert all(told == "200" for told in first)
        return [talk.told for talk in await _drip(connections, b"\r\n" * 30, 1.0, GIVES_UP)]
    finally:
        for each in connections:
            each.abort()


async def deaf_clients(defender: Defender) -> Sequence[str]:
    """Clients that ask, again and again, and never read: they are left, and nothing is kept for them."""
    one = request("GET", "/v1/slots?limit=100", [("Authorization", f"Bearer {defender.token()}")])
    loop = asyncio.get_running_loop()
    sockets = []
    for _ in range(50):
        each = socket.socket()
        each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        each.setblocking(False)
        await loop.sock_connect(each, defender.address)
        sockets.append(each)
    try:
        return await asyncio.gather(*(_deaf(loop, each, one * 100) for each in sockets))
    finally:
        for each in sockets:
            each.close()


async def _deaf(loop: asyncio.AbstractEventLoop, connection: socket.socket, data: bytes) -> str:
    """Send for as long as it is taken; ``left`` once the service has closed.

    Patience counts from the last byte that was taken: until then answers fill the system's buffers, which
    takes as long as the machine is slow.
    """
    sent, latest = 0, loop.time() + FILLED
    ends = loop.time() + DEAF
    try:
        while loop.time() < min(ends, latest):
            with contextlib.suppress(BlockingIOError):
                sent = (sent + connection.send(data[sent:])) % len(data)
                ends = loop.time() + DEAF
            await asyncio.sleep(0.2)
    except OSError:
        return "left"
    return "kept"


async def endless_after_refusal(defender: Defender) -> Sequence[str]:
    """A body without end that goes on although it was refused."""
    heads = [
        booking(defender, b"", ("Transfer-Encoding", "chunked"), ("Content-Type", "text/plain")),
        booking(defender, b"", ("Transfer-Encoding", "chunked"), ("Authorization", "Bearer x")),
        booking(defender, b"", ("Content-Length", str(10**12))),
    ]
    piece = b"100\r\n" + b"x" * 256 + b"\r\n"

    async def one(head: bytes) -> str:
        connection = await Connection.open(defender.address)
        loop = asyncio.get_running_loop()
        ends = loop.time() + GIVES_UP
        try:
            await connection.send(head)
            heard = await connection.listen(40)
            while loop.time() < ends and await connection.send(piece):
                await asyncio.sleep(0.1)
            return f"{heard.statuses}, then left" if loop.time() < ends else f"{heard.statuses}, and kept"
        finally:
            connection.abort()

    return await asyncio.gather(*(one(head) for head in heads))


async def idle_connections(defender: Defender) -> Sequence[str]:
    """Ten thousand connections on which nothing is ever said: held for a while, or closed."""
    connections = await _many(defender, IDLE)
    try:
        heard = await asyncio.gather(*(each.listen(3.0) for each in connections))
        return ["held" if talk.told == "hung" else talk.told for talk in heard]
    finally:
        for each in connections:
            each.abort()


async def comings_and_goings(defender: Defender) -> Sequence[str]:
    """Thousands that connect, say half a word, and are gone."""
    halves = (b"", b"GET", b"GET / HTTP/1.1\r\n", booking(defender, b"", ("Content-Length", "9")) + b"{")
    for at in range(3_000):
        connection = await Connection.open(defender.address)
        await connection.send(halves[at % len(halves)])
        connection.abort()
    return ["gone"] * 3_000


ATTACKS = (
    Attack("700 slow heads", answers("408 closed"), slow_heads, waits=True),
    Attack("700 slow bodies", answers("408 closed"), slow_bodies, waits=True),
    Attack("700 bodies that never come", answers("408 closed"), bodies_that_never_come, waits=True),
    Attack("blank lines for ever", answers("closed", "408 closed"), blank_lines, waits=True),
    Attack("clients that never read", answers("left"), deaf_clients, waits=True),
    Attack(
        "a body that goes on after its refusal",
        answers("401, then left", "408, then left", "413, then left"),
        endless_after_refusal,
        waits=True,
    ),
    Attack("10,000 idle connections", answers("closed", "held"), idle_connections),
    Attack("3,000 that come and go", answers("gone"), comings_and_goings),
)
