"""Pact for these tests: without its usage statistics, and kept out of the console."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def quiet_pact() -> Iterator[None]:
    """Pact reports its use to a statistics service unless it is told not to."""
    os.environ["PACT_DO_NOT_TRACK"] = "true"
    logger, level = logging.getLogger("pact"), logging.getLogger("pact").level
    logger.setLevel(logging.WARNING)
    yield
    logger.setLevel(level)
