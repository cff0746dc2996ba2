"""A connection under bounds: what is too much, too slow or malformed is told, left, and harms nobody."""

from __future__ import annotations

import contextlib
import re
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from harness.serving import crowd, envelope, protocol, wire
from harness.serving.crowd import Crowd, room_for
from harness.serving.envelope import IN_FLIGHT, INCOMING, Envelope
from harness.serving.exchange import Answer
from harness.serving.heads import MAX_HEAD
from harness.serving.protocol import HEAD_TIMEOUT
from harness.serving.wire import Scope, read_body, respond
from harness.serving.workers import Workers
from tests.conftest import ROOT
from tests.unit.serving.live import DEADLINE, Service, served

LIMIT = 100_000
GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n"


async def reads(scope: Scope, receive: Any, send: Any) -> None:
    """Takes a body and says how large it was; ``/unread`` takes none, ``/large`` answers much."""
    if scope["type"] == "lifespan":
        return
    incoming = scope["extensions"][INCOMING]
    body = b"" if scope["path"] == "/unread" else await read_body(receive, incoming.headers, LIMIT)
    size = 2_000_000 if scope["path"] == "/large" else len(body)
    await respond(send, Answer(200, b"x" * size), incoming.trace)


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    with serving() as found:
        yield found


@contextlib.contextmanager
def serving(app: Any = reads, max_in_flight: int = IN_FLIGHT) -> Iterator[tuple[str, int]]:
    with served([Service("tested", Envelope(app, max_in_flight))]) as addresses:
        url = httpx.URL(addresses.services["tested"])
        yield url.host, url.port or 0


def told(address: tuple[str, int], *pieces: bytes) -> bytes:
    """Everything that comes back until the service closes."""
    with socket.create_connection(address, timeout=DEADLINE) as connection:
        with contextlib.suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
        return b"".join(iter(partial(connection.recv, 65536), b""))


def statuses(answer: bytes) -> list[int]:
    return [int(each) for each in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nG\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 10 * MAX_HEAD, 431),
        (b"GET / HTTP/1.1\r\nHost: h\r\n" + b"a" * 10 * MAX_HEAD, 431),
        (b"GET /" + b"a" * 10 * MAX_HEAD, 431),
    ],
    ids=["no-host", "two-hosts", "bad-host", "http2", "coding", "chunk", "value", "name", "target"],
)
def test_what_is_no_request_is_told_why_and_left(
    address: tuple[str, int], request_: bytes, status: int
) -> None:
    answer = told(address, request_, GET)
    assert statuses(answer) == [status]
    assert b"content-type: application/problem+json" in answer
    assert b"x-correlation-id: " in answer
    assert b"connection: close" in answer


def test_http_1_0_needs_no_host(address: tuple[str, int]) -> None:
    assert statuses(told(address, b"GET / HTTP/1.0\r\n\r\n")) == [200]


def test_a_header_without_end_costs_nobody_anything(address: tuple[str, int]) -> None:
    with socket.create_connection(address, timeout=DEADLINE) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nX: ")
        began = time.monotonic()
        with contextlib.suppress(OSError):
            for _ in range(200):
                connection.sendall(b"a" * 262_144)
        assert httpx.get(f"http://{address[0]}:{address[1]}", trust_env=False).status_code == 200
        assert time.monotonic() - began < 5.0, "the parser was fed what it cannot hold"


def test_an_answer_before_the_body_reaches_who_still_sends(address: tuple[str, int]) -> None:
    """Closing on unread bytes resets the connection, and the answer is lost on the way."""
    for start, status in (
        (POST % 10_000_000, 413),
        (b"POST /unread HTTP/1.1\r\nHost: h\r\nContent-Length: 10000000\r\n\r\n", 200),
    ):
        answer = told(address, start, b"x" * 9_000_000)
        assert statuses(answer) == [status]
        assert b"connection: close" in answer


def test_who_goes_on_after_the_last_answer_is_left(
    monkeypatch: pytest.MonkeyPatch, address: tuple[str, int]
) -> None:
    monkeypatch.setattr(protocol, "LINGER", 0.3)
    with socket.create_connection(address, timeout=DEADLINE) as connection, pytest.raises(OSError):
        connection.sendall(b"POST /unread HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n")
        ends = time.monotonic() + DEADLINE
        while time.monotonic() < ends:
            connection.sendall(b"1\r\nx\r\n")
            time.sleep(0.02)


def test_what_is_malformed_waits_for_the_answers_before_it(address: tuple[str, int]) -> None:
    answer = told(address, GET + POST % 3 + b"abc" + b"nonsense\r\n\r\n")
    assert statuses(answer) == [200, 200, 400]


@pytest.mark.parametrize("body", [b"", b"x"])
def test_a_body_that_does_not_come_is_given_up(
    monkeypatch: pytest.MonkeyPatch, address: tuple[str, int], body: bytes
) -> None:
    monkeypatch.setattr(wire, "BODY_TIMEOUT", 0.2)
    answer = told(address, POST % 10 + body)
    assert statuses(answer) == [408]
    assert b"connection: close" in answer


def test_blank_lines_are_no_way_to_stay(monkeypatch: pytest.MonkeyPatch, address: tuple[str, int]) -> None:
    monkeypatch.setattr(protocol, "HEAD_TIMEOUT", 0.3)
    with socket.create_connection(address, timeout=DEADLINE) as connection:
        connection.sendall(GET)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        ends = time.monotonic() + DEADLINE
        with contextlib.suppress(OSError):
            while time.monotonic() < ends:
                connection.sendall(b"\r\n")
                connection.settimeout(0.05)
                with contextlib.suppress(TimeoutError):
                    if connection.recv(10) == b"":
                        break
        assert time.monotonic() < ends


def test_who_does_not_read_is_left(monkeypatch: pytest.MonkeyPatch, address: tuple[str, int]) -> None:
    monkeypatch.setattr(protocol, "READ_TIMEOUT", 0.3)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(address)
        connection.settimeout(DEADLINE)
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            while True:
                connection.sendall(b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n" * 1000)


def test_a_thousand_requests_in_one_go_are_answered_in_order(address: tuple[str, int]) -> None:
    last = b"GET /unread HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    bodies = b"".join(POST % size + b"x" * size for size in range(1000))
    answer = told(address, bodies + last)
    lengths = [int(each) for each in re.findall(rb"content-length: (\d+)", answer)]
    assert lengths == [*range(1000), 0]


def test_after_an_upgrade_nothing_is_understood(address: tuple[str, int]) -> None:
    asked = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert statuses(told(address, asked, GET)) == [200]


@pytest.mark.parametrize("last", [b"Connection: close", b"Connection: Upgrade\r\nUpgrade: websocket"])
def test_who_goes_on_after_a_last_request_still_reads_the_answer(
    address: tuple[str, int], last: bytes
) -> None:
    """What nobody reads any more has the connection reset where it is closed at once."""
    with socket.create_connection(address, timeout=DEADLINE) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: h\r\n" + last + b"\r\n\r\n")
        assert connection.recv(1, socket.MSG_PEEK)
        connection.sendall(GET)
        answer = b"".join(iter(partial(connection.recv, 65536), b""))
    assert statuses(answer) == [200]
    assert b"connection: close" in answer
    assert answer.endswith(b"x" * 2_000_000)


def test_slow_bodies_take_nobody_elses_turn() -> None:
    with serving(max_in_flight=1) as address:
        slow = [socket.create_connection(address, timeout=DEADLINE) for _ in range(5)]
        for each in slow:
            each.sendall(POST % 10 + b"x")
        assert statuses(told(address, b"GET / HTTP/1.0\r\n\r\n")) == [200]
        for each in slow:
            each.sendall(b"x" * 9)
            assert each.recv(4096).startswith(b"HTTP/1.1 200")
            each.close()


def test_bodies_are_bounded_together(monkeypatch: pytest.MonkeyPatch, address: tuple[str, int]) -> None:
    monkeypatch.setattr(envelope, "HELD", 1000)
    with socket.create_connection(address, timeout=DEADLINE) as one:
        one.sendall(POST % 1000 + b"x" * 900)
        deadline = time.monotonic() + DEADLINE
        while statuses(answer := told(address, POST % 200 + b"x" * 199)) == [408]:
            assert time.monotonic() < deadline
        assert statuses(answer) == [503]
        assert b"retry-after: 1" in answer
        one.sendall(b"x" * 100)
        assert one.recv(4096).startswith(b"HTTP/1.1 200")
    assert statuses(told(address, b"POST / HTTP/1.0\r\nContent-Length: 999\r\n\r\n" + b"x" * 999)) == [200]


def test_who_has_waited_longest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.serving.server.room_for", lambda servers: 3)
    with serving() as address:
        idle = [socket.create_connection(address, timeout=DEADLINE) for _ in range(3)]
        idle[0].sendall(GET)
        assert idle[0].recv(4096).startswith(b"HTTP/1.1 200")
        for _ in range(2):
            assert statuses(told(address, b"GET / HTTP/1.0\r\n\r\n")) == [200]
        idle[0].sendall(GET)
        assert idle[0].recv(4096).startswith(b"HTTP/1.1 200"), "it had just been served"
        idle[1].settimeout(HEAD_TIMEOUT / 2)
        assert idle[1].recv(1) == b""
        for each in idle:
            each.close()


class Guest:
    """A member of a crowd."""

    def __init__(self) -> None:
        self.gone = False

    def evict(self) -> None:
        self.gone = True


def test_a_crowd_sends_away_who_keeps_it_waiting_never_who_is_served() -> None:
    small = Crowd(2)
    served_, waiting, late, later = (Guest() for _ in range(4))
    small.join(served_)
    small.works(served_)
    small.join(waiting)
    small.join(late)
    assert (served_.gone, waiting.gone, late.gone) == (False, True, False)
    small.works(late)
    small.join(later)
    assert later.gone, "nobody else could go"
    small.waits(served_)
    small.leave(late)
    small.leave(later)
    small.waits(later)
    assert len(small) == 1


def test_room_is_shared_by_what_the_process_may_open(monkeypatch: pytest.MonkeyPatch) -> None:
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: raised.append(limits))
    assert room_for(2) == (4096 - crowd.RESERVED) // 2
    assert raised == [(4096, 4096)]
    assert room_for(100_000) == crowd.FEWEST
    monkeypatch.setattr(resource, "getrlimit", lambda _: (10**6, 10**6))
    assert room_for(2) == crowd.MOST
    assert len(raised) == 2


def test_an_answer_with_an_impossible_header_is_a_problem() -> None:
    async def splits(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            trace = scope["extensions"][INCOMING].trace
            await respond(send, Answer(200, {}, {"Location": "/a\r\nSet-Cookie: b"}), trace)

    with serving(splits) as address:
        answer = told(address, b"GET / HTTP/1.0\r\n\r\n")
    assert statuses(answer) == [500]
    assert b"Set-Cookie" not in answer


def test_workers_work_in_a_bounded_number_of_threads() -> None:
    workers, gate, names = Workers(3, "w"), threading.Event(), set()

    def work(number: int) -> int:
        gate.wait(DEADLINE)
        names.add(threading.current_thread().name)
        return number

    futures = [workers.submit(work, number) for number in range(20)]
    gate.set()
    assert [each.result(DEADLINE) for each in futures] == list(range(20))
    assert names <= {"w-1", "w-2", "w-3"}
    with pytest.raises(ZeroDivisionError):
        workers.submit(lambda: 1 // 0).result(DEADLINE)


def test_a_cancelled_job_is_not_done() -> None:
    workers, gate = Workers(1, "w"), threading.Event()
    done: list[int] = []
    first = workers.submit(gate.wait, DEADLINE)
    second = workers.submit(done.append, 1)
    assert second.cancel()
    gate.set()
    assert first.result(DEADLINE)
    workers.submit(done.append, 2).result(DEADLINE)
    assert done == [2]


HANGS = """
import threading, time, sys
from harness.serving.exchange import Answer
from harness.serving.server import run
from tests.unit.serving.live import Service, contract_from, echoing
from pathlib import Path

def hang(request):
    print("hangs", flush=True)
    time.sleep(600)

contract = contract_from(Path(sys.argv[1]), Path(sys.argv[2]).read_text())
run([Service("one", echoing(contract, hangs=hang))], on_ready=lambda a: print(a.services["one"], flush=True))
print("ended", flush=True)
"""

HANGING = """
openapi: 3.1.0
info: {title: Hangs, version: 1.0.0}
paths:
  /: {get: {operationId: hangs, responses: {'200': {description: ok, content: {application/json: {}}}}}}
"""


def test_a_handler_that_hangs_does_not_keep_the_process(tmp_path: Any) -> None:
    (tmp_path / "hangs.yaml").write_text(HANGING, encoding="utf-8")
    child = subprocess.Popen(
        [sys.executable, "-c", HANGS, str(tmp_path), str(tmp_path / "hangs.yaml")],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
    )
    try:
        assert child.stdout is not None
        url = httpx.URL(child.stdout.readline().strip())
        waiting: list[bytes] = []
        ask: Callable[[], None] = lambda: waiting.append(told((url.host, url.port or 0), GET))  # noqa: E731
        caller = threading.Thread(target=ask)
        caller.start()
        assert child.stdout.readline() == "hangs\n"
        child.terminate()
        assert child.wait(8) == 0
        printed = child.stdout.read()
        caller.join(DEADLINE)
    finally:
        child.kill()
        child.communicate()
    assert statuses(waiting[0]) == [503]
    assert "Traceback" not in printed
    assert printed.endswith("ended\n")
