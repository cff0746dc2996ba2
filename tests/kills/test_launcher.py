"""How a life ended is told truly, however many threads keep lives."""

from __future__ import annotations

import importlib
import os
import threading
from collections import Counter

import pytest

from tests.kills.launcher import Living, nursery
from tests.kills.points import PLACES, Place

KEEPERS, LIVES = 3, 60
CODE = 3


def end() -> None:
    """What a short life does."""
    os._exit(CODE)


def test_each_keeper_hears_how_its_own_life_ended() -> None:
    told: list[int | None] = []

    def keep() -> None:
        for _ in range(LIVES):
            life = Living(nursery().Process(target=end, daemon=True))
            while life.is_alive():
                life.join(0.01)
            told.append(life.exitcode)

    keepers = [threading.Thread(target=keep) for _ in range(KEEPERS)]
    for each in keepers:
        each.start()
    for each in keepers:
        each.join()
    assert Counter(told) == {CODE: KEEPERS * LIVES}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_every_place_to_die_at_is_there(place: Place) -> None:
    module, _, inside = place.owner.partition(":")
    owner = importlib.import_module(module)
    assert callable(getattr(getattr(owner, inside) if inside else owner, place.function, None))
