"""librdkafka's mock cluster, reached through ctypes in the library that the confluent-kafka wheel brings.

A mock cluster lives as long as its process. ``rd_kafka_mock_*`` is declared experimental by librdkafka
(rdkafka_mock.h), so whatever is missing there is done without: see ``start``.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re
import socket
import stat
import struct
import sys
import threading
from collections.abc import Mapping
from typing import Any

from harness.errors import BrokerError, PortInUse

LOOPBACK = "127.0.0.1"

_BROKER_ID = 1
_BACKLOG = 512
_ERRORS_ONLY = b"3"
_DRIBBLE = 1024 * 1024
"""Bytes of a request that never arrives."""

_BETWEEN_BYTES = 0.002
_UNKNOWN_TO_THIS_VERSION = "this version of confluent-kafka does not offer it"

_POINTER = ctypes.c_void_p
_NEEDED: Mapping[str, tuple[Any, tuple[Any, ...]]] = {
    "rd_kafka_conf_new": (_POINTER, ()),
    "rd_kafka_conf_set": (
        ctypes.c_int,
        (_POINTER, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t),
    ),
    "rd_kafka_new": (_POINTER, (ctypes.c_int, _POINTER, ctypes.c_char_p, ctypes.c_size_t)),
    "rd_kafka_mock_cluster_new": (_POINTER, (_POINTER, ctypes.c_int)),
    "rd_kafka_mock_cluster_bootstraps": (ctypes.c_char_p, (_POINTER,)),
    "rd_kafka_mock_topic_create": (ctypes.c_int, (_POINTER, ctypes.c_char_p, ctypes.c_int, ctypes.c_int)),
}
_WELCOME: Mapping[str, tuple[Any, tuple[Any, ...]]] = {
    "rd_kafka_mock_broker_set_host_port": (None, (_POINTER, ctypes.c_int32, ctypes.c_char_p, ctypes.c_int)),
    "rd_kafka_mock_broker_set_rtt": (ctypes.c_int, (_POINTER, ctypes.c_int32, ctypes.c_int)),
    "rd_kafka_mock_set_controller_id": (None, (_POINTER, ctypes.c_int32)),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, (_POINTER, ctypes.c_int32)),
    "rd_kafka_mock_set_group_consumer_session_timeout_ms": (None, (_POINTER, ctypes.c_int)),
    "rd_kafka_mock_set_group_consumer_heartbeat_interval_ms": (None, (_POINTER, ctypes.c_int)),
}

_GROUP_TIMES: Mapping[str, int] = {
    "rd_kafka_mock_group_initial_rebalance_delay_ms": 100,
    "rd_kafka_mock_set_group_consumer_session_timeout_ms": 1500,
    "rd_kafka_mock_set_group_consumer_heartbeat_interval_ms": 200,
}
"""Milliseconds; librdkafka's own are 3000, 30000 and 3000."""


class Missing(Exception):
    """librdkafka lacks a function that we cannot do without; the text is its name."""


class Cluster:
    """A running mock cluster of one broker. ``bootstrap`` is its address, ``keep`` what must stay alive."""

    def __init__(self, bootstrap: str, keep: object) -> None:
        self.bootstrap = bootstrap
        self._keep = keep


def start(topics: Mapping[str, int], port: int) -> Cluster:
    """A cluster with ``topics`` (name → partitions) on loopback at ``port``, 0 for any.

    Where librdkafka lacks a function, falls back to configuration alone, with a warning on stderr.
    Raises PortInUse, BrokerError.
    """
    for topic in topics:
        _refuse_illegal(topic)
    try:
        return _through_ctypes(topics, port)
    except Missing as error:
        if port:
            raise BrokerError(
                f"embedded Kafka on port {port}",
                f"a fixed port needs librdkafka's {error}, and {_UNKNOWN_TO_THIS_VERSION}",
                remedy="Leave the port out, or install the version named in the constraints file",
            ) from None
        sys.stderr.write(
            f"warning: embedded Kafka: librdkafka's {error} is missing; topics get its default number of "
            "partitions and group time-outs are long\n"
        )
        return _through_configuration(topics)


def _refuse_illegal(topic: str) -> None:
    """The mock cluster takes any name; Apache Kafka does not (org.apache.kafka.common.internals.Topic)."""
    if topic in {".", ".."} or not re.fullmatch(r"[a-zA-Z0-9._-]{1,249}", topic):
        raise BrokerError(
            f"topic {topic}",
            "this is no legal name for a Kafka topic",
            "at most 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-'",
            "Correct the channel's address in the AsyncAPI document",
        )


def _through_ctypes(topics: Mapping[str, int], port: int) -> Cluster:
    library = _library()
    listener = _listen(port)
    handle = _client(library)
    cluster = library.rd_kafka_mock_cluster_new(handle, 1)
    if not cluster:
        raise BrokerError("embedded Kafka", "librdkafka could not make its mock cluster")
    bootstrap = library.rd_kafka_mock_cluster_bootstraps(cluster).decode()
    with _Dribble(_port_of(bootstrap)):
        for setter, milliseconds in _GROUP_TIMES.items():
            _call(library, setter, cluster, milliseconds)
        # Its own choice is broker 0, which there is none of: who asks the controller (KafkaJS) gives up.
        _call(library, "rd_kafka_mock_set_controller_id", cluster, _BROKER_ID)
        for topic, partitions in topics.items():
            refused = library.rd_kafka_mock_topic_create(cluster, topic.encode(), max(1, partitions), 1)
            if refused:
                raise BrokerError(f"topic {topic}", f"embedded Kafka refuses it (librdkafka error {refused})")
        # Last: who waits at the port for the broker to return makes a topic by asking, of four partitions.
        if listener is not None:
            bootstrap = _move(library, cluster, listener, _port_of(bootstrap))
    return Cluster(bootstrap, (library, handle, cluster))


class _Dribble:
    """A request that arrives byte by byte, and wakes the mock's thread while that is given commands.

    It serves a command and then empties the pipe that woke it, also of the wake-up for a next command that
    came meanwhile, and then sleeps for up to a second (rd_kafka_mock_cluster_thread_main, librdkafka 2.16):
    with thirty topics every third start took seconds.
    """

    def __init__(self, port: int) -> None:
        self._connection = socket.create_connection((LOOPBACK, port))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._send, name="embedded-kafka-dribble", daemon=True)

    def __enter__(self) -> None:
        self._connection.sendall(struct.pack(">i", _DRIBBLE))
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._connection.close()

    def _send(self) -> None:
        with contextlib.suppress(OSError):  # it hung up: then we wait, as long as it sleeps
            for _ in range(_DRIBBLE - 1):
                if self._over.wait(_BETWEEN_BYTES):
                    return
                self._connection.sendall(b"\0")


def _library() -> Any:
    """librdkafka with the functions we need declared. Raises Missing."""
    from confluent_kafka import cimpl

    # The extension module's own handle: looking a symbol up in it also searches the libraries that it was
    # linked against, whatever the wheel calls them, and a librdkafka that was linked in statically.
    library = ctypes.CDLL(cimpl.__file__)
    for name, (result, arguments) in {**_NEEDED, **_WELCOME}.items():
        function = getattr(library, name, None)
        if function is None and name in _NEEDED:
            raise Missing(name)
        if function is not None:
            function.restype, function.argtypes = result, arguments
    return library


def _client(library: Any) -> Any:
    """The librdkafka client that a mock cluster hangs on; it never connects to anything."""
    trouble = ctypes.create_string_buffer(512)
    configuration = library.rd_kafka_conf_new()
    library.rd_kafka_conf_set(configuration, b"log_level", _ERRORS_ONLY, trouble, len(trouble))
    handle = library.rd_kafka_new(0, configuration, trouble, len(trouble))
    if not handle:
        raise BrokerError("embedded Kafka", f"librdkafka says: {trouble.value.decode(errors='replace')}")
    return handle


def _call(library: Any, name: str, *arguments: Any) -> None:
    function = getattr(library, name, None)
    if function is not None:
        function(*arguments)


def _listen(port: int) -> socket.socket | None:
    """A listening socket of our own: for the port we want, and for a longer queue than the mock's five."""
    try:
        listener = socket.create_server((LOOPBACK, port), backlog=_BACKLOG)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise BrokerError(f"{LOOPBACK}:{port}", f"cannot listen there: {error.strerror}") from None
        raise PortInUse(
            f"{LOOPBACK}:{port}",
            "the port is in use by another program",
            "a free port for the embedded Kafka broker",
            "Choose another port, or leave it out for a free one",
        ) from None
    # Whatever made the mock wake up for the old socket must not make it wait on the new one.
    listener.setblocking(False)
    return listener


def _move(library: Any, cluster: Any, listener: socket.socket, old_port: int) -> str:
    """Put our listener in the place of the mock's own (same descriptor) and advertise its port."""
    if not hasattr(library, "rd_kafka_mock_broker_set_host_port"):
        raise Missing("rd_kafka_mock_broker_set_host_port")
    port = int(listener.getsockname()[1])
    os.dup2(listener.fileno(), _descriptor_listening_on(old_port), inheritable=False)
    listener.close()
    library.rd_kafka_mock_broker_set_host_port(cluster, _BROKER_ID, LOOPBACK.encode(), port)
    # The mock's thread still polls the old socket; any command wakes it up.
    _call(library, "rd_kafka_mock_broker_set_rtt", cluster, _BROKER_ID, 0)
    return f"{LOOPBACK}:{port}"


def _descriptor_listening_on(port: int) -> int:
    for descriptor in range(3, 1024):
        try:
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
            with socket.socket(fileno=os.dup(descriptor)) as found:
                if found.family == socket.AF_INET and found.getsockname()[1] == port and _listens(found):
                    return descriptor
        except OSError:
            continue
    raise Missing("listening socket")


def _listens(found: socket.socket) -> bool:
    return found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1


def _port_of(bootstrap: str) -> int:
    return int(bootstrap.rpartition(":")[2])


def _through_configuration(topics: Mapping[str, int]) -> Cluster:
    from confluent_kafka import Producer

    client = Producer({"test.mock.num.brokers": 1, "log_level": 3, "allow.auto.create.topics": True})
    brokers = client.list_topics(timeout=10.0).brokers.values()
    for topic in topics:
        client.list_topics(topic, timeout=10.0)
    return Cluster(",".join(f"{each.host}:{each.port}" for each in brokers), client)
