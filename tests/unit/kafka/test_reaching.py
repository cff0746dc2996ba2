"""What is found out about a broker, asked of servers that speak Kafka, speak something else, or are mute."""

from __future__ import annotations

import logging
import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from harness.errors import BrokerError
from harness.kafka import protocol
from harness.kafka.broker import addresses, reach
from harness.kafka.clients import LOG


@contextmanager
def answering(answers: Sequence[bytes | None]) -> Iterator[int]:
    """A server that sends one answer a connection, once it has been asked; None: it stays mute."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def serve() -> None:
            for answer in answers:
                connection, _ = server.accept()
                with connection:
                    connection.recv(4096)
                    if answer is None:
                        over.wait(10)
                    else:
                        connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(server.getsockname()[1])
        over.set()
        thread.join(5)


def framed(body: bytes) -> bytes:
    return struct.pack(">ii", len(body) + 4, 1) + body


def version_0(*requests: tuple[int, int, int]) -> bytes:
    entries = b"".join(struct.pack(">hhh", *request) for request in requests)
    return framed(struct.pack(">hi", 0, len(requests)) + entries)


def version_3(group_version: int) -> bytes:
    keys = bytes([2]) + struct.pack(">hhh", 18, 0, 4) + b"\0"
    name = b"group.version"
    features = bytes([2, len(name) + 1]) + name + struct.pack(">hh", group_version, 0) + b"\0"
    epoch = struct.pack(">q", 7)
    tagged = bytes([2, 1, len(epoch)]) + epoch + bytes([2, len(features)]) + features
    return framed(struct.pack(">h", 0) + keys + struct.pack(">i", 0) + tagged)


def test_requests_and_features_are_read() -> None:
    old = version_0((18, 0, 4), (19, 2, 7), (68, 0, 1))
    with answering([old, version_3(1)]) as port:
        able = protocol.ask_abilities("127.0.0.1", port, 5)
    assert able.has(protocol.CREATE_TOPICS)
    assert able.has(protocol.CONSUMER_GROUP_HEARTBEAT)
    assert not able.has(protocol.DESCRIBE_ACLS)
    assert able.features == {"group.version": 1}


def test_an_old_broker_is_asked_once() -> None:
    with answering([version_0((18, 0, 2))]) as port:
        assert protocol.ask_abilities("127.0.0.1", port, 5).features == {}


def test_a_cut_answer_about_features_means_none() -> None:
    whole = version_3(1)
    cut = framed(whole[8:-6])
    with answering([version_0((18, 0, 4)), cut]) as port:
        assert protocol.ask_abilities("127.0.0.1", port, 5).features == {}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "answers, but not in the Kafka protocol"),
        (b"", "closes the connection without an answer"),
        (framed(struct.pack(">hi", 0, 9)), "answers, but not in the Kafka protocol"),
        (framed(struct.pack(">hi", 58, 0)), "Kafka error 58"),
    ],
)
def test_what_does_not_speak_kafka_is_said_so(answer: bytes, said: str) -> None:
    with answering([answer]) as port, pytest.raises(BrokerError, match=said) as raised:
        reach(f"127.0.0.1:{port}", 5)
    assert f"127.0.0.1:{port}" in raised.value.where


def test_a_mute_server_is_given_up_in_time() -> None:
    started = time.monotonic()
    with answering([None]) as port, pytest.raises(BrokerError, match="does not answer in time"):
        reach(f"127.0.0.1:{port}", 0.3)
    assert time.monotonic() - started < 5


def test_every_address_that_failed_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(BrokerError, match=rf"127.0.0.1:{port} cannot be reached .*; localhost:{port} cannot"):
        reach(f"127.0.0.1:{port},localhost:{port}", 2)


@pytest.mark.parametrize("bootstrap", ["", "kafka", ":9092", "kafka:", "kafka:0", "kafka:70000", "a:1,,b:2"])
def test_what_is_no_address_is_refused(bootstrap: str) -> None:
    with pytest.raises(BrokerError, match="is not an address") as raised:
        reach(bootstrap)
    assert "HOST:PORT" in raised.value.expected


def test_addresses_are_taken_apart() -> None:
    assert addresses("a:1, b:2") == (("a", 1), ("b", 2))
    assert addresses("[::1]:9092") == (("::1", 9092),)


def test_a_line_that_repeats_itself_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, LOG.name):
        for milliseconds in range(50):
            LOG.error("unit test: refused after %d ms", milliseconds)
        LOG.error("unit test: something else")
    assert len(caplog.records) == 2
