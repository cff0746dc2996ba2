"""Idempotency keys: what was answered to a key is kept in the transaction of its effect, and answered again.

Source: draft-ietf-httpapi-idempotency-key-header, sections 2.5 to 2.7.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import orjson
from sqlalchemy import bindparam, delete, insert, select
from sqlalchemy.exc import IntegrityError

from harness.serving.claims import Claim, used_for_another
from harness.serving.exchange import Answer
from harness.serving.problems import Problem
from reference_services.platform import tables
from reference_services.platform.store import Conflict, Transaction
from reference_services.platform.values import instant

KEPT = timedelta(hours=24)

_I = tables.idempotency.c
_FIND = select(_I.digest, _I.status, _I.headers, _I.content_type, _I.body).where(
    _I.operation == bindparam("operation"), _I.caller == bindparam("caller"), _I.key == bindparam("key")
)
_KEEP = insert(tables.idempotency)
_EXPIRE = delete(tables.idempotency).where(_I.at < bindparam("before"))


class InProgress:
    """The keys that this process is working on right now."""

    def __init__(self) -> None:
        self._claims: set[tuple[str, str, str]] = set()
        self._lock = threading.Lock()

    @contextmanager
    def held(self, claim: Claim | None) -> Iterator[None]:
        """Raises Problem 409 while another request with the same key is being worked on."""
        if claim is None:
            yield
            return
        name = (claim.operation, claim.caller, claim.key)
        with self._lock:
            if name in self._claims:
                raise Problem(
                    409,
                    detail="A request with this Idempotency-Key is still being worked on.",
                    headers={"Retry-After": "1"},
                )
            self._claims.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._claims.discard(name)


def recall(transaction: Transaction, claim: Claim) -> Answer | None:
    """What was answered to this key before. Raises Problem 422 if another request was."""
    found = transaction.connection.execute(
        _FIND, {"operation": claim.operation, "caller": claim.caller, "key": claim.key}
    ).one_or_none()
    if found is None:
        return None
    if found.digest != claim.digest:
        raise used_for_another()
    body = orjson.loads(found.body) if found.body is not None else None
    return Answer(found.status, body, orjson.loads(found.headers), found.content_type)


def remember(transaction: Transaction, claim: Claim, answer: Answer, now: datetime) -> None:
    """Keep a success for 24 hours of the service's time. Raises Conflict if another process was first."""
    if isinstance(answer.body, bytes) or answer.status >= 300:
        return
    row = {
        "operation": claim.operation,
        "caller": claim.caller,
        "key": claim.key,
        "digest": claim.digest,
        "status": answer.status,
        "headers": orjson.dumps(dict(answer.headers)).decode(),
        "content_type": answer.content_type,
        "body": None if answer.body is None else orjson.dumps(answer.body),
        "at": instant(now),
    }
    transaction.connection.execute(_EXPIRE, {"before": instant(now - KEPT)})
    try:
        transaction.connection.execute(_KEEP, row)
    except IntegrityError as error:
        raise Conflict from error
