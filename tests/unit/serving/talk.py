"""HTTP/1.1 byte by byte, with a service on a socket."""

from __future__ import annotations

import re
import socket

import pytest

from tests.unit.serving.live import DEADLINE

_ANYTHING = b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"


def exchange(connection: socket.socket, *pieces: bytes) -> tuple[bytes, bytes]:
    """Head and body of one answer."""
    for number, piece in enumerate(pieces):
        if number:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _let_it_arrive(connection)
        connection.sendall(piece)
    return read(connection)


def _let_it_arrive(connection: socket.socket) -> None:
    """Until the service has taken up what was sent: it answers another connection after it."""
    with socket.create_connection(connection.getpeername(), timeout=DEADLINE) as other:
        other.sendall(_ANYTHING)
        assert other.recv(65536)


def read(connection: socket.socket) -> tuple[bytes, bytes]:
    """The next answer; a body of the length that its head says."""
    told = b""
    while b"\r\n\r\n" not in told:
        told += connection.recv(1) or pytest.fail(f"it closed after {told!r}")
    length = int(re.findall(rb"content-length: (\d+)", told)[0])
    body = b""
    while len(body) < length:
        body += connection.recv(length - len(body))
    return told, body


def without_ids(told: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    hidden = re.sub(rb"(x-correlation-id|traceparent|date): [^\r]*", rb"\1: *", told[0])
    return hidden, re.sub(rb"[0-9a-f]{8}-[0-9a-f-]{27}", b"*", told[1])
