"""Every attack on a running reference service and on a running mock: survived, and nobody else noticed."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.hostile.attack import Attack
from tests.hostile.defender import KINDS, Kind
from tests.hostile.registry import ATTACKS
from tests.hostile.siege import Siege, laying_siege

STEADY = 512
"""MiB that a service may hold when all is over."""

WAITING_FIRST = sorted(ATTACKS, key=lambda attack: not attack.waits)


@pytest.fixture(scope="module")
def siege() -> Iterator[Siege]:
    with laying_siege(KINDS) as laid:
        yield laid


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("attack", WAITING_FIRST, ids=lambda attack: attack.name)
def test_it_is_survived(siege: Siege, kind: Kind, attack: Attack) -> None:
    outcome = siege.outcome(kind, attack)
    if outcome.skipped and "CI" not in os.environ:
        pytest.skip(outcome.skipped)
    assert not outcome.skipped
    assert outcome.faults == []


@pytest.mark.parametrize("kind", KINDS)
def test_afterwards_it_works_as_before(siege: Siege, kind: Kind) -> None:
    defender = siege.defender(kind)
    assert defender.acts_on_a_good_message()
    assert defender.child.alive
    assert "Traceback" not in defender.written()


def test_every_attack_has_a_name_of_its_own() -> None:
    names = [attack.name for attack in ATTACKS]
    assert len(set(names)) == len(names)
