"""One request and its answer on a connection: what uvicorn does for every header, done once.

uvicorn searches each name and value of each answer with two regular expressions; names are few, so each is
looked at once, and values are looked at together. What is said on the wire is the same.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from uvicorn.protocols.http.httptools_impl import (
    HEADER_RE,
    HEADER_VALUE_RE,
    STATUS_LINE,
    RequestResponseCycle,
)

from harness.serving.wire import Said

_LONGEST = 64
"""Bytes of a header's name that is remembered."""

NEVER_CHUNKED = frozenset({204, 304})
"""Statuses of answers that have no body, whatever their headers say."""


class Cycle(RequestResponseCycle):
    """Says plain answers itself, and leaves all others to uvicorn.

    A head waits for what follows it, as ASGI allows: a system call costs as much as half of a bare answer.
    """

    last = False
    """Whether the connection ends with this answer, by the protocol: who closes on bytes that nobody has read
    resets the connection, and the answer is lost on the way."""

    _head = b""

    async def send(self, message: Any) -> None:
        """ASGI's. Raises RuntimeError for what no answer can say, or not now."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        kind = message["type"]
        if kind == "http.response.start" and not self.response_started:
            self._begin(message["status"], message.get("headers", ()))
        elif kind == "http.response.body" and self._is_whole(message):
            head, self._head = self._head, b""
            self.transport.write(head + message["body"])
            self.expected_content_length = 0
            self.response_complete = True
            self.message_event.set()
            if not self.keep_alive:
                self.transport.close()
            self.on_response()
        else:
            head, self._head = self._head, b""
            if head:
                self.transport.write(head)
            await super().send(message)

    def say(self, said: Said) -> None:
        """Give a whole answer, to a request that has come whole, while the client takes up what is said.

        Raises RuntimeError for what no answer can say."""
        status, headers, body = said
        self.more_body = False
        self._begin(status, headers)
        if self.chunked_encoding:
            body = (b"%x\r\n%b\r\n" % (len(body), body) if body else b"") + b"0\r\n\r\n"
        elif len(body) != self.expected_content_length:
            raise RuntimeError("The body is not as long as its Content-Length says.")
        self.transport.write(self._head + body)
        self._head = b""
        self.expected_content_length = 0
        self.response_complete = True
        self.on_response()

    def _is_whole(self, message: Any) -> bool:
        """Whether this is all of a body whose length was said."""
        return (
            self.response_started
            and not self.response_complete
            and not self.chunked_encoding
            and not message.get("more_body", False)
            and len(message.get("body", b"")) == self.expected_content_length > 0
            and self.scope["method"] != "HEAD"
        )

    def _begin(self, status: int, headers: Any) -> None:
        self.response_started = True
        self.waiting_for_100_continue = False
        parts, values = [STATUS_LINE[status]], []
        closes = False
        for given, value in (*self.default_headers, *headers):
            name, begun = name_of(given)
            if name == b"content-length" and self.chunked_encoding is None:
                self.expected_content_length = int(value)
                self.chunked_encoding = False
            elif name == b"transfer-encoding" and value.lower() == b"chunked":
                self.expected_content_length = 0
                self.chunked_encoding = True
            elif name == b"connection" and b"close" in [each.strip() for each in value.lower().split(b",")]:
                self.keep_alive = False
                closes = True
            parts += (begun, value, b"\r\n")
            values.append(value)
        if HEADER_VALUE_RE.search(b"".join(values)):
            raise RuntimeError("Invalid HTTP header value.")
        if not self.keep_alive and not closes:
            parts.append(b"connection: close\r\n")
        if self.chunked_encoding is None and self.scope["method"] != "HEAD" and status not in NEVER_CHUNKED:
            self.chunked_encoding = True
            parts.append(b"transfer-encoding: chunked\r\n")
        if not self.keep_alive:
            self.last = self.keep_alive = True
        parts.append(b"\r\n")
        self._head = b"".join(parts)


def _checked(name: bytes) -> tuple[bytes, bytes]:
    """A header's name in lower case, alone and as it begins its line."""
    if HEADER_RE.search(name):
        raise RuntimeError("Invalid HTTP header name.")
    lowered = name.lower()
    return lowered, lowered + b": "


_remembered = lru_cache(512)(_checked)


def name_of(given: bytes) -> tuple[bytes, bytes]:
    """The same, where names are few. Raises RuntimeError for what is none."""
    return _remembered(given) if len(given) <= _LONGEST else _checked(given)
