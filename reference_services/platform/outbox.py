"""The relay: publishes the outbox in order, and takes a row out when the broker has confirmed it.

A crash between the two publishes the row again, with the same ``ce_id``. One relay a database at a time.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import orjson
from sqlalchemy import delete, select

from harness.errors import BrokerError, RecordTooLarge
from harness.kafka.broker import Broker
from harness.kafka.dead_letters import Headers, is_letter, lighter
from harness.kafka.wire import Publisher
from harness.serving.outages import Outage
from harness.serving.spans import belongs_to, sent_on, spans_of
from reference_services.platform import tables
from reference_services.platform.database import Ours
from reference_services.platform.failures import why
from reference_services.platform.store import Store

LOG = logging.getLogger(__name__)

BATCH = 500
PATIENCE = 3.0
"""Seconds that the broker gets to confirm a batch before it is sent again."""

_IDLE = 1.0
_BACKOFF_FIRST, _BACKOFF_LONGEST = 0.1, 5.0

_O = tables.outbox.c
# By row, over all keys: within a key that is the order in which the changes were committed.
_WAITING = select(_O.seq, _O.topic, _O.key, _O.headers, _O.value).order_by(_O.seq).limit(BATCH)


class Relay:
    """Publishes on a thread of its own, woken by every commit that left something in the outbox."""

    def __init__(self, service: str, store: Store, broker: Broker) -> None:
        self._service, self._store, self._broker = service, store, broker
        self._spans = spans_of(service)
        self._outage, self._brokers = Outage(LOG), Outage(LOG)
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        store.on_commit("outbox", lambda _: self._wake.set())

    def start(self) -> None:
        self._ending.clear()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Publish what is there, if the broker takes it at once, and end."""
        self._ending.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        belongs_to(self._service)
        while not self._ending.is_set():
            try:
                with self._store.database.relaying() as ours:
                    self._read_again()
                    if ours():
                        self._relay(ours)
            except Exception as error:  # no more open files, say: events must not wait for a restart
                self._unread(error, _IDLE)
            self._ending.wait(_IDLE)

    def _relay(self, ours: Ours) -> None:
        """Until the end, or until the right to publish is lost."""
        backoff = _BACKOFF_FIRST
        publisher = Publisher(self._broker)
        try:
            while True:
                self._wake.clear()
                try:
                    while (held := ours()) and self.publish_batch(publisher):
                        backoff = _BACKOFF_FIRST
                        self._brokers.over(f"{self._service}: events are published again")
                    if held:
                        self._read_again()
                except BrokerError as error:
                    self._brokers.failed(
                        f"{self._service}: events wait: {why(error)}; tried again within 5 s", error
                    )
                    if self._ending.wait(backoff):
                        return
                    backoff = min(backoff * 2, _BACKOFF_LONGEST)
                    continue
                except Exception as error:
                    self._unread(error, _BACKOFF_LONGEST)
                    if self._ending.wait(_BACKOFF_LONGEST):
                        return
                    continue
                if self._ending.is_set() or not held:
                    return
                self._wake.wait(_IDLE)
        finally:
            self._close(publisher)

    def _unread(self, error: Exception, retry: float) -> None:
        self._outage.failed(
            f"{self._service}: events wait, for the outbox in {self._store.place} cannot be read: "
            f"{why(error)}; tried again every {retry:g} s",
            error,
        )

    def _read_again(self) -> None:
        self._outage.over(f"{self._service}: the outbox can be read again")

    def publish_batch(self, publisher: Publisher) -> int:
        """Publish what waits, at most ``BATCH``; returns how many. Raises BrokerError, and then keeps all."""
        with self._store.transaction(write=False) as transaction:
            rows = transaction.connection.execute(_WAITING).all()
        if not rows:
            return 0
        try:
            self._publish(publisher, rows)
        except RecordTooLarge:
            for row in rows:  # one of them; some may be sent twice, under their own ce_id
                self._publish_alone(publisher, row)
        return len(rows)

    def _publish(self, publisher: Publisher, rows: Sequence[Any]) -> None:
        with ExitStack() as sent:
            for row in rows:
                headers = _headers(row)
                span = sent.enter_context(self._spans.publishing(row.topic, headers))
                publisher.send(row.topic, row.key, sent_on(span, headers), row.value)
            publisher.flush(PATIENCE)
        self._confirmed(rows)

    def _publish_alone(self, publisher: Publisher, row: Any) -> None:
        """What is larger than Kafka takes must not hold up all that comes after it."""
        try:
            self._publish(publisher, [row])
            return
        except RecordTooLarge as error:
            headers = _headers(row)
            if not is_letter(headers):
                LOG.error("an event is dropped, for no broker takes it: %s", error)
            else:
                key, headers = lighter(row.key, headers)
                publisher.send(row.topic, key, headers, None)
                publisher.flush(PATIENCE)
        self._confirmed([row])

    def _confirmed(self, rows: Sequence[Any]) -> None:
        with self._store.transaction(write=True) as transaction:
            transaction.connection.execute(delete(tables.outbox).where(_O.seq.in_([row.seq for row in rows])))

    def _close(self, publisher: Publisher) -> None:
        try:
            publisher.close(1.0)
        except BrokerError as error:
            LOG.warning("events wait for the next start: %s", error)


def _headers(row: Any) -> Headers:
    return tuple((name, content.encode("latin-1")) for name, content in orjson.loads(row.headers))
