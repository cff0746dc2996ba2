"""Calls over a real socket: bounded, not redirected, and shown without secrets."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from harness.contract.expressions import evaluate
from harness.contract.model import Body, MediaType, Operation, Parameter, Response
from harness.contract.schema import schema_of
from harness.driving.calls import MOST_BYTES, Call, Caller
from harness.driving.pact_relay import Relay
from harness.errors import TargetError, TokenError
from harness.target import Limits, Target

LIMITS = Limits(timeout=1.0)
SECRET = "eyJhbGciOiJub25lIn0.e30.c2lnbmF0dXJl"  # what a token may look like
PHI = "Kowalczyk"


class Odd(BaseHTTPRequestHandler):
    """Answers what its path says."""

    protocol_version = "HTTP/1.1"
    seen: list[dict[str, str]]

    def do_POST(self) -> None:
        self.seen.append({name.lower(): value for name, value in self.headers.items()})
        self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path.startswith("/redirect"):
            self.answer(302, b"", Location="/elsewhere")
        elif self.path.startswith("/endless"):
            self.answer(200, b"x" * (MOST_BYTES + 1))
        elif self.path.startswith("/busy"):
            again = len(self.seen) <= int(self.path.rpartition("/")[2])
            self.answer(503 if again else 201, b"{}", **{"Retry-After": "0"})
        elif self.path.startswith("/broken"):
            self.answer(503, b"{}")
        elif self.path.startswith("/slow"):
            self.drip()
        elif self.path.startswith("/half"):
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"half")
            self.close_connection = True
        else:
            self.answer(201, b'{"id": "a-1"}', ETag='"3"')

    do_GET = do_POST

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.close_connection = True

    def drip(self) -> None:
        """Each piece comes in time, the whole never does."""
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        deadline = time.monotonic() + 5
        try:
            while time.monotonic() < deadline:
                self.wfile.write(b".")
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # the library's five drop some of eight connections made at once


@contextmanager
def serving() -> Iterator[tuple[str, list[dict[str, str]]]]:
    seen: list[dict[str, str]] = []
    server = Server(("127.0.0.1", 0), type("Handler", (Odd,), {"seen": seen}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def target(url: str, token: str | None = SECRET) -> Target:
    source = None if token is None else (lambda claims: token)
    return Target("shop", url, "external", frozenset(), tokens=source)


def operation(path: str = "/things") -> Operation:
    phi = Parameter("name", "query", False, schema_of({"type": "string", "x-phi": True}), "form", True)
    body = Body(True, {"application/json": MediaType("application/json", schema_of(True))})
    return Operation("make", "post", path, parameters=(phi,), body=body)


def test_what_is_shown_holds_neither_token_nor_phi_in_the_url() -> None:
    with serving() as (url, seen), Caller(target(url), LIMITS) as caller:
        call = Call(operation(), query={"name": PHI}, headers={"Idempotency-Key": "k-1"}, body={"a": "it's"})
        exchange = caller.send(call, {"actor": "staff"})
    assert seen[0]["authorization"] == f"Bearer {SECRET}"
    assert exchange.ok
    line = exchange.curl()
    assert SECRET not in line
    assert PHI not in line
    assert '-H "Authorization: Bearer $TOKEN"' in line
    assert "name=REDACTED" in line
    assert "-H 'Idempotency-Key: k-1'" in line
    assert "it'\"'\"'s" in line  # quoted for a shell


def test_what_an_answer_says_that_is_phi_is_not_shown() -> None:
    schema = schema_of({"properties": {"id": {"type": "string", "x-phi": True}}})
    answered = Response("201", content={"application/json": MediaType("application/json", schema)})
    with serving() as (url, _), Caller(target(url), LIMITS) as caller:
        shown = caller.send(Call(replace(operation(), responses={"201": answered}))).received()
    assert "a-1" not in shown
    assert shown.startswith("201")


def test_a_line_to_paste_holds_no_phi_of_the_body() -> None:
    schema = schema_of({"properties": {"name": {"type": "string", "x-phi": True}}})
    named = replace(operation(), body=Body(True, {"application/json": MediaType("application/json", schema)}))
    with serving() as (url, _), Caller(target(url), LIMITS) as caller:
        line = caller.send(Call(named, body={"name": PHI, "age": 7})).curl()
        assert caller.secrets == {PHI}
    assert PHI not in line
    assert '{"name": "***", "age": 7}' in line


def test_an_exchange_is_what_expressions_see() -> None:
    with serving() as (url, _), Caller(target(url), LIMITS) as caller:
        exchange = caller.send(Call(operation(), body={"b": 2}), "raw.token.text")
    context = exchange.context()
    assert evaluate("$response.body#/id", context) == "a-1"
    assert evaluate("$response.header.etag", context) == '"3"'
    assert evaluate("$request.body#/b", context) == 2
    assert evaluate("$request.header.X-Correlation-Id", context) == exchange.correlation
    assert evaluate("$statusCode", context) == 201


def test_each_call_has_a_correlation_of_its_own_unless_it_brings_one() -> None:
    with serving() as (url, seen), Caller(target(url), LIMITS) as caller:
        caller.send(Call(operation()))
        caller.send(Call(operation()))
        brought = caller.send(Call(operation(), headers={"x-correlation-id": "mine"}))
    assert brought.correlation == "mine"
    sent = [each["x-correlation-id"] for each in seen]
    assert len(set(sent)) == 3
    assert set(sent) == caller.correlations
    assert all("authorization" not in each for each in seen)


def test_redirects_are_not_followed() -> None:
    with serving() as (url, seen), Caller(target(url), LIMITS) as caller:
        assert caller.send(Call(operation("/redirect"))).status == 302
    assert len(seen) == 1


@pytest.mark.parametrize("path", ["/endless", "/slow", "/half"])
def test_an_answer_without_end_is_could_not_tell(path: str) -> None:
    with serving() as (url, _), Caller(target(url), LIMITS) as caller:
        started = time.monotonic()
        with pytest.raises(TargetError) as raised:
            caller.send(Call(operation(path)))
    assert time.monotonic() - started < 4
    assert raised.value.where == url
    assert f"POST {path}" in raised.value.found


@pytest.mark.parametrize("path", ["/endless", "/slow"])
def test_a_relay_reads_no_further_than_a_caller(path: str) -> None:
    with serving() as (url, _), Relay(target(url), LIMITS, lambda *_: {}) as relay:
        started = time.monotonic()
        assert relay.pass_on("POST", path, {}, b"") is None
        whole = relay.pass_on("POST", "/things", {}, b"")
    assert time.monotonic() - started < 4
    assert whole is not None
    assert (whole.status_code, whole.content, whole.headers["etag"]) == (201, b'{"id": "a-1"}', '"3"')
    assert relay.relayed[0].error is None


def test_an_unreachable_target_is_could_not_tell() -> None:
    with serving() as (url, _):
        pass
    with (
        Caller(target(url), LIMITS) as caller,
        pytest.raises(TargetError, match="did not answer POST /things"),
    ):
        caller.send(Call(operation()))


def test_no_source_of_tokens_is_could_not_tell() -> None:
    with (
        serving() as (url, seen),
        Caller(target(url, token=None), LIMITS) as caller,
        pytest.raises(TokenError, match="--token-command"),
    ):
        caller.send(Call(operation()), {"actor": "staff"})
    assert seen == []


def test_parallel_calls_answer_in_order() -> None:
    with serving() as (url, seen), Caller(target(url), LIMITS) as caller:
        calls = [(Call(operation(), body={"n": n}), None) for n in range(8)]
        answers = caller.send_together(calls)
    assert [each.call.body for each in answers] == [{"n": n} for n in range(8)]
    assert len(seen) == 8


def test_headers_are_replaced_whatever_their_case() -> None:
    call = Call(operation(), headers={"if-match": '"1"', "Other": "x"})
    assert call.with_headers(**{"If-Match": '"2"'}).headers == {"Other": "x", "If-Match": '"2"'}
    assert call.with_headers(If_Match=None).headers == {"Other": "x"}
    assert call.header("IF-MATCH") == '"1"'


def test_a_service_that_is_too_busy_is_asked_again_when_it_says() -> None:
    with serving() as (url, seen), Caller(target(url), LIMITS) as caller:
        exchange = caller.send(Call(operation("/busy/2"), headers={"Idempotency-Key": "k-1"}))
    assert exchange.status == 201
    assert [each["idempotency-key"] for each in seen] == ["k-1"] * 3
    assert len({each["x-correlation-id"] for each in seen}) == 1


def test_of_one_that_stays_too_busy_nothing_can_be_told() -> None:
    with (
        serving() as (url, _),
        Caller(target(url), LIMITS) as caller,
        pytest.raises(TargetError) as caught,
    ):
        caller.send(Call(operation("/busy/1000000")))
    assert "too busy" in str(caught.value)
    assert "Retry-After" in str(caught.value)


def test_a_failure_that_names_no_time_is_an_answer() -> None:
    with serving() as (url, seen), Caller(target(url), LIMITS) as caller:
        assert caller.send(Call(operation("/broken"))).status == 503
    assert len(seen) == 1
