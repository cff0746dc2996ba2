"""PostgreSQL: a database a service, or one for all with a schema each."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from harness.errors import UsageError
from reference_services.platform.database import BUSY, Database, Ours
from reference_services.platform.roles import make_schema

NAMES = ("postgresql", "postgres")

_SETTINGS = {
    "lock_timeout": f"{BUSY}s",
    # Whoever hangs in the middle of a transaction must not keep all others from writing for ever.
    "idle_in_transaction_session_timeout": "60s",
}
# A server has 100 connections unless told otherwise, and a portal has a dozen services.
_POOL = {"pool_size": 3, "max_overflow": 5, "pool_timeout": BUSY}
_CONNECT = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}


def opened(url: URL, schema: str | None) -> Database:
    """A pool of connections, which see ``schema`` alone, and have its role, where one is given.

    Raises UsageError where that schema cannot be made, or texts would be lost.
    """
    url = _ours(url)
    settings = dict(_SETTINGS)
    if schema is not None:
        with _engine(url, _SETTINGS, {"poolclass": NullPool}).connect() as connection, connection.begin():
            _lock(connection, "", "schemas")
            settings["role"] = make_schema(connection, schema)
        settings["search_path"] = schema
    engine = _engine(url, settings, _POOL)
    _check(engine)

    # One writer at a time, replicas included, as on SQLite. REPEATABLE READ or SERIALIZABLE would let several
    # work at once and undo those that meet: each caller would have to try again, a hold that everybody wants
    # very often, and rows would not be numbered as they are committed, so that a page could pass over what a
    # slower transaction with a lower number commits later. The lock comes before the transaction reads
    # anything, and READ COMMITTED then sees all that was committed before it was given.
    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("portal_write"):
            _lock(connection, schema or "", "writers")

    return Database(
        reading=engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True),
        writing=engine.execution_options(isolation_level="READ COMMITTED", portal_write=True),
        writers=threading.Lock(),
        relay=partial(_relaying, engine, schema or ""),
    )


def _check(engine: Engine) -> None:
    """Raises UsageError for a database that has no place for every text."""
    with engine.connect() as connection:
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        engine.dispose()
        raise UsageError(
            "the database URL",
            f"this database keeps texts in {encoding}",
            "a database in UTF8",
            "Make it with ENCODING 'UTF8' TEMPLATE template0",
        )


def _ours(url: URL) -> URL:
    """With the one driver that is installed, whichever the user names."""
    return url.set(drivername="postgresql+psycopg")


def _engine(url: URL, settings: Mapping[str, str], pool: Mapping[str, Any]) -> Engine:
    said = url.query.get("options", "")
    before = said if isinstance(said, str) else " ".join(said)
    ours = {name: value for name, value in _CONNECT.items() if name not in url.query}
    options = " ".join([before, *(f"-c {name}={value}" for name, value in settings.items())]).strip()
    return create_engine(
        url.difference_update_query(["options"]),
        hide_parameters=True,  # an error's text goes into logs, and documents hold PHI
        connect_args={**ours, "options": options, "application_name": "portal"},
        **pool,
    )


@contextmanager
def in_use(url: URL, *, alone: bool) -> Iterator[bool]:
    """Be one of those that work on this database, or the only one; yields False where others prevent that."""
    name = "pg_try_advisory_lock" if alone else "pg_try_advisory_lock_shared"
    engine = _engine(_ours(url), {}, {"poolclass": NullPool})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield bool(connection.exec_driver_sql(f"SELECT {name}({_key('', 'in use')})").scalar_one())


@contextmanager
def _relaying(engine: Engine, schema: str) -> Iterator[Ours]:
    """By a lock of the session of a connection that is used for nothing else, and closed at the end."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.detach()
        asked = f"SELECT pg_try_advisory_lock({_key(schema, 'relay')})"
        if not connection.exec_driver_sql(asked).scalar_one():
            yield lambda: False
            return

        def ours() -> bool:
            """A server that was started anew, say, knows of no lock."""
            try:
                connection.exec_driver_sql("SELECT 1")
            except DBAPIError:
                return False
            return True

        yield ours


def _lock(connection: Connection, schema: str, what: str) -> None:
    """Until the transaction's end. Such locks are each database's own."""
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_key(schema, what)})")


def _key(schema: str, what: str) -> int:
    named = hashlib.sha256(f"portal/{schema}/{what}".encode()).digest()
    return int.from_bytes(named[:8], "big", signed=True)
