"""A desk that runs without Kafka: its events stay in the outbox, where tests read them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.platform.desk import Desk, running


@pytest.fixture
def desk() -> Iterator[Desk]:
    with running(Desk()) as started:
        yield started
