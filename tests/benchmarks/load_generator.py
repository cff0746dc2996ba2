"""HTTP load without ``wrk``: keep-alive connections that each send the next request on the last answer."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from itertools import count
from urllib.parse import urlsplit

import uvloop

from tests.benchmarks.http_servers import COUNTER, Load


def measure(url: str, load: Load, connections: int, seconds: float) -> float:
    """Requests a second, sent from a process of its own."""
    lines = [f"{load.method} {load.path} HTTP/1.1", f"Host: {urlsplit(url).netloc}"]
    lines += [f"{name}: {value}" for name, value in load.headers.items()]
    if load.body:
        lines.append(f"Content-Length: {len(load.body.encode())}")
    request = "\r\n".join([*lines, "", load.body]).encode()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_run, (url, request, connections, seconds))


def _run(url: str, request: bytes, connections: int, seconds: float) -> float:
    return uvloop.run(_drive(url, request, connections, seconds))


async def _drive(url: str, request: bytes, connections: int, seconds: float) -> float:
    address = urlsplit(url)
    end = time.monotonic() + seconds
    numbers = count(time.time_ns() % 10**9 * 1000)
    counts = await asyncio.gather(
        *(
            _connection(str(address.hostname), address.port or 80, request, end, numbers)
            for _ in range(connections)
        )
    )
    return sum(counts) / seconds


async def _connection(host: str, port: int, request: bytes, end: float, numbers: count[int]) -> int:
    reader, writer = await asyncio.open_connection(host, port)
    mark, done = COUNTER.encode(), 0
    while time.monotonic() < end:
        writer.write(request.replace(mark, b"%012d" % next(numbers)))
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 2"):
            raise RuntimeError(head.decode("latin-1"))
        lines = (line.lower().partition(b":") for line in head.split(b"\r\n"))
        length = next(int(value) for name, _, value in lines if name == b"content-length")
        await reader.readexactly(length)
        done += 1
    writer.close()
    return done
