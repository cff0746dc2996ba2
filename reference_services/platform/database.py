"""An open database, whichever it is: what the store and the relay need of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine

BUSY = 10
"""Seconds that a writer waits for another process's transaction."""

Ours = Callable[[], bool]
"""Whether a right is ours, and still is: what it stands on may have been lost since."""


@dataclass(slots=True)
class Database:
    """``reading`` and ``writing`` share a pool; ``writers`` admits one of us at a time.

    Over all processes there is one writer at a time. A writer finds what it has read unchanged until it ends,
    and rows are numbered in the order in which they were committed: pages and the relay walk in it.
    ``hasten`` makes a connection ready to be given much at once.
    """

    reading: Engine
    writing: Engine
    writers: AbstractContextManager[Any]
    relay: Callable[[], AbstractContextManager[Ours]]
    hasten: Callable[[Connection], None] = lambda _: None
    folder: tempfile.TemporaryDirectory[str] | None = field(default=None, repr=False)

    def close(self) -> None:
        self.reading.dispose()
        if self.folder is not None:
            self.folder.cleanup()

    def relaying(self) -> AbstractContextManager[Ours]:
        """Hold the right to publish this database's outbox, if no other process has it.

        It falls with its holder, however that ends.
        """
        return self.relay()
