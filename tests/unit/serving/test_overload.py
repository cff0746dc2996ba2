"""The line before the threads: what is refused, when, and how it may be told otherwise."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from harness.errors import UsageError
from harness.serving import overload
from harness.serving.app import WORKERS, build_app
from harness.serving.connection import WholeAnswer
from harness.serving.envelope import ASGIApp
from harness.serving.exchange import Answer, Request
from harness.serving.overload import AT_ONCE, FEW, MEASURED, STANDS, Line, Overloaded, longest_wait
from tests.unit.serving.live import DEADLINE, Service, contract_from, echo, served

THREADS = 4
BURST = 16
MOST = WORKERS + BURST
LONGEST = overload.SHORT


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Work:
    """Requests in a line, as far as they are not done; first come, first done."""

    def __init__(self, longest: float = LONGEST) -> None:
        self.clock = Clock()
        self.line = Line(THREADS, longest, self.clock)
        self.inside: list[tuple[asyncio.Task[None], asyncio.Event]] = []
        self.begun = 0

    async def join(self) -> None:
        """One more. Raises Overloaded."""
        self.line.check()
        done = asyncio.Event()
        self.inside.append((asyncio.create_task(self._one(done)), done))
        await asyncio.sleep(0)

    async def _one(self, done: asyncio.Event) -> None:
        async with self.line.turn():
            self.begun += 1
            await done.wait()

    async def done(self, number: int = 1) -> None:
        for task, done in self.inside[:number]:
            done.set()
            await task
        del self.inside[:number]
        await asyncio.sleep(0)

    async def fill(self) -> int:
        """How many more there is room for, and now they are in."""
        joined = 0
        with contextlib.suppress(Overloaded):
            while True:
                await self.join()
                joined += 1
        return joined

    async def go_on(self, each: float, seconds: float) -> list[int]:
        """Under more requests than can be done, of which one is done in ``each``; the line's lengths."""
        lengths = []
        for _ in range(round(seconds / each)):
            await self.fill()
            lengths.append(len(self.inside) - AT_ONCE)
            self.clock.now += each
            await self.done()
        return lengths


@pytest.fixture(autouse=True)
def _burst(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that a test can fill."""
    monkeypatch.setattr(overload, "BURST", BURST)


@pytest.fixture
def computing(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a request takes, it computes."""
    monkeypatch.setattr(overload, "LONG", 3600.0)


@pytest.mark.usefixtures("computing")
def test_a_burst_may_wait_and_is_bounded_by_number() -> None:
    async def burst() -> None:
        work = Work(longest=STANDS)
        assert await work.fill() == AT_ONCE + BURST
        assert work.begun == AT_ONCE
        await work.done(len(work.inside))
        work.clock.now += MEASURED
        assert await work.fill() == AT_ONCE + BURST, "the next burst is as welcome"
        await work.done(len(work.inside))

    asyncio.run(burst())


@pytest.mark.usefixtures("computing")
def test_where_short_waits_are_wanted_a_burst_is_short_too() -> None:
    async def burst() -> None:
        work = Work(longest=STANDS / 20)
        assert await work.fill() == AT_ONCE + BURST // 2
        await work.done(len(work.inside))

    asyncio.run(burst())


@pytest.mark.usefixtures("computing")
@pytest.mark.parametrize(("each", "room"), [(0.0005, BURST), (0.0035, 14), (0.005, 10), (0.25, FEW)])
def test_a_line_that_stands_is_bounded_by_time(each: float, room: int) -> None:
    async def standing() -> list[int]:
        work = Work()
        await work.go_on(each, MEASURED + BURST * each)
        return await work.go_on(each, 2 * MEASURED)

    longest = max(asyncio.run(standing()))
    assert longest in (room, room - 1), "a measure in whole numbers may be one short"
    assert longest <= FEW or longest * each <= LONGEST


@pytest.mark.usefixtures("computing")
def test_where_waits_are_to_be_short_one_works_and_one_waits() -> None:
    async def standing() -> None:
        work = Work(longest=LONGEST / 2)
        for number in range(1, 40):
            await work.fill()
            assert work.begun == number, "one at a time"
            work.clock.now += LONGEST
            await work.done()
        await work.fill()
        assert len(work.inside) == 2
        await work.done(2)

    asyncio.run(standing())


@pytest.mark.usefixtures("computing")
def test_where_nothing_gets_done_few_may_wait() -> None:
    async def stuck() -> None:
        work = Work()
        for _ in range(AT_ONCE + 1):
            await work.join()
        work.clock.now += 2 * STANDS
        assert await work.fill() == FEW - 1
        await work.done()
        assert await work.fill() == 1
        await work.done(len(work.inside))

    asyncio.run(stuck())


def test_who_takes_long_lets_the_next_one_begin_as_far_as_there_are_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(overload, "LONG", 0.0)

    async def waiting() -> None:
        work = Work()
        await work.fill()
        async with asyncio.timeout(DEADLINE):
            while work.begun < THREADS:
                await asyncio.sleep(0)
        for _ in range(10):
            await asyncio.sleep(0)
        assert work.begun == THREADS
        number = len(work.inside)
        await work.done(number)
        assert work.begun == number
        assert await work.fill() > 0
        await work.done(len(work.inside))

    asyncio.run(waiting())


@pytest.mark.usefixtures("computing")
def test_the_slower_the_work_the_later_to_come_back() -> None:
    async def told(work: Work) -> int:
        await work.fill()
        with pytest.raises(Overloaded) as caught:
            work.line.check()
        assert caught.value.status == 503
        return int(caught.value.headers["Retry-After"])

    async def all_of() -> None:
        fast, slow, stuck = Work(), Work(longest=10.0), Work()
        await fast.go_on(0.002, 1.0)
        assert await told(fast) == 1
        await slow.go_on(0.25, 10.0)
        assert await told(slow) in (3, 4, 5, 6), "16 before it, four a second"
        await stuck.fill()
        stuck.clock.now += 7
        assert await told(stuck) == 7
        stuck.clock.now += 10_000
        assert await told(stuck) == 30
        for work in (fast, slow, stuck):
            await work.done(len(work.inside))

    asyncio.run(all_of())


@pytest.mark.usefixtures("computing")
def test_whoever_fails_or_gives_up_makes_room() -> None:
    async def leaving() -> None:
        line = Line(THREADS, LONGEST)
        for _ in range(2 * BURST):
            with contextlib.suppress(ValueError):
                async with line.turn():
                    raise ValueError
        work = Work()
        await work.fill()
        for task, _ in work.inside[1:]:
            task.cancel()
        await asyncio.gather(*(task for task, _ in work.inside[1:]), return_exceptions=True)
        del work.inside[1:]
        await work.join()
        assert work.begun == AT_ONCE + 1
        await work.done(2)

    asyncio.run(leaving())


def test_the_longest_wait_can_be_named() -> None:
    assert longest_wait({}) == longest_wait({overload.VARIABLE: ""}) == overload.LONGEST
    assert longest_wait({overload.VARIABLE: "150"}) == 0.15
    for bad in ("0", "-1", "soon", "1.5", "999999999999", "٣"):
        with pytest.raises(UsageError) as caught:
            longest_wait({overload.VARIABLE: bad})
        told = str(caught.value)
        assert overload.VARIABLE in told
        assert "whole number from 1" in told


CONTRACT = """
openapi: 3.1.0
info: {title: Things, version: '1'}
paths:
  /slow:
    post:
      operationId: slow
      requestBody: {content: {application/json: {schema: {type: object}}}}
      responses: {'200': {description: ok, content: {application/json: {schema: {type: object}}}}}
  /on-the-loop:
    get:
      operationId: onTheLoop
      responses: {'200': {description: ok, content: {application/json: {schema: {type: object}}}}}
"""


class Held:
    """A service whose threads are all at work until it is let go."""

    def __init__(self) -> None:
        self.go_on, self.begun = threading.Event(), threading.Semaphore(0)
        self.clients: list[Future[httpx.Response]] = []

    def slow(self, request: Request) -> Answer:
        self.begun.release()
        assert self.go_on.wait(DEADLINE)
        return echo(request)

    def answered(self) -> Counter[int]:
        """How often what was answered to those who were there first."""
        return Counter(each.result(DEADLINE).status_code for each in self.clients)


async def _at_once(request: Request) -> Answer:
    return echo(request)


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
def app(tmp_path: Path, held: Held) -> ASGIApp:
    contract = contract_from(tmp_path, CONTRACT)
    return build_app(
        contract,
        {"slow": held.slow, "onTheLoop": _at_once},
        None,
        longest_wait=LONGEST,
        extra_routes={"/health/live": lambda: Answer(200, {"status": "live"})},
        max_in_flight=2 * MOST,
    )


@pytest.fixture
def url(app: ASGIApp, held: Held) -> Iterator[httpx.URL]:
    """Its address, once every thread is at work and as many wait as may."""
    with served([Service("tested", app)]) as addresses, ThreadPoolExecutor(MOST) as pool:
        address = httpx.URL(addresses.services["tested"])
        held.clients = [pool.submit(_post, address) for _ in range(MOST)]
        yield address
        held.go_on.set()


def _post(url: httpx.URL) -> httpx.Response:
    with httpx.Client(trust_env=False, timeout=DEADLINE) as client:
        return client.post(url.join("/slow"), json={})


def _refused(url: httpx.URL) -> bytes:
    """What is said to a head whose body has not been sent, once there is no more room."""
    ends = time.monotonic() + DEADLINE
    while time.monotonic() < ends:
        with socket.create_connection((url.host, url.port or 80), timeout=0.1) as connection:
            connection.sendall(
                b"POST /slow HTTP/1.1\r\nHost: h\r\n"
                b"Content-Type: application/json\r\nContent-Length: 9999\r\n\r\n"
            )
            with contextlib.suppress(TimeoutError):
                return b"".join(iter(lambda: connection.recv(4096), b""))
    raise AssertionError("nobody was refused")


def test_who_is_too_many_is_refused_before_the_body_and_who_was_there_is_served(
    url: httpx.URL, held: Held
) -> None:
    head, _, body = _refused(url).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503")
    assert re.search(rb"\r\nretry-after: [1-9][0-9]?\r\n", head)
    assert b"content-type: application/problem+json" in head
    assert json.loads(body)["status"] == 503
    held.go_on.set()
    ends = time.monotonic() + DEADLINE  # those who were there are done first
    while (status := _post(url).status_code) == 503 and time.monotonic() < ends:
        pass
    assert status == 200
    answered = held.answered()  # some of them came when others had waited for too long already
    assert answered.keys() <= {200, 503}
    assert AT_ONCE <= answered[200] <= MOST


def test_a_refusal_needs_no_task_of_its_own(url: httpx.URL, app: ASGIApp) -> None:
    _refused(url)
    ask: WholeAnswer = getattr(app, "at_once")  # noqa: B009 - as the protocol finds it
    scope = {"type": "http", "scheme": "http", "query_string": b"", "headers": []}
    told = ask({**scope, "method": "POST", "raw_path": b"/slow", "extensions": {}}, b"{}")
    assert told is not None
    assert told[0] == 503
    assert ask({**scope, "method": "GET", "raw_path": b"/on-the-loop", "extensions": {}}, b"") is None


def test_what_needs_no_thread_is_answered_whatever_else_is_to_be_done(url: httpx.URL) -> None:
    _refused(url)
    with httpx.Client(base_url=url, trust_env=False, timeout=DEADLINE) as client:
        assert client.get("/on-the-loop").status_code == 200
        assert client.get("/health/live").json() == {"status": "live"}


def test_whether_it_lives_is_told_however_many_are_worked_on(tmp_path: Path, held: Held) -> None:
    contract = contract_from(tmp_path, CONTRACT)
    app = build_app(
        contract,
        {"slow": held.slow, "onTheLoop": _at_once},
        None,
        extra_routes={"/health/live": lambda: Answer(200, {"status": "live"})},
        max_in_flight=1,
    )
    with served([Service("tested", app)]) as addresses:
        address = httpx.URL(addresses.services["tested"])
        thread = threading.Thread(target=_post, args=(address,))
        thread.start()
        assert held.begun.acquire(timeout=DEADLINE)
        with httpx.Client(base_url=address, trust_env=False, timeout=DEADLINE) as client:
            assert client.get("/on-the-loop").status_code == 503
            assert client.get("/health/live").status_code == 200
        held.go_on.set()
        thread.join(DEADLINE)
