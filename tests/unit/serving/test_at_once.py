"""A request that has come whole is answered while it is parsed, and nobody can tell the difference."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from harness.serving.app import build_app
from harness.serving.envelope import ASGIApp
from harness.serving.exchange import Answer, AtOnce, Request
from harness.serving.keys import KeyStore
from tests.unit.serving.live import DEADLINE, Service, contract_from, served
from tests.unit.serving.talk import exchange, read, without_ids

CONTRACT = """
openapi: 3.1.0
info: {title: At once, version: 1.0.0}
components:
  securitySchemes: {portal: {type: http, scheme: bearer}}
paths:
  /things/{id}:
    get:
      operationId: getThing
      parameters:
        - {name: id, in: path, required: true, schema: {type: integer, minimum: 1}}
        - {name: odd, in: query, schema: {type: string}}
      responses: {"200": {description: it, content: {application/json: {}}}}
  /things:
    post:
      operationId: addThing
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [name]
              properties: {name: {type: string, maxLength: 5}, size: {type: integer}}
      responses: {"201": {description: made, content: {application/json: {}}}}
  /secret:
    get:
      operationId: getSecret
      security: [{portal: []}]
      responses: {"200": {description: it, content: {application/json: {}}}}
"""

GET = b"GET /things/7 HTTP/1.1\r\nHost: h\r\n\r\n"

seen: list[bool] = []
"""Whether each call of a handler was in a task."""


def post(body: bytes, more: bytes = b"") -> bytes:
    head = b"POST /things HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
    return head + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


def answer(request: Request) -> Answer:
    seen.append(asyncio.current_task() is not None)
    told = {"path": dict(request.path), "query": dict(request.query), "body": request.body}
    if request.query.get("odd") == "value":
        return Answer(200, told, {"X-Odd": "a\r\nb"})
    if request.query.get("odd") == "name":
        return Answer(200, told, {"X Odd": "a"})
    if request.query.get("odd") == "close":
        return Answer(200, told, {"Connection": "close"})
    return Answer(201 if request.method == "POST" else 200, told)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> ASGIApp:
    folder: Path = tmp_path_factory.mktemp("contract")
    contract = contract_from(folder, CONTRACT)
    keys = KeyStore(folder / "keys")
    return build_app(contract, dict.fromkeys(contract.operations, AtOnce(answer)), keys.authenticator())


@pytest.fixture
def connection(app: ASGIApp) -> Iterator[socket.socket]:
    """To a service that has had its first request, which is never answered at once."""
    with served([Service("tested", app)]) as addresses:
        url = httpx.URL(addresses.services["tested"])
        with socket.create_connection((url.host, url.port or 0), timeout=DEADLINE) as made:
            exchange(made, GET)
            seen.clear()
            yield made


@pytest.mark.parametrize(
    ("request_", "status", "called"),
    [
        (GET, 200, 1),
        (b"GET /things/7?odd=a%20b HTTP/1.1\r\nHost: h\r\nX-Correlation-Id: mine\r\n\r\n", 200, 1),
        (b"GET /things/0?even=1 HTTP/1.1\r\nHost: h\r\n\r\n", 400, 0),
        (b"GET /things/7?odd=value HTTP/1.1\r\nHost: h\r\n\r\n", 500, 1),
        (b"GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n", 404, 0),
        (b"DELETE /things HTTP/1.1\r\nHost: h\r\n\r\n", 405, 0),
        (b"GET /secret HTTP/1.1\r\nHost: h\r\n\r\n", 401, 0),
        (post(b'{"name": "four", "size": 1}'), 201, 1),
        (post(b'{"name":"longer","size":"x"}'), 400, 0),
        (post(b'{"name":"a","name":"b"}'), 400, 0),
        (post(b'{"size":18446744073709551617,"name":"a"}'), 201, 1),
        (post(b""), 400, 0),
        (post(b"x" * 20).replace(b"application/json", b"text/plain"), 415, 0),
    ],
)
def test_a_whole_request_is_answered_as_any_other_is(
    connection: socket.socket, request_: bytes, status: int, called: int
) -> None:
    whole = exchange(connection, request_)
    assert seen == [False] * called, "a whole request waits for no task"
    seen.clear()
    exchange(connection, GET + request_)
    second = read(connection)
    assert seen == [False] + [True] * called, "the second of one piece is worked on in a task"
    assert whole[0].startswith(b"HTTP/1.1 %d " % status), whole
    assert without_ids(whole) == without_ids(second)


def test_a_body_that_follows_its_head_is_waited_for(connection: socket.socket) -> None:
    request = post(b'{"name":"four"}')
    head, body = exchange(connection, request[:-8], request[-8:])
    assert head.startswith(b"HTTP/1.1 201 ") and b'"four"' in body
    assert seen == [True], "in a task"


def test_of_several_in_one_piece_each_is_answered_in_its_turn(connection: socket.socket) -> None:
    numbers = range(1, 6)
    connection.sendall(b"".join(GET.replace(b"/7", b"/%d" % each) for each in numbers))
    answers = [read(connection)[1] for _ in numbers]
    assert [int(re.findall(rb'"id":(\d)', each)[0]) for each in answers] == list(numbers)
    assert seen[0] is False and all(seen[1:]), "the first at once, others have their turn between the rest"


def test_what_follows_a_last_answer_is_not_answered(connection: socket.socket) -> None:
    last = b"GET /things/7?odd=close HTTP/1.1\r\nHost: h\r\n\r\n"
    connection.sendall(last + GET)
    assert b"connection: close" in read(connection)[0]
    assert connection.recv(1) == b""
    assert len(seen) == 1


@pytest.mark.parametrize(
    "request_", [GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), GET.replace(b"/1.1", b"/1.0")]
)
def test_who_asks_for_the_end_gets_it_after_the_answer(connection: socket.socket, request_: bytes) -> None:
    assert exchange(connection, request_)[0].startswith(b"HTTP/1.1 200 ")
    assert connection.recv(1) == b""


def test_who_waits_to_be_asked_for_the_body_is_asked(connection: socket.socket) -> None:
    request = post(b'{"name":"four"}', b"Expect: 100-continue\r\n")
    head, _, body = request.partition(b"\r\n\r\n")
    connection.sendall(head + b"\r\n\r\n")
    assert connection.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    connection.sendall(body)
    assert read(connection)[0].startswith(b"HTTP/1.1 201 ")


def test_a_malformed_body_is_refused_though_its_head_was_good(connection: socket.socket) -> None:
    head = b"POST /things HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert exchange(connection, head + b"G\r\n")[0].startswith(b"HTTP/1.1 400 ")


def test_a_header_that_no_answer_can_have_ends_the_connection_alone(
    connection: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    connection.sendall(b"GET /things/7?odd=name HTTP/1.1\r\nHost: h\r\n\r\n")
    with contextlib.suppress(ConnectionResetError):
        assert connection.recv(1) == b""
    with socket.create_connection(connection.getpeername(), timeout=DEADLINE) as other:
        assert exchange(other, GET)[0].startswith(b"HTTP/1.1 200 ")
    assert "Invalid HTTP header name" in caplog.text
