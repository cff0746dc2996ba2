"""Platforms with one thing wrong each, so that the judge of the kills can be seen to notice."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import delete

from reference_services.platform import endpoint, inbox, outbox, tables
from tests.kills.happened import TOPICS


def mark_before_publishing() -> None:
    """The relay takes rows out of the outbox before they are on their topic.

    Those of topics that nobody watches it leaves till afterwards: to lose only such shows nothing."""
    confirmed = outbox.Relay._confirmed

    def publish_batch(relay: Any, publisher: Any) -> int:
        with relay._store.transaction(write=False) as transaction:
            rows = transaction.connection.execute(outbox._WAITING).all()
        watched = [row for row in rows if row.topic in TOPICS]
        if watched:
            confirmed(relay, watched)
        for row in rows:
            publisher.send(row.topic, row.key, outbox._headers(row), row.value)
        publisher.flush(outbox.PATIENCE)
        with relay._store.transaction(write=True) as transaction:
            sent = [row.seq for row in rows]
            transaction.connection.execute(delete(tables.outbox).where(tables.outbox.c.seq.in_(sent)))
        return len(rows)

    outbox.Relay.publish_batch = publish_batch  # type: ignore[assignment, method-assign]


def forget_messages() -> None:
    """The inbox knows nothing of what it took in."""
    inbox._seen = lambda *_: False
    note = inbox.Taker._note

    def as_another(taker: Any, transaction: Any, operation: str, event: str, outcome: str) -> None:
        note(taker, transaction, operation, f"{event}/{uuid.uuid4()}", outcome)

    inbox.Taker._note = as_another  # type: ignore[assignment, method-assign]


def forget_keys() -> None:
    """No Idempotency-Key is remembered."""
    endpoint.recall = lambda *_: None  # type: ignore[attr-defined]
    endpoint.remember = lambda *_: None  # type: ignore[attr-defined]


def commit_before_effect() -> None:
    """The consumer commits its offset, then handles the record."""
    from harness.kafka.consuming import Consumption

    handle = Consumption._try

    def commit_first(member: Any, consumer: Any, record: Any, attempt: int) -> None:
        from confluent_kafka import TopicPartition

        consumer.commit(
            offsets=[TopicPartition(record.topic, record.partition, record.offset + 1)], asynchronous=False
        )
        handle(member, consumer, record, attempt)

    Consumption._try = commit_first  # type: ignore[assignment, method-assign]


FAULTS: Mapping[str, Callable[[], None]] = {
    "marks before it publishes": mark_before_publishing,
    "forgets messages": forget_messages,
    "forgets keys": forget_keys,
    "commits before the effect": commit_before_effect,
}
