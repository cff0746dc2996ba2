"""One HTTP/1.1 connection under bounds: how much is parsed at once, how long anything may take, how it ends.

uvicorn's httptools protocol bounds neither heads nor clients that do not read; it parses whatever it is sent
in one go, tells what it cannot parse before it answers what it could, in plain text, and closes on a client
that is still sending, which then never sees why. Source: RFC 9112, sections 9.3.2 and 9.6.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from functools import partial
from typing import Any
from urllib.parse import unquote

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from harness.serving.connection import CONNECTION
from harness.serving.crowd import MOST, Crowd
from harness.serving.cycles import Cycle
from harness.serving.heads import MAX_HEAD, Head, Refused, too_large
from harness.serving.problems import PROBLEM_TYPE, Problem, problem_answer
from harness.serving.quick import QuickProtocol
from harness.serving.rounds import Rounds
from harness.serving.tracing import trace_of
from harness.serving.wire import encode_json

HEAD_TIMEOUT = 10.0
"""Seconds in which a begun head has to be complete."""

READ_TIMEOUT = 30.0
"""Seconds in which a client has to take up what waits for it."""

LINGER = 2.0
"""Seconds that a client may go on sending after the last answer, so that it gets to read it."""

_SLICE = 16 * 1024
"""Bytes that are parsed before anybody else has a turn."""

_AT_ONCE = struct.pack("ii", 1, 0)
"""SO_LINGER: what is unsent is dropped, and the other side gets RST."""


class BoundedProtocol(QuickProtocol):
    """Refuses with problem+json what is too much (431), too slow (408) or malformed (400), and closes.

    Answers keep the order of their requests: what is malformed is told after all that came before it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head = Head()
        self._in_head, self._begun, self._ended = True, False, False
        self._raw = 0
        self._unfed = b""
        self._refusal: Problem | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None
        self._end_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_head()
        self._crowd.join(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._crowd.leave(self)
        for timer in (self._head_timer, self._read_timer, self._end_timer):
            if timer is not None:
                timer.cancel()
        self._parting = True
        super().connection_lost(exc)

    async def hang_up(self, said: bytes = b"") -> None:
        """See ``Connection``."""
        if self.transport.is_closing():
            return
        self._unheard()
        self.transport.write(said)
        self._part()

    async def reset(self) -> None:
        """See ``Connection``."""
        self._unheard()
        ends = self.loop.time() + LINGER
        while not self.transport.is_closing() and self.loop.time() < ends:
            await asyncio.sleep(0)  # what was said leaves when the loop comes round
            if not self.transport.get_write_buffer_size():
                break
            await asyncio.sleep(0.005)
        held = self.transport.get_extra_info("socket")
        if held is not None and not self.transport.is_closing():
            held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self._abort()

    def evict(self) -> None:
        """Others need the place: see ``Crowd``."""
        self._abort()

    def data_received(self, data: bytes) -> None:
        if self._parting or self._refusal is not None:
            return
        if self._learns and self._is_between() and self._answered_if_known(data):
            self._head_arrived()
            return
        self._unset_keepalive_if_required()
        if self._unfed or self.pipeline:
            self._unfed += data
            self.flow.pause_reading()
        else:
            self._feed(data)

    def _is_between(self) -> bool:
        """Whether everything is answered, and of the next request nothing has come yet."""
        idle = not self._open and not self._begun and self._in_head and not self._unfed
        return idle and not self.flow.write_paused

    def pause_writing(self) -> None:
        super().pause_writing()
        self._read_timer = self._read_timer or self.loop.call_later(READ_TIMEOUT, self._abort)

    def resume_writing(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        if self.transport.is_closing():
            self._abort_later()

    # What the parser calls

    def on_message_begin(self) -> None:
        if self._parting:
            raise Refused  # what came before it was the last
        self._unset_keepalive_if_required()
        self._head, self._raw, self._begun = Head(), 0, True
        super().on_message_begin()
        self.scope["extensions"] = {CONNECTION: self}  # type: ignore[dict-item]

    def on_url(self, url: bytes) -> None:
        self._head.target(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))
        self._head.header(name, value)

    def on_headers_complete(self) -> None:
        version = self.parser.get_http_version()
        self._head.complete(version)
        self._in_head = False
        self._head_arrived()
        self._address(version)
        self._held = self._may_be_whole(version)
        if not self._held:
            self._begin(version)

    def _begin(self, version: str = "1.1") -> None:
        scope: Any = self.scope
        stays = version != "1.0" and self.parser.should_keep_alive()
        made = self._new_cycle(scope, keep_alive=stays, expects=self.expect_100_continue)
        before, self.cycle = self.cycle, made
        if before is None or before.response_complete:
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))
        self._open += 1
        body, self._held, self._body = self._body, False, b""
        if body:
            super().on_body(body)

    def on_body(self, body: bytes) -> None:
        if self._held:
            self._body += body
        else:
            super().on_body(body)

    def _address(self, version: str) -> None:
        """What the request line says, in the scope."""
        scope: Any = self.scope
        scope["method"] = self.parser.get_method().decode("ascii")
        if version != "1.1":
            scope["http_version"] = version
        parsed = httptools.parse_url(self.url)
        scope["raw_path"] = parsed.path
        path = parsed.path.decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["query_string"] = parsed.query or b""

    def on_message_complete(self) -> None:
        self._in_head, self._begun, self._ended, self._raw = True, False, True, 0
        self._first = False
        self._crowd.works(self)
        if not self._held or not self._answered_at_once():
            super().on_message_complete()

    # Parsing

    def _feed(self, data: bytes) -> None:
        """Parse until a request has to wait for the one before it; the rest waits with it."""
        if len(data) <= _SLICE:
            self._parse(data)
            return
        for at in range(0, len(data), _SLICE):
            if self.pipeline:
                self._unfed = data[at:]
                self.flow.pause_reading()
                return
            if not self._parse(data[at : at + _SLICE]):
                return

    def _feed_rest(self) -> None:
        data, self._unfed = self._unfed, b""
        if data and not self._parting and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self.flow.resume_reading()
            self._feed(data)

    def _parse(self, piece: bytes) -> bool:
        """Whether there may be more to parse on this connection."""
        self._ended, self._first, self._told = False, True, False
        begins = self._in_head and not self._begun
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade:
            # Nothing else is spoken here; the parser stops where another protocol would begin.
            self.cycle.keep_alive = False
            return False
        except httptools.HttpParserError:
            if self._held:
                self._begin()
            if not self._parting:
                self._refuse(self._head.problem or Problem(400, detail="This is not an HTTP/1.1 request."))
            return False
        if self._held:
            self._begin()
        if self._told and begins and self._learns:
            self._learn(piece)
        if self._in_head and not self._ended:
            # The parser tells of a header when it is whole: until then only we can see how long it is.
            self._raw += len(piece)
            if self._raw > MAX_HEAD:
                self._refuse(too_large())
                return False
        if self._in_head and (self._begun or not self._ended) and self._head_timer is None:
            self._await_head()
        return True

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT, self._give_up)

    def _head_arrived(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _give_up(self) -> None:
        self._head_timer = None
        if self._begun:
            self._refuse(Problem(408, detail=f"The request's head did not arrive in {HEAD_TIMEOUT:g} s."))
        elif not self.transport.is_closing():
            self.transport.close()
            self._abort_later()

    # Answering

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._current = cycle
        is_new = cycle is self.cycle
        attended = cycle.more_body and (self._head.has_body or not is_new)
        super()._start_asgi_task(cycle, partial(self._attended, cycle, app) if attended else app)

    async def _attended(self, cycle: Cycle, app: Any, scope: Any, receive: Any, send: Any) -> None:
        """Run the application; an answer that does not wait for the whole body is the connection's last."""

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start" and cycle.more_body:
                cycle.keep_alive = False
            await send(message)

        await app(scope, receive, sending if cycle.more_body else send)

    def on_response_complete(self) -> None:
        self._open -= 1
        last = self._current is not None and self._current.last
        if last:
            self.pipeline.clear()
        super().on_response_complete()
        if self.transport.is_closing():
            self._abort_later()
        elif last:
            self._part()
        elif self.pipeline:
            self.flow.pause_reading()
        elif self._unfed:  # the rest of the body of the request that is next, it may be
            self.flow.pause_reading()
            self.loop.call_soon(self._feed_rest)
        elif self._open == 0:
            self._rest()

    def _rest(self) -> None:
        self._crowd.waits(self)
        if self._refusal is not None:
            self._answer(self._refusal)

    def _refuse(self, problem: Problem) -> None:
        """Take no more; tell why, once all that came before is answered."""
        self._refusal, self._unfed = problem, b""
        self._head_arrived()
        cycle = self.cycle
        if cycle is not None and cycle.more_body and not cycle.response_complete:
            self._open -= 1  # it is this request's own body
            if self.pipeline and self.pipeline[0][0] is cycle:
                self.pipeline.popleft()
            else:
                cycle.disconnected = True
                cycle.message_event.set()
                if cycle.response_started:
                    self._part()
                    return
        if self._open == 0:
            self._answer(problem)
        else:
            self.flow.pause_reading()

    def _answer(self, problem: Problem) -> None:
        trace = trace_of({})
        answer = problem_answer(problem, trace)
        body = encode_json(answer.body)
        head = (
            f"x-correlation-id: {trace.correlation}\r\ntraceparent: {trace.traceparent}\r\n"
            f"content-type: {PROBLEM_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[problem.status] + head.encode() + body)
        self._part()

    def _part(self) -> None:
        """Say no more, hear no more, and let the client go in its own time, which is short."""
        self._parting = True
        self._unset_keepalive_if_required()
        self._head_arrived()
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._abort_later()

    def _abort_later(self) -> None:
        self._end_timer = self._end_timer or self.loop.call_later(LINGER, self._abort)

    def _abort(self) -> None:
        """Go at once. Who is still answering is told before it writes to what is no more."""
        self._unheard()
        self.transport.abort()

    def _unheard(self) -> None:
        for cycle in (self._current, self.cycle):
            if cycle is not None:
                cycle.disconnected = True


def connections(most: int = MOST) -> Any:
    """What uvicorn makes the connections of one server with, at most so many: its ``http``."""
    return partial(BoundedProtocol, crowd=Crowd(most), rounds=Rounds())
