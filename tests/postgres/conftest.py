"""Services on PostgreSQL: a server, databases of its own for each test, and a portal that is shared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres.server import Server, text_of
from tests.services.portal import Portal, running


@pytest.fixture
def url(postgres: Server) -> Iterator[str]:
    """A database for one test."""
    with postgres.database() as made:
        yield text_of(made)


@pytest.fixture(scope="session")
def whole_portal(contracts: Path, postgres: Server) -> Iterator[Portal]:
    with (
        postgres.database() as made,
        running(contracts, "scheduling", "coverage", databases=text_of(made)) as portal,
    ):
        yield portal


@pytest.fixture
def portal(whole_portal: Portal) -> Portal:
    """Scheduling and coverage in one database, on one broker, freshly seeded."""
    whole_portal.reset()
    return whole_portal
