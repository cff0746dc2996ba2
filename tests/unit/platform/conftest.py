"""A desk that runs without Kafka: its events stay in the outbox, where tests read them.

Everything here is tried on SQLite and on PostgreSQL (``-m postgres``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.postgres.server import Server, text_of
from tests.unit.platform import desk as desks
from tests.unit.platform.desk import Desk, running


@pytest.fixture(autouse=True, params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Callable[[], str]]:
    """Makes databases that outlive a service; a desk that is given none has one of the same kind."""
    if request.param == "sqlite":
        yield lambda: f"sqlite:///{tmp_path}/desk.db"
        return
    server: Server = request.getfixturevalue("postgres")
    with ExitStack() as open_until_the_end:

        def make() -> str:
            return text_of(open_until_the_end.enter_context(server.database()))

        monkeypatch.setattr(desks, "fresh", make)
        yield make


@pytest.fixture
def url(database: Callable[[], str]) -> str:
    """A database that outlives the services on it."""
    return database()


@pytest.fixture
def desk() -> Iterator[Desk]:
    with running(Desk()) as started:
        yield started
