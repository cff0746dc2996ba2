"""What a state holds: bounds, copies that do not see one another, sessions that are forgotten."""

from __future__ import annotations

import pytest

from harness.contract import load
from harness.serving.problems import Problem
from mocks import sessions, things
from mocks.resources import resources_of
from mocks.seeding import Seeds
from mocks.sessions import Sessions
from mocks.things import State, Thing
from tests.unit.mocks.running import LIBRARY


def thing(key: str, **document: object) -> Thing:
    return Thing("Book", key, {"id": key, **document})


def first(kind: str) -> dict[str, Thing]:
    return {"seed": Thing(kind, "seed", {"id": "seed"})}


def test_the_oldest_goes_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(things, "MOST_THINGS", 3)
    state = State(first=first)
    for number in range(5):
        state.put(thing(f"b{number}"))
    assert [each.key for each in state.all("Book")] == ["seed", "b2", "b3", "b4"], (
        "what was there first stays"
    )
    state.put(thing("b2", title="changed"))
    state.put(thing("b5"))
    assert [each.key for each in state.all("Book")] == ["seed", "b3", "b4", "b5"], "by when it came"


def test_the_oldest_go_when_all_are_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(things, "MOST_BYTES", 800)
    state = State()
    for number in range(4):
        state.put(thing(f"b{number}", text="x" * 300))
    assert len(state.all("Book")) == 2
    assert state.bytes <= 800
    with pytest.raises(Problem) as refused:
        state.put(thing("huge", text="x" * 2000))
    assert refused.value.status == 507
    state.put(thing("b3", text=""))
    state.put(thing("b4", text="x" * 300))
    assert [each.key for each in state.all("Book")] == ["b2", "b3", "b4"], "a smaller one takes less room"


def test_a_place_is_kept_by_what_changes() -> None:
    state = State(first=first)
    one = state.put(thing("one"))
    state.put(thing("two"))
    assert state.put(thing("one", title="changed")).place == one.place
    assert [each.key for each in state.all("Book")] == ["seed", "one", "two"]


def test_what_is_deleted_is_remembered_to_have_been(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(things, "REMEMBERED_GONE", 2)
    state = State()
    for number in range(3):
        state.remove(state.put(thing(f"b{number}")))
    assert [state.is_gone("Book", f"b{n}") for n in range(3)] == [False, True, True]
    state.put(thing("b2"))
    assert not state.is_gone("Book", "b2")


@pytest.fixture
def kept() -> Sessions:
    contract = load(LIBRARY)
    return Sessions(Seeds(contract, resources_of(contract), 1))


def test_sessions_share_what_they_begin_with_until_they_change_it(kept: Sessions) -> None:
    one, other = kept.named("one"), kept.named("other")
    assert one.get("Book", "book-1") is other.get("Book", "book-1") is not None
    one.put(thing("book-1", title="Mine"))
    assert one.all("Book")[0].document["title"] == "Mine"
    assert other.all("Book")[0].document["title"] == "Emma"
    assert kept.named("").all("Book")[0].document["title"] == "Emma"


def test_the_session_used_longest_ago_is_forgotten(kept: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST", 2)
    kept.named("a").put(thing("mine"))
    kept.named("b")
    kept.named("a")
    kept.named("c")
    assert kept.names == ("a", "c")
    assert kept.named("a").get("Book", "mine") is not None


def test_sessions_that_hold_too_much_go(kept: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST_BYTES", 500)
    for name in ("a", "b"):
        state = kept.named(name)
        state.put(thing("mine", text="x" * 300))
        kept.changed(state)
    assert kept.names == ("b",)


def test_a_snapshot_brings_back_all_of_it(kept: Sessions) -> None:
    state = kept.named("s")
    state.put(thing("mine"))
    snapshot = kept.snapshot("s")
    kept.reset("s")
    assert kept.named("s").get("Book", "mine") is None
    kept.restore(snapshot, "s")
    assert kept.named("s").get("Book", "mine") is not None
    assert kept.snapshot("s") == snapshot
    with pytest.raises(Problem):
        kept.restore({"things": [{"kind": "Book"}]}, "s")


def test_a_reset_without_seeds_leaves_nothing_for_anybody(kept: Sessions) -> None:
    kept.reset(seed=False)
    assert kept.named("").all("Book") == kept.named("new").all("Book") == []
    kept.reset(seed=True)
    assert len(kept.named("new").all("Book")) == 3
