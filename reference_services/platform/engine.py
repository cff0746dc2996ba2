"""Opens a database: SQLite's file, or PostgreSQL."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError

from harness.errors import HarnessError, UsageError
from reference_services.platform import migrations, postgres, sqlite
from reference_services.platform.database import Database
from reference_services.platform.roles import said

_WHERE = "the database URL"
_EXPECTED = "a URL such as sqlite:////path/to/service.db or postgresql://user@host/database"
_ONE_AT_A_TIME = threading.Lock()
"""Alembic keeps what it works on in its modules. Taken before the database's lock, which another of our
threads may hold."""


def open_database(url: str | None, schema: str | None = None) -> Database:
    """Open, and bring the tables to their newest form. None is a temporary file that goes with ``close``.

    ``url`` is SQLAlchemy's; ``schema`` is this service's part of a PostgreSQL that several services share.
    Raises UsageError for what cannot be used.
    """
    if url is None:
        return _temporary()
    with _usable():
        database = _opened(make_url(url), schema)
        try:
            _migrate(database)
        except BaseException:
            database.close()
            raise
    return database


def place_of(url: str | None, schema: str | None = None) -> str:
    """Where that database is, without user, password and options."""
    if url is None:
        return "its temporary database"
    parsed = make_url(url)
    port = f":{parsed.port}" if parsed.port else ""
    host = f"{parsed.host}{port}" if parsed.host else ""
    within = f" (schema {schema})" if schema else ""
    return f"{parsed.get_backend_name()}://{host}/{parsed.database}{within}"


@contextmanager
def in_use(url: str, *, alone: bool) -> Iterator[bool]:
    """Be one of the processes that work on this database, or the only one; False where others prevent that.

    Of a file nothing is known: ``--data`` has a lock for its folder. Raises UsageError.
    """
    with ExitStack() as stack:
        with _usable():
            parsed = make_url(url)
            ours = True
            if parsed.get_backend_name() in postgres.NAMES and parsed.database:
                ours = stack.enter_context(postgres.in_use(parsed, alone=alone))
        yield ours


@contextmanager
def _usable() -> Iterator[None]:
    """Raises UsageError for whatever the database, its driver or its URL refuses."""
    try:
        yield
    except HarnessError:
        raise
    except Exception as error:
        told = said(error) if isinstance(error, DBAPIError) else type(error).__name__
        raise UsageError(_WHERE, f"this database cannot be opened: {told}", _EXPECTED) from error


def _opened(url: URL, schema: str | None) -> Database:
    if url.get_backend_name() in postgres.NAMES and url.database:
        return postgres.opened(url, schema)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        found = f"{url.get_backend_name()} is not supported here" if url.database else "it names no database"
        raise UsageError(_WHERE, found, _EXPECTED)
    if schema is not None:
        raise UsageError(
            _WHERE, "SQLite has no schemas to share between services", "a PostgreSQL, or a file for each"
        )
    return sqlite.opened(url, temporary=False)


def _temporary() -> Database:
    folder = tempfile.TemporaryDirectory(prefix="portal-")
    try:
        database = sqlite.opened(make_url(f"sqlite:///{folder.name}/service.db"), temporary=True)
        database.folder = folder
        with database.writing.begin() as connection:
            migrations.make(connection)
    except BaseException:
        folder.cleanup()
        raise
    return database


def _migrate(database: Database) -> None:
    """Replicas that start at once wait for the first, as writers do; with nothing to do none waits."""
    with database.reading.connect() as connection:
        if migrations.is_newest(connection):
            return
    with _ONE_AT_A_TIME, database.writing.begin() as connection:
        migrations.migrate(connection)
