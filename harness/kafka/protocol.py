"""One question in Kafka's own protocol: what can you do?

Client libraries ask it (ApiVersions, key 18) and keep the answer to themselves. Layouts are those of
https://kafka.apache.org/protocol: version 0 is understood by everything, version 3 also tells the
finalized features (KIP-584), of which ``group.version`` says whether KIP-848 groups are switched on.
"""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

CREATE_TOPICS = 19
INIT_PRODUCER_ID = 22
END_TXN = 26
DESCRIBE_ACLS = 29
CONSUMER_GROUP_HEARTBEAT = 68

_API_VERSIONS = 18
_LONGEST = 1 << 20
_FINALIZED_FEATURES = 2


class NotKafka(Exception):
    """Nothing at that address speaks Kafka; the text is a phrase that follows the address."""


@dataclass(frozen=True, slots=True)
class Abilities:
    """``requests`` maps an API key to its lowest and highest version, ``features`` a name to its level."""

    requests: Mapping[int, tuple[int, int]]
    features: Mapping[str, int] = field(default_factory=dict)

    def has(self, request: int) -> bool:
        return request in self.requests


def ask_abilities(host: str, port: int, timeout: float, tls: ssl.SSLContext | None = None) -> Abilities:
    """Ask the broker at an address, within ``timeout`` seconds in all. Raises NotKafka.

    ``tls``: speak it. No log-in is needed: this may be asked before (KIP-43).
    """
    deadline = time.monotonic() + timeout
    requests = _requests(_exchange(host, port, _question(0), deadline, tls))
    if requests.get(_API_VERSIONS, (0, 0))[1] < 3:
        return Abilities(requests)
    return Abilities(requests, _features(_exchange(host, port, _question(3), deadline, tls)))


def _question(version: int) -> bytes:
    client = b"portal"
    body = struct.pack(">hhih", _API_VERSIONS, version, 1, len(client)) + client
    if version >= 3:  # flexible: tagged fields of the header, then compact name, version, tagged fields
        body += b"\0" + bytes([len(client) + 1]) + client + b"\x02" + b"1" + b"\0"
    return struct.pack(">i", len(body)) + body


def _exchange(host: str, port: int, question: bytes, deadline: float, tls: ssl.SSLContext | None) -> bytes:
    """Send one request; the answer without its length and correlation id."""
    try:
        with _connected(host, port, deadline, tls) as connection:
            connection.settimeout(_left(deadline))
            connection.sendall(question)
            (length,) = struct.unpack(">i", _receive(connection, 4, deadline))
            if not 6 <= length <= _LONGEST:
                raise NotKafka("answers, but not in the Kafka protocol")
            return _receive(connection, length, deadline)[4:]
    except TimeoutError:
        raise NotKafka("does not answer in time") from None
    except ssl.SSLError as error:
        why = (error.reason or "no TLS").replace("_", " ").lower()
        raise NotKafka(f"does not come to terms over TLS ({why})") from None
    except OSError as error:
        raise NotKafka(f"cannot be reached ({(error.strerror or str(error)).lower()})") from None


def _connected(host: str, port: int, deadline: float, tls: ssl.SSLContext | None) -> socket.socket:
    connection = socket.create_connection((host, port), timeout=_left(deadline))
    if tls is None:
        return connection
    try:
        connection.settimeout(_left(deadline))
        return tls.wrap_socket(connection, server_hostname=host)
    except BaseException:
        connection.close()
        raise


def _receive(connection: socket.socket, count: int, deadline: float) -> bytes:
    received = b""
    while len(received) < count:
        connection.settimeout(_left(deadline))
        part = connection.recv(count - len(received))
        if not part:
            raise NotKafka("closes the connection without an answer in the Kafka protocol")
        received += part
    return received


def _left(deadline: float) -> float:
    return max(0.01, deadline - time.monotonic())


def _requests(answer: bytes) -> dict[int, tuple[int, int]]:
    try:
        error, count = struct.unpack_from(">hi", answer)
        if error:
            raise NotKafka(f"refuses to tell what it can do (Kafka error {error})")
        entries = (struct.unpack_from(">hhh", answer, 6 + 6 * index) for index in range(count))
        return {key: (lowest, highest) for key, lowest, highest in entries}
    except struct.error:
        raise NotKafka("answers, but not in the Kafka protocol") from None


def _features(answer: bytes) -> dict[str, int]:
    """The finalized features of a version 3 answer; none if it holds none or reads differently."""
    try:
        return _Reader(answer).finalized_features()
    except (IndexError, struct.error):
        return {}


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def finalized_features(self) -> dict[str, int]:
        if self.int16():
            return {}
        for _ in range(self.varint() - 1):  # API keys: three int16 and tagged fields
            self.at += 6
            self.tagged()
        self.at += 4  # throttle time
        body = self.tagged().get(_FINALIZED_FEATURES)
        if body is None:
            return {}
        reader, found = _Reader(body), {}
        for _ in range(reader.varint() - 1):
            name = reader.take(reader.varint() - 1).decode()
            found[name] = reader.int16()  # the highest finalized level; the lowest follows
            reader.at += 2
            reader.tagged()
        return found

    def take(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]

    def int16(self) -> int:
        (number,) = struct.unpack_from(">h", self.data, self.at)
        self.at += 2
        return int(number)

    def varint(self) -> int:
        number = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number
            shift += 7

    def tagged(self) -> dict[int, bytes]:
        found = {}
        for _ in range(self.varint()):
            tag = self.varint()
            found[tag] = self.take(self.varint())
        return found
