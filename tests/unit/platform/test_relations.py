"""What is kept of relations that messages tell of, and what holds by it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.serving.relations import Told
from reference_services.platform.relations import Relations, note, resettle
from reference_services.platform.store import Store

NEPHEW, AUNT, HERSELF = "rel-1", "pat-1", "pat-2"


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store(None)
    opened.open()
    yield opened
    opened.close()


def _known(store: Store, *, current: bool = True) -> Relations:
    return Relations(store, frozenset({"granted"}), lambda: current)


def _told(store: Store, thing: str, holds: bool, subject: str = AUNT) -> None:
    with store.transaction(write=True) as transaction:
        note(transaction, "grantChanged", Told(thing, "granted", NEPHEW, subject, holds))


def test_of_what_nothing_was_told_the_token_speaks(store: Store) -> None:
    assert _known(store)("granted", NEPHEW, AUNT)


def test_the_last_word_on_a_grant_counts(store: Store) -> None:
    for holds in (True, False, True, False):
        _told(store, "prx-1", holds)
        assert _known(store)("granted", NEPHEW, AUNT) is holds
    assert _known(store)("granted", NEPHEW, HERSELF)
    assert _known(store)("granted", "rel-2", AUNT)


def test_one_grant_that_holds_is_enough(store: Store) -> None:
    _told(store, "prx-1", True)
    _told(store, "prx-2", False)
    assert _known(store)("granted", NEPHEW, AUNT)
    _told(store, "prx-1", False)
    assert not _known(store)("granted", NEPHEW, AUNT)


def test_what_cannot_be_known_does_not_hold(store: Store) -> None:
    _told(store, "prx-1", True)
    assert not _known(store, current=False)("granted", NEPHEW, AUNT)
    assert _known(store, current=False)("treating", NEPHEW, AUNT), "no message tells of it"


def test_a_merged_patients_revoked_proxy_stays_revoked(store: Store) -> None:
    _told(store, "prx-1", False)
    with store.transaction(write=True) as transaction:
        resettle(transaction, AUNT, HERSELF)
    assert not _known(store)("granted", NEPHEW, HERSELF)
    with store.transaction(write=True) as transaction:
        resettle(transaction, NEPHEW, "rel-3")
    assert not _known(store)("granted", "rel-3", HERSELF)
