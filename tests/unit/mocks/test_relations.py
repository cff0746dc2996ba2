"""A mock's memory of who stands in which relation to whom: the last word, and no more than so many."""

from __future__ import annotations

import pytest

from harness.serving.relations import Told
from mocks import relations
from mocks.relations import Relations


def _told(thing: str, holds: bool, subject: str = "pat-1") -> Told:
    return Told(thing, "granted", "rel-1", subject, holds)


def test_the_last_word_on_a_grant_counts() -> None:
    known = Relations()
    assert known("granted", "rel-1", "pat-1")
    known.note("grantChanged", _told("prx-1", False))
    assert not known("granted", "rel-1", "pat-1")
    assert known("granted", "rel-1", "pat-2")
    known.note("grantChanged", _told("prx-2", True))
    assert known("granted", "rel-1", "pat-1")
    known.clear()
    assert known("granted", "rel-1", "pat-1")


def test_a_grant_that_passes_to_somebody_else_says_nothing_of_the_first_any_more() -> None:
    known = Relations()
    known.note("grantChanged", _told("prx-1", False))
    known.note("grantChanged", _told("prx-1", False, "pat-2"))
    assert known("granted", "rel-1", "pat-1")
    assert not known("granted", "rel-1", "pat-2")


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relations, "REMEMBERED", 3)
    known = Relations()
    for number in range(10):
        known.note("grantChanged", _told(f"prx-{number}", False, f"pat-{number}"))
    assert [number for number in range(10) if not known("granted", "rel-1", f"pat-{number}")] == [7, 8, 9]
