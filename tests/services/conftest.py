"""Services that all tests of this folder share; each test begins with a fresh seed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.contract import load_system
from tests.services.portal import Portal, running


@pytest.fixture(scope="session")
def whole_portal(contracts: Path) -> Iterator[Portal]:
    with running(contracts, *load_system(contracts).contracts) as portal:
        yield portal


@pytest.fixture
def portal(whole_portal: Portal) -> Portal:
    """All services on one broker, freshly seeded."""
    whole_portal.reset()
    return whole_portal


@pytest.fixture(scope="session")
def whole_scheduling(contracts: Path) -> Iterator[Portal]:
    with running(contracts, "scheduling") as portal:
        yield portal


@pytest.fixture
def scheduling(whole_scheduling: Portal) -> Portal:
    """Scheduling alone, freshly seeded: nobody answers it but the test."""
    whole_scheduling.reset()
    return whole_scheduling
