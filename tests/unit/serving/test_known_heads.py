"""A head that came before is not parsed again, and nobody can tell the difference."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.serving.known_heads import LONGEST, MOST, KnownHeads, known_in
from harness.serving.wire import Said, Scope, headers_of
from tests.unit.serving.live import DEADLINE, Service, served
from tests.unit.serving.talk import exchange, read
from tests.unit.serving.wires import Clock, connected

HOST = b" HTTP/1.1\r\nHost: h\r\n"
KNOWN = b"GET /a" + HOST + b"\r\n"


class Echo:
    """Says what it was asked, at once; ``known`` tells of each request whether its head was known."""

    def __init__(self, *, learns: bool = True) -> None:
        self.known: list[bool] = []
        self.scopes: list[dict[str, Any]] = []
        if learns:
            self.heads = KnownHeads()

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        status, headers, answer = said(scope, body)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def at_once(self, scope: Scope, body: bytes) -> Said | None:
        self.known.append(known_in(scope) is not None)
        self.scopes.append({name: value for name, value in scope.items() if name != "extensions"})
        if scope["path"] == "/hold":
            time.sleep(0.3)  # whatever comes meanwhile has come when the loop looks again
        return None if scope["path"] == "/slow" else said(scope, body)


def said(scope: Scope, body: bytes) -> Said:
    asked = [scope["method"], scope["raw_path"].decode(), scope["query_string"].decode(), headers_of(scope)]
    text = orjson.dumps([*asked, body.decode("latin-1")])
    headers = [(b"content-length", b"%d" % len(text))]
    if scope["path"] == "/last":
        headers.append((b"connection", b"close"))
    return 200, headers, text


@pytest.fixture
def app() -> Echo:
    return Echo()


@pytest.fixture
def connection(app: Echo) -> Iterator[socket.socket]:
    with served([Service("tested", app)]) as addresses:
        url = httpx.URL(addresses.services["tested"])
        with socket.create_connection((url.host, url.port or 0), timeout=DEADLINE) as made:
            yield made


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /a%20b?c=d" + HOST + b"Accept: */*\r\nAccept: text/plain\r\n\r\n",
        b"POST /a" + HOST + b"Content-Length: 3\r\nAuthorization: Bearer x\r\n\r\nabc",
        b"DELETE /a" + HOST + b"\r\n",
    ],
)
def test_from_the_third_time_on_it_is_known_and_means_the_same(
    app: Echo, connection: socket.socket, request_: bytes
) -> None:
    answers = [exchange(connection, request_)[1] for _ in range(4)]
    assert app.known == [False, False, True, True]
    assert answers == [answers[0]] * 4
    assert app.scopes == [app.scopes[0]] * 4
    with socket.create_connection(connection.getpeername(), timeout=DEADLINE) as other:
        assert exchange(other, request_)[1] == answers[0]
    assert app.known[-1], "heads are those of all connections"
    assert app.scopes[-1]["client"] != app.scopes[0]["client"]


@pytest.mark.parametrize("name", [b"Idempotency-Key", b"traceparent", b"X-REQUEST-ID", b"x-correlation-id"])
def test_heads_that_differ_in_what_varies_are_one_and_each_says_its_own(
    app: Echo, connection: socket.socket, name: bytes
) -> None:
    head = b"POST /a" + HOST + name + b": %s\r\nAccept: */*\r\nContent-Length: 2\r\n\r\nab"
    for number, value in enumerate((b"k-1", b"key-22", b"!", b"~" * 256)):
        asked = orjson.loads(exchange(connection, head % value)[1])
        assert asked[3][name.lower().decode()] == value.decode()
        assert app.known[-1] is (number > 1)
        assert app.scopes[-1]["headers"] == [
            (b"host", b"h"),
            (name.lower(), value),
            (b"accept", b"*/*"),
            (b"content-length", b"2"),
        ]
    for odd in (b"~" * 257, b"a b", b"\xe9", b"", b" a", b"a\tb"):
        assert orjson.loads(exchange(connection, head % odd)[1])[3]["accept"] == "*/*"
        assert app.known[-1] is False, "whatever is not plain the parser reads"
    exchange(connection, (head % b"k-1").replace(b"*/*", b"text/plain"))
    assert app.known[-1] is False


def test_all_that_varies_may_do_so_at_once(app: Echo, connection: socket.socket) -> None:
    head = b"GET /a" + HOST + b"Traceparent: %d\r\nX: y\r\nIdempotency-Key: k%d\r\n\r\n"
    for number in range(5):
        sent = orjson.loads(exchange(connection, head % (number, 2 * number))[1])[3]
        assert (sent["traceparent"], sent["idempotency-key"]) == (str(number), f"k{2 * number}")
    assert app.known == [False, False, True, True, True]


@pytest.mark.parametrize(
    "twice",
    [
        b"Idempotency-Key: a\r\nIdempotency-Key: b",
        b"Idempotency-Key: a\r\nidempotency-key: b",
        b"Idempotency-Key:a",
    ],
)
def test_where_it_is_not_plain_which_value_is_which_nothing_is_known(
    app: Echo, connection: socket.socket, twice: bytes
) -> None:
    exchange(connection, b"GET /a" + HOST + b"Idempotency-Key: a\r\n\r\n")  # so that it is looked for
    exchange(connection, b"GET /a" + HOST + b"idempotency-key: a\r\n\r\n")
    for _ in range(4):
        exchange(connection, b"GET /a" + HOST + twice + b"\r\n\r\n")
    assert not any(app.known)


def test_another_body_of_the_same_length_is_another_body(app: Echo, connection: socket.socket) -> None:
    request = b"POST /a" + HOST + b"Content-Length: 3\r\n\r\n"
    bodies = [orjson.loads(exchange(connection, request + each)[1])[-1] for each in (b"abc", b"def", b"ghi")]
    assert bodies == ["abc", "def", "ghi"] and app.known[-1]


def test_a_body_in_chunks_is_parsed_each_time(app: Echo, connection: socket.socket) -> None:
    head, chunks = b"POST /a" + HOST + b"Transfer-Encoding: chunked\r\n\r\n", b"2\r\nab\r\n0\r\n\r\n"
    for _ in range(3):
        exchange(connection, head + chunks)
    assert app.known == [False] * 3
    assert orjson.loads(exchange(connection, head, chunks)[1])[-1] == "ab"


def test_who_has_nothing_to_say_at_once_gets_a_task_all_the_same(
    app: Echo, connection: socket.socket
) -> None:
    for _ in range(4):
        assert b"/slow" in exchange(connection, b"GET /slow" + HOST + b"\r\n")[1]
    assert app.known == [False] * 4, "what is not answered at once need not be known"


def test_an_answer_that_is_the_last_ends_the_connection(app: Echo, connection: socket.socket) -> None:
    last = b"GET /last" + HOST + b"\r\n"
    for number in range(4):
        with socket.create_connection(connection.getpeername(), timeout=DEADLINE) as other:
            assert b"connection: close" in exchange(other, last)[0]
            assert other.recv(1) == b""
            assert app.known[-1] == (number > 1)


def test_what_looks_like_a_head_in_the_middle_of_another_is_none(connection: socket.socket) -> None:
    """Else whoever sends it says what it means to others."""
    inside = b"GET /a HTTP/1.1\r\nY: z\r\n\r\n"
    for _ in range(4):
        assert b"/e" in exchange(connection, b"GET /e" + HOST + b"X: ", inside)[1]
    assert exchange(connection, inside)[0].startswith(b"HTTP/1.1 400 "), "alone it has no Host"


@pytest.mark.parametrize(
    ("begun", "status"),
    [
        (b"GET /e" + HOST + b"X: ", b"400"),  # which has two Hosts then
        (b"POST /e" + HOST + b"Content-Length: %d\r\n\r\n" % len(KNOWN), b"200"),
    ],
)
def test_a_known_head_in_the_middle_of_a_request_is_none(
    app: Echo, connection: socket.socket, begun: bytes, status: bytes
) -> None:
    for _ in range(3):
        exchange(connection, KNOWN)
    assert app.known == [False, False, True]
    head, body = exchange(connection, begun, KNOWN)
    assert head.startswith(b"HTTP/1.1 " + status) and b'"/a"' not in body
    assert len(app.known) <= 4


def test_who_says_no_more_is_answered_first(app: Echo, connection: socket.socket) -> None:
    """What leaves at the end of the loop's round must leave before the connection does."""
    for _ in range(4):
        with socket.create_connection(connection.getpeername(), timeout=DEADLINE) as other:
            exchange(other, b"GET /b" + HOST + b"\r\n")
            connection.sendall(b"GET /hold" + HOST + b"\r\n")
            other.sendall(KNOWN)
            other.shutdown(socket.SHUT_WR)
            assert b'"/a"' in read(other)[1]
            assert other.recv(1) == b""
            read(connection)
    assert app.known[-1]


def test_what_is_malformed_is_told_after_what_came_before_it(connection: socket.socket) -> None:
    for _ in range(3):
        exchange(connection, b"GET /a" + HOST + b"\r\n")
    connection.sendall(b"GET /a" + HOST + b"\r\n" + b"\x00\x00\r\n\r\n")
    assert read(connection)[0].startswith(b"HTTP/1.1 200 ")
    assert read(connection)[0].startswith(b"HTTP/1.1 400 ")
    assert connection.recv(1) == b""


def test_heads_are_few_and_short() -> None:
    heads = KnownHeads()
    for number in range(2 * MOST):
        for _ in range(3):
            head = b"GET /%d" % number + HOST + b"\r\n"
            heads.learn(head, {"headers": [(b"host", b"h")]})
    assert len(heads) == MOST
    assert heads.find(b"GET /%d" % (2 * MOST - 1) + HOST + b"\r\n") is not None
    assert heads.find(b"GET /0" + HOST + b"\r\n") is None, "the oldest makes room"
    long = b"GET /" + b"a" * LONGEST + HOST + b"\r\n"
    for _ in range(3):
        heads.learn(long, {"headers": [(b"host", b"h")]})
    assert heads.find(long) is None


PIECES = (
    b"GET /a" + HOST + b"\r\n",
    b"GET /b?c=1" + HOST + b"X: y\r\n\r\n",
    b"POST /a" + HOST + b"Content-Length: 4\r\n\r\n",
    b"POST /a" + HOST + b"Content-Length: 2\r\n\r\n",
    b"POST /a" + HOST + b"Transfer-Encoding: chunked\r\n\r\n",
    b"POST /a" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"abcd",
    b"ab",
    b"2\r\nab\r\n0\r\n\r\n",
    b"GET /a" + HOST + b"Idempotency-Key: k1\r\n\r\n",
    b"GET /a" + HOST + b"Idempotency-Key: GET\r\n\r\n",
    b"GET /a" + HOST + b"Idempotency-Key: k1\r\nIdempotency-Key: k2\r\n\r\n",
    b"GET /a" + HOST + b"Idempotency-Key: k1\nX: y\r\n\r\n",
    b"GET /a" + HOST + b"Idempotency-Key: ",
    b"POST /a" + HOST + b"idempotency-Key: k1\r\nContent-Length: 4\r\nTraceparent: x\r\n\r\n",
    b"POST /a" + HOST + b"idempotency-Key: k22\r\nContent-Length: 4\r\nTraceparent: \r\n\r\n",
    b"GET /slow" + HOST + b"\r\n",
    b"GET /last" + HOST + b"\r\n",
    b"GET /a HTTP/1.0\r\n\r\n",
    b"GET /e" + HOST + b"X: ",
    b"GET /a HTTP/1.1\r\nY: z\r\n\r\n",
    b"\r\n",
    b"\r\n\r\n",
    b"G",
    b"GET",
)


@given(
    st.lists(st.lists(st.tuples(st.sampled_from(PIECES), st.booleans()), max_size=6), min_size=2, max_size=6)
)
def test_whatever_comes_is_answered_as_if_nothing_were_known(
    sent: Sequence[Sequence[tuple[bytes, bool]]],
) -> None:
    """A head that is taken for another, or a body for a head, is how requests are smuggled.

    ``sent`` is what comes on one connection after the other, each piece alone or with the one before it.
    """
    known, plain = Echo(), Echo(learns=False)
    assert asyncio.run(_told(known, sent)) == asyncio.run(_told(plain, sent))


_IDS = re.compile(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|00-[0-9a-f]{32}-[0-9a-f]{16}-01")


def test_what_was_asked_before_the_end_is_answered_before_it() -> None:
    async def said_at_the_end() -> bytes:
        made, wire = connected(Echo())
        made.data_received(KNOWN)
        made.shutdown()
        return wire.said

    assert asyncio.run(said_at_the_end()).startswith(b"HTTP/1.1 200 ")


def test_a_connection_is_left_when_it_has_rested_for_long_enough() -> None:
    async def asked_again_and_again() -> list[bool]:
        made, wire = connected(Echo())
        clock = Clock()
        made.loop, closed = clock, []  # type: ignore[assignment]
        for pause in (4.0, 4.0, 4.0, 4.0, 5.5):
            made.data_received(KNOWN)
            await asyncio.sleep(0)
            clock.pass_by(pause)
            closed.append(wire.is_closing())
        return closed

    assert asyncio.run(asked_again_and_again()) == [False] * 4 + [True], "five seconds may it rest"


async def _told(app: Echo, sent: Sequence[Sequence[tuple[bytes, bool]]]) -> list[bytes]:
    """What an application says on each connection."""
    found = []
    for pieces in sent:
        made, wire = connected(app)
        data = b""
        for piece, alone in pieces:
            data += piece
            if alone and wire.reads:
                made.data_received(data)
                data = b""
            for _ in range(8):
                await asyncio.sleep(0)
        found.append(_IDS.sub(b"*", wire.said))
        made.connection_lost(None)
    return found
