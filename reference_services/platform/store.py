"""The store: transactions over the platform's tables, and what is done after a commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree

from harness.serving.problems import Problem
from reference_services.platform.database import Database
from reference_services.platform.engine import open_database, place_of


class Transaction:
    """An open transaction. ``woken`` collects whom to tell once it is committed, and since when."""

    __slots__ = ("connection", "woken", "writes")

    def __init__(self, connection: Connection, writes: bool) -> None:
        self.connection = connection
        self.writes = writes
        self.woken: dict[str, str] = {}

    def wake(self, what: str, since: str = "") -> None:
        """Tell the listener of ``what`` after the commit; ``since`` is the least of all that were said."""
        self.woken[what] = min(since, self.woken.get(what, since))

    def must_write(self) -> None:
        """Raises WriteWanted if this one was opened to read."""
        if not self.writes:
            raise WriteWanted


class WriteWanted(Exception):
    """Something writes in a transaction that was opened to read: it is run again, to write."""


class Conflict(Exception):
    """Somebody else changed the same thing meanwhile: the transaction is run again."""


class Store:
    """One service's database, by its URL (None: a temporary file) and schema; opened by ``open``.

    Threads share it; each transaction has a connection of its own.
    """

    def __init__(self, url: str | None, schema: str | None = None) -> None:
        self._url, self._schema = url, schema
        self._database: Database | None = None
        self._listeners: dict[str, Callable[[str], None]] = {}

    def open(self) -> None:
        """Open it and migrate its tables. Raises UsageError."""
        if self._database is None:
            self._database = open_database(self._url, self._schema)

    def close(self) -> None:
        database, self._database = self._database, None
        if database is not None:
            database.close()

    @property
    def place(self) -> str:
        """Where it is, for people: without user, password and options."""
        return place_of(self._url, self._schema)

    @property
    def database(self) -> Database:
        if self._database is None:
            raise Problem(503, detail="The service is not running.", headers={"Retry-After": "1"})
        return self._database

    def on_commit(self, what: str, listener: Callable[[str], None]) -> None:
        """Call ``listener`` after every commit that woke ``what`` (``outbox``, ``timers``)."""
        self._listeners[what] = listener

    @contextmanager
    def transaction(self, write: bool) -> Iterator[Transaction]:
        """Commits at the end, rolls back if anything is raised; writers of one process wait in line.

        Raises Problem 503 if the database stays locked by another process, or cannot be reached.
        """
        database = self.database
        with database.writers if write else nullcontext():
            try:
                with (database.writing if write else database.reading).connect() as connection:
                    transaction = Transaction(connection, write)
                    with connection.begin():
                        yield transaction
            except (DBAPIError, NoneFree) as error:
                if not _passes(error):
                    raise
                raise Problem(
                    503, detail="The store is busy. Try again later.", headers={"Retry-After": "1"}
                ) from error
        for what, since in transaction.woken.items():
            if listener := self._listeners.get(what):
                listener(since)


def _passes(error: DBAPIError | NoneFree) -> bool:
    """Whether the database is busy or away, as against asked for something that it will never do."""
    lasting = isinstance(error, DBAPIError) and not isinstance(error, OperationalError | InterfaceError)
    return not lasting or bool(getattr(error, "connection_invalidated", False))
