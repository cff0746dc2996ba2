"""SQLite: one file a service."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL

from reference_services.platform.database import BUSY, Database, Ours

_LOOK_AGAIN = 0.01

_REMEMBERED = 64 * 1024
"""KiB of a database that a connection keeps in memory while it is given much; 2 MiB are usual."""


def opened(url: URL, *, temporary: bool) -> Database:
    """The file of that URL, made if it is not there."""
    engine = create_engine(
        url,
        pool_size=24,
        max_overflow=40,
        hide_parameters=True,  # an error's text goes into logs, and documents hold PHI
        connect_args={"check_same_thread": False, "timeout": float(BUSY), "cached_statements": 256},
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
        relay=partial(_relaying, Path(f"{url.database}.relay")),
        hasten=_remember,
    )


def _remember(connection: Connection) -> None:
    """Values come in no order, and indexes are written all over: what does not fit into memory is written
    again and again."""
    connection.exec_driver_sql(f"PRAGMA cache_size=-{_REMEMBERED}")


@contextmanager
def _relaying(lock: Path) -> Iterator[Ours]:
    """By a lock of the operating system."""
    handle = os.open(lock, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield lambda: False
        else:
            yield lambda: True
    finally:
        os.close(handle)


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
