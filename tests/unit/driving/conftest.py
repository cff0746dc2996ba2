"""The tickets contract, read once."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.contract import load
from harness.contract.model import Contract

TICKETS = Path(__file__).parents[1] / "checks" / "tickets"


@pytest.fixture(scope="session")
def tickets() -> Contract:
    return load(TICKETS)
