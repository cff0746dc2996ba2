"""Calls of other services that handlers asked for: kept with the change that they belong to, made after it.

As with the outbox, nothing is lost by a crash, and what was made may be made again. A call leaves when it was
taken, when it was refused for good, or when it has waited too long. What is in it is never logged.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson
from sqlalchemy import bindparam, delete, insert, select, update

from harness.contract.model import JSON
from harness.serving.emitting import Cause
from reference_services.platform import tables
from reference_services.platform.store import Store, Transaction
from reference_services.platform.values import instant

LOG = logging.getLogger(__name__)

WAITS = timedelta(minutes=15)
"""How long a call is tried."""

LEASE = timedelta(seconds=60)
"""How long who has begun a call is left alone with it; after a crash another makes it then."""

LARGEST = 1024 * 1024
"""Bytes of a body: what services take of each other."""

_C = tables.calls.c
_INSERT = insert(tables.calls)
_FIRST = select(_C.seq, _C.due).order_by(_C.due, _C.seq).limit(1)
_SAME = (_C.seq == bindparam("at"), _C.due == bindparam("was"))
_CLAIM = update(tables.calls).where(*_SAME).values(due=bindparam("until"), attempts=_C.attempts + 1)
_READ = select(tables.calls).where(_C.seq == bindparam("at"))
_DELETE = delete(tables.calls).where(_C.seq == bindparam("at"))
_AGAIN = update(tables.calls).where(*_SAME).values(due=bindparam("until"))


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is this process's to make, for as long as the lease lasts. ``since``: when it was asked
    for; ``attempts`` counts this one."""

    seq: int
    service: str
    operation: str
    path: Mapping[str, str]
    body: bytes
    correlation: str
    traceparent: str
    attempts: int
    since: datetime
    claimed: str


def lay(
    transaction: Transaction, service: str, operation: str, path: Mapping[str, str], body: JSON, cause: Cause
) -> None:
    """Keep a call until it is made."""
    written = orjson.dumps(body)
    if len(written) > LARGEST:
        LOG.error(
            "%s of %s is not called: what it would be given has more than %d bytes",
            operation,
            service,
            LARGEST,
        )
        return
    transaction.must_write()
    now = instant(datetime.now(UTC))
    row = {
        "service": service,
        "operation": operation,
        "path": orjson.dumps(path).decode(),
        "body": written,
        "correlation": cause.correlation,
        "traceparent": cause.traceparent,
        "attempts": 0,
        "since": now,
        "due": now,
    }
    transaction.connection.execute(_INSERT, row)
    transaction.wake("calls")


def first_due(store: Store) -> datetime | None:
    """When the next call is to be made; None if there is none."""
    with store.transaction(write=False) as transaction:
        found = transaction.connection.execute(_FIRST).one_or_none()
    return None if found is None else datetime.fromisoformat(found.due)


def claim(store: Store) -> Call | None:
    """The first call that is due, for us alone; None if there is none any more."""
    now = datetime.now(UTC)
    with store.transaction(write=True) as transaction:
        connection = transaction.connection
        first = connection.execute(_FIRST).one_or_none()
        if first is None or first.due > instant(now):
            return None
        until = instant(now + LEASE)
        connection.execute(_CLAIM, {"at": first.seq, "was": first.due, "until": until})
        row = connection.execute(_READ, {"at": first.seq}).one()
    since = datetime.fromisoformat(row.since)
    return Call(
        row.seq,
        row.service,
        row.operation,
        orjson.loads(row.path),
        row.body,
        row.correlation,
        row.traceparent,
        row.attempts,
        since,
        claimed=row.due,
    )


def done(store: Store, call: Call) -> None:
    """It is not made any more."""
    with store.transaction(write=True) as transaction:
        transaction.connection.execute(_DELETE, {"at": call.seq})


def again(store: Store, call: Call, seconds: float) -> None:
    """Make it once more, so long from now; unless our lease was over, and somebody else has it."""
    until = instant(datetime.now(UTC) + timedelta(seconds=seconds))
    with store.transaction(write=True) as transaction:
        transaction.connection.execute(_AGAIN, {"at": call.seq, "was": call.claimed, "until": until})
