"""HTTP load on keep-alive connections that each send the next request on the last answer.

It comes from ``wrk`` where that is installed, else from a generator of our own, which may be the limit
beside a fast server: how busy the load was is measured too.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import httptools
import uvloop

from harness.errors import ProcessError
from tests.benchmarks.peers.asked import COUNTER, Asked

_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


_LATE_SECONDS = 30.0
"""How long after its end a load may wait for the last answers."""


@dataclass(frozen=True)
class Measured:
    """Requests a second; milliseconds that half and 99 of 100 took at most; the share of its core in use."""

    rate: float
    p50: float
    p99: float
    busy: float


def measure(base: str, asked: Asked, connections: int, seconds: int) -> Measured:
    """Raises ProcessError if an answer is no success."""
    wrk = shutil.which("wrk")
    if wrk is not None:
        return _by_wrk(wrk, base, asked, connections, seconds)
    request = _written(base, asked)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        found = pool.submit(_run, base, request, connections, seconds).result()
    if isinstance(found, str):
        raise ProcessError("the load", found)
    return found


def _by_wrk(wrk: str, base: str, asked: Asked, connections: int, seconds: int) -> Measured:
    before = _children()
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "load.lua"
        script.write_text("\n".join(_lua(asked)), encoding="utf-8")
        options = [
            "--latency",
            "--timeout",
            "30s",
            "-t1",
            f"-c{connections}",
            f"-d{seconds}s",
            "-s",
            str(script),
        ]
        done = subprocess.run([wrk, *options, base + asked.path], capture_output=True, text=True, check=False)
    told = done.stdout
    if done.returncode or "Non-2xx" in told or "Socket errors" in told:
        raise ProcessError(
            "wrk", f"not every request was answered well: {told.strip()} {done.stderr.strip()}"
        )
    busy = (_children() - before) / seconds
    return Measured(_number(told, r"Requests/sec:\s+([\d.]+)"), _at(told, "50"), _at(told, "99"), busy)


def _number(told: str, pattern: str) -> float:
    found = re.search(pattern, told)
    if found is None:
        raise ProcessError("wrk", f"it says nothing like {pattern}: {told}")
    return float(found.group(1)) * _UNITS.get(found.group(2) if found.re.groups > 1 else "", 1.0)


def _at(told: str, percent: str) -> float:
    return _number(told, rf"\s{percent}%\s+([\d.]+)(us|ms|s|m)\b")


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _lua(asked: Asked) -> Iterator[str]:
    yield f'wrk.method = "{asked.method}"'
    for name, value in asked.headers.items():
        yield f'wrk.headers["{name}"] = "{value}"'
    if asked.body:
        yield f"wrk.body = [[{asked.body}]]"
    if COUNTER in f"{asked.headers}{asked.body}":
        yield f"""
            count = os.time() % 1000000 * 1000000
            function request()
              count = count + 1
              return (wrk.format(nil, nil):gsub("{COUNTER}", string.format("%012d", count)))
            end
            """


def _written(base: str, asked: Asked) -> bytes:
    address = urlsplit(base)
    lines = [f"{asked.method} {address.path}{asked.path} HTTP/1.1", f"Host: {address.netloc}"]
    lines += [f"{name}: {value}" for name, value in asked.headers.items()]
    if asked.body:
        lines.append(f"Content-Length: {len(asked.body.encode())}")
    return "\r\n".join([*lines, "", asked.body]).encode()


def _run(base: str, request: bytes, connections: int, seconds: int) -> Measured | str:
    """What was measured, or what went wrong."""
    try:
        return uvloop.run(_drive(base, request, connections, seconds))
    except (OSError, TimeoutError) as error:
        return str(error) or "the last answers did not come"


async def _drive(base: str, request: bytes, connections: int, seconds: int) -> Measured:
    address, loop = urlsplit(base), asyncio.get_running_loop()
    numbers, took, used = count(time.time_ns() % 10**9 * 1000), list[float](), time.process_time()
    end = time.perf_counter() + seconds
    made = [_Connection(request, end, numbers, took, loop.create_future()) for _ in range(connections)]
    for each in made:
        factory = partial(_itself, each)
        await loop.create_connection(factory, str(address.hostname), address.port or 80)
    await asyncio.wait_for(asyncio.gather(*(each.done for each in made)), seconds + _LATE_SECONDS)
    took.sort()
    busy = (time.process_time() - used) / seconds
    return Measured(len(took) / seconds, took[len(took) // 2] * 1e3, took[len(took) * 99 // 100] * 1e3, busy)


def _itself(connection: _Connection) -> _Connection:
    return connection


class _Connection(asyncio.Protocol):
    def __init__(
        self, request: bytes, end: float, numbers: count[int], took: list[float], done: asyncio.Future[None]
    ) -> None:
        self.done = done
        self._request, self._end, self._numbers, self._took = request, end, numbers, took
        self._mark = COUNTER.encode()
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self._next()

    def _next(self) -> None:
        self._transport.write(self._request.replace(self._mark, b"%012d" % next(self._numbers)))
        self._began = time.perf_counter()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        now, status = time.perf_counter(), self._parser.get_status_code()
        if not 200 <= status < 300:
            self._fail(f"a request was answered with {status}")
            return
        self._took.append(now - self._began)
        if now < self._end:
            self._next()
        else:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"a connection was lost: {exc}")

    def _fail(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_exception(OSError(reason))
        self._transport.close()

    def _finish(self) -> None:
        self.done.set_result(None)
        self._transport.close()
