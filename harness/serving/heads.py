"""The head of one request under bounds, header by header: how large it is, and whether it is of one mind.

What two readers could read differently is refused. Sources: RFC 9112, sections 2.3, 3.2 and 6.1.
"""

from __future__ import annotations

import re

from harness.serving.problems import Problem

MAX_HEAD = 32 * 1024
"""Bytes of a request's target and headers together."""

_HOST = re.compile(rb"[A-Za-z0-9._~%!$&'()*+,;=:\[\]-]*")  # RFC 3986, 3.2.2, and a port


class Refused(Exception):
    """Ends parsing; httptools reports it as a parser error, the head keeps the ``problem``."""


class Head:
    """``has_body`` says whether one is announced; ``problem`` is why the head was refused."""

    __slots__ = ("_chunked", "_hosts", "_size", "has_body", "problem")

    def __init__(self) -> None:
        self._size = self._hosts = 0
        self._chunked = True
        self.has_body = False
        self.problem: Problem | None = None

    def target(self, part: bytes) -> None:
        """A part of the request's target. Raises Refused, as all of these do."""
        self._count(len(part))

    def header(self, name: bytes, value: bytes) -> None:
        """One whole header, its name in lower case."""
        self._count(len(name) + len(value) + 4)
        if name == b"host":
            self._hosts += 1
            if _HOST.fullmatch(value) is None:
                self._refuse(400, "The Host header is none.")
        elif name == b"content-length":
            self.has_body = True
        elif name == b"transfer-encoding":
            self.has_body = True
            self._chunked = self._chunked and value.strip().lower() == b"chunked"

    def complete(self, version: str) -> None:
        """All headers have come; ``version`` is that of the request line."""
        if version not in {"1.0", "1.1"}:
            self._refuse(505, "HTTP/1.1 is spoken here.")
        if self._hosts > 1 or (version == "1.1" and not self._hosts):
            self._refuse(400, "A request has one Host header.")
        if not self._chunked:
            self._refuse(501, "No transfer coding but chunked is understood here.")

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > MAX_HEAD:
            self.problem = too_large()
            raise Refused

    def _refuse(self, status: int, detail: str) -> None:
        self.problem = Problem(status, detail=detail)
        raise Refused


def too_large() -> Problem:
    """A head beyond its bound."""
    return Problem(431, detail=f"The request's head is larger than {MAX_HEAD} bytes.")
