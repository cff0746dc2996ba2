"""The database engine: the one place that knows which database it is."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

from harness.errors import UsageError
from reference_services.platform.tables import metadata

BUSY = 10.0
"""Seconds that a writer waits for another process's transaction."""

_LOOK_AGAIN = 0.01


@dataclass(slots=True)
class Database:
    """An open database. ``reading`` and ``writing`` share a pool; ``writers`` admits one of us at a time."""

    reading: Engine
    writing: Engine
    writers: AbstractContextManager[Any]
    relay_lock: Path | None
    _folder: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False)

    def close(self) -> None:
        self.reading.dispose()
        if self._folder is not None:
            self._folder.cleanup()

    @contextmanager
    def relaying(self) -> Iterator[bool]:
        """Hold the right to publish this database's outbox; yields False where another process has it.

        A lock of the operating system, so that it falls with its holder, however that ends.
        """
        if self.relay_lock is None:
            yield True
            return
        handle = os.open(self.relay_lock, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
            else:
                yield True
        finally:
            os.close(handle)


def open_database(url: str | None) -> Database:
    """Open, and make the tables that are missing. None is a temporary file that goes with ``close``.

    ``url`` is SQLAlchemy's, e.g. ``sqlite:////var/lib/portal/scheduling.db``. Raises UsageError for one that
    cannot be used.
    """
    folder = tempfile.TemporaryDirectory(prefix="portal-") if url is None else None
    where = f"sqlite:///{folder.name}/service.db" if folder is not None else str(url)
    try:
        database = _sqlite(where, temporary=folder is not None)
        database._folder = folder
        metadata.create_all(database.writing)
    except Exception as error:
        if folder is not None:
            folder.cleanup()
        if isinstance(error, UsageError):
            raise
        raise UsageError(
            "the database URL",
            f"this database cannot be opened: {type(error).__name__}",
            "a SQLAlchemy URL such as sqlite:////path/to/service.db",
        ) from error
    return database


def _sqlite(url: str, temporary: bool) -> Database:
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise UsageError(
            "the database URL",
            f"{parsed.get_backend_name()} is not supported here",
            "a file: sqlite:////path/to/service.db",
        )
    engine = create_engine(
        url,
        pool_size=24,
        max_overflow=40,
        hide_parameters=True,  # an error's text goes into logs, and documents hold PHI
        connect_args={"check_same_thread": False, "timeout": BUSY, "cached_statements": 256},
    )
    # The process's end never loses a commit; only a power cut may, which a temporary file need not survive.
    synchronous = "OFF" if temporary else "FULL"

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None
        _keep_a_log(connection)
        for pragma in (f"synchronous={synchronous}", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes its lock at once: taken later, it may find the snapshot it read outdated.
        writes = connection.get_execution_options().get("portal_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return Database(
        reading=engine,
        writing=engine.execution_options(portal_write=True),
        writers=threading.Lock(),
        relay_lock=Path(f"{parsed.database}.relay"),
    )


def _keep_a_log(connection: Any) -> None:
    """Write-ahead logging. Only the first connection ever changes the file for it, and SQLite lets no other
    wait for that: it says at once that the file is locked, whatever the time-out."""
    deadline = time.monotonic() + BUSY
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_LOOK_AGAIN)
