"""Node with the service's packages, and a Kafka that both teams reach."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.portal import running
from tests.foreign_provider.team import Unavailable, installed


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The other team's folder, packages installed. Where Node or npm is missing, this fails."""
    if not os.environ.get("PORTAL_REQUIRE_NODE"):
        pytest.skip("takes minutes, and Node 20 and npm: PORTAL_REQUIRE_NODE=1 runs it")
    try:
        return installed(tmp_path_factory.mktemp("foreign"))
    except Unavailable as reason:
        pytest.fail(f"PORTAL_REQUIRE_NODE is set, but {reason}")


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[str]:
    """The address of an embedded broker with the contracts' topics, in a process of its own."""
    with running(["kafka", "--port", "0"], tmp_path) as (_, ready):
        yield ready["kafka"]
