"""Stands between clients and a broker, and cuts connections where it hurts: after the write, before the ack.

Reads just enough of Kafka's protocol (https://kafka.apache.org/protocol): the length, the kind and the number
of a request, the number of an answer, and the broker's address in those answers that tell it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import socket
import struct
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from harness.kafka.broker import Broker
from harness.kafka.clients import admin_client

_PRODUCE, _METADATA, _FIND_COORDINATOR = 0, 3, 10


class Proxy:
    """A way to a cluster of one broker which its clients never leave. ``broker`` is what they are given.

    ``cuts`` counts the connections that were cut, ``produced`` the requests to write that were passed on.
    """

    def __init__(self, broker: Broker) -> None:
        (only,) = admin_client(broker).list_topics(timeout=10).brokers.values()
        self._there = (str(only.host), int(only.port))
        self._server = socket.create_server(("127.0.0.1", 0))
        self._here = ("127.0.0.1", int(self._server.getsockname()[1]))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._to_cut = 0
        self.cuts = self.produced = 0
        self.broker = dataclasses.replace(broker, bootstrap="{}:{}".format(*self._here))

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        with self._lock:
            for each in self._open:
                _end(each)

    def cut(self, times: int) -> None:
        """The next so many acknowledgements of records are lost, each with its connection."""
        with self._lock:
            self._to_cut = times

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                try:
                    broker = socket.create_connection(self._there, timeout=10)
                except OSError:
                    client.close()
                    continue
                broker.settimeout(None)
                with self._lock:
                    self._open |= {client, broker}
                asked: dict[int, int] = {}
                for pump in (self._requests, self._answers):
                    threading.Thread(target=pump, args=(client, broker, asked), daemon=True).start()

    def _requests(self, client: socket.socket, broker: socket.socket, asked: dict[int, int]) -> None:
        with contextlib.suppress(OSError), _ending(client, broker):
            while frame := _frame(client):
                kind, _, number = struct.unpack_from(">hhi", frame)
                asked[number] = kind
                if kind == _PRODUCE:
                    self.produced += 1
                broker.sendall(struct.pack(">i", len(frame)) + frame)

    def _answers(self, client: socket.socket, broker: socket.socket, asked: dict[int, int]) -> None:
        with contextlib.suppress(OSError), _ending(client, broker):
            while frame := _frame(broker):
                kind = asked.pop(*struct.unpack_from(">i", frame))
                if kind == _PRODUCE and self._to_be_cut():
                    return
                if kind in {_METADATA, _FIND_COORDINATOR}:
                    frame = frame.replace(_told(self._there), _told((self._there[0], self._here[1])))
                client.sendall(struct.pack(">i", len(frame)) + frame)

    def _to_be_cut(self) -> bool:
        with self._lock:
            if not self._to_cut:
                return False
            self._to_cut -= 1
            self.cuts += 1
            return True


def _told(address: tuple[str, int]) -> bytes:
    """An address as answers tell it, but for the length of the host's name."""
    return address[0].encode() + struct.pack(">i", address[1])


def _frame(source: socket.socket) -> bytes:
    """One request or answer without its length; empty at the end."""
    head = source.recv(4, socket.MSG_WAITALL)
    if len(head) < 4:
        return b""
    (length,) = struct.unpack(">i", head)
    frame = source.recv(length, socket.MSG_WAITALL)
    return frame if len(frame) == length else b""


@contextlib.contextmanager
def _ending(*both: socket.socket) -> Iterator[None]:
    try:
        yield
    finally:
        for each in both:
            _end(each)


def _end(connection: socket.socket) -> None:
    # Shut down first: a close alone does not wake a thread that reads from it.
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
