"""Scheduling's rules, on PostgreSQL: the same tests as in ``tests/services``."""

from __future__ import annotations

import pytest

from tests.services import test_scheduling

pytestmark = pytest.mark.postgres

RULES = {name: each for name, each in vars(test_scheduling).items() if name.startswith("test_")}
globals().update(RULES)


def test_there_are_rules() -> None:
    assert len(RULES) > 10
