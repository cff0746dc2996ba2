"""How every client of ours is set up: what it connects to, how it reconnects, where its messages go."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from confluent_kafka import KafkaError
    from confluent_kafka.admin import AdminClient

    from harness.kafka.broker import Broker
    from harness.kafka.security import Security

_SAME_AGAIN = 10.0
_SAID_MOST = 500


class _Thinned(logging.Filter):
    """Lets a line through once in ten seconds: in an outage librdkafka repeats itself ten times a second."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        line = re.sub(r"\d+", "#", record.getMessage())
        now = time.monotonic()
        if now - self._said.get(line, -_SAME_AGAIN) < _SAME_AGAIN:
            return False
        if len(self._said) >= _SAID_MOST:
            self._said.clear()
        self._said[line] = now
        return True


LOG = logging.getLogger("harness.kafka")
"""Where librdkafka's own messages go; it never sees keys, headers or values."""
LOG.addHandler(logging.NullHandler())  # without one, logging writes warnings to stderr by itself
LOG.addFilter(_Thinned())


class Reachable(Protocol):
    """Where a cluster is and how it is secured: a ``Broker``, or what is about to be found to be one."""

    @property
    def bootstrap(self) -> str: ...

    @property
    def security(self) -> Security: ...


def settings(cluster: Reachable, **more: Any) -> dict[str, Any]:
    """librdkafka settings that every client of ours shares, with ``more`` (dots written as underscores).

    Pass the result to a client together with ``logger=LOG``. Never show it: passwords may be in it.
    """
    shared = {
        **dict(cluster.security.settings),
        "bootstrap.servers": cluster.bootstrap,
        "client.id": "portal",
        "broker.address.family": "any",
        "reconnect.backoff.ms": 100,
        "reconnect.backoff.max.ms": 1000,
        "socket.nagle.disable": True,
        "topic.metadata.refresh.sparse": True,
        "log.connection.close": False,
    }
    return shared | {name.replace("_", "."): value for name, value in more.items()}


def reading_settings(broker: Broker, **more: Any) -> dict[str, Any]:
    """``settings`` for a consumer that commits by itself.

    A real broker answers a fetch as soon as there is something. The embedded one, finding nothing, always
    sleeps the whole wait, so it is made short there.
    """
    wait = 500 if broker.capabilities.durable else 10
    return settings(
        broker,
        enable_auto_commit=False,
        allow_auto_create_topics=False,
        fetch_wait_max_ms=wait,
        **more,
    )


def admin_client(cluster: Reachable, on_error: Callable[[KafkaError], None] | None = None) -> AdminClient:
    """An admin client that logs to ``LOG``; it connects on first use.

    ``on_error`` is told, in its ``poll``, what librdkafka complains of.
    """
    from confluent_kafka.admin import AdminClient

    configuration = settings(cluster)
    if on_error is not None:
        configuration["error_cb"] = on_error
    return AdminClient(configuration, logger=LOG)


def left(deadline: float) -> float:
    """Seconds until ``deadline`` (monotonic), never less than a hundredth."""
    return max(0.01, deadline - time.monotonic())


def reason(error: BaseException) -> str:
    """What librdkafka says in an exception, as a phrase."""
    told: Any = error.args[0] if error.args else None
    return str(told.str()) if hasattr(told, "str") else (str(error) or "no answer in time")
