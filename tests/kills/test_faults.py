"""Services whose platform has something wrong: the kills must show it, or they prove nothing."""

from __future__ import annotations

import pytest

from tests.kills.campaigns import embedded
from tests.kills.faults import FAULTS
from tests.kills.happened import ELIGIBILITY
from tests.kills.outcome import Outcome
from tests.kills.plan import Plan
from tests.kills.schedule import Kill

FAULTY = {
    "scheduling": ("forgets keys", "marks before it publishes"),
    "coverage": ("forgets messages",),
    "notifications": ("commits before the effect",),
}
DYING = {
    # Several: what is under way is chance. Not each request shows that its key was forgotten, and who
    # misses the last that was told of a thing misses no version of it.
    "scheduling": (
        *(("request: effect kept", passage) for passage in (4, 3, 5, 4, 3, 4, 5, 3)),
        *(("relay: marked", passage) for passage in (3, 2, 4)),
    ),
    "coverage": (("consumer: effect kept", 2), ("consumer: effect kept", 2)),
    "notifications": (("consumer: in its transaction", 3),),
}
FINISH = 5.0


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    """One round in which each service dies where its faults matter."""
    kills = {
        victim: [Kill(place.partition(":")[0], victim, place, passage) for place, passage in places]
        for victim, places in DYING.items()
    }
    return embedded(Plan(1, kills, faults=FAULTY, finish=FINISH))


def told(outcome: Outcome, rule: str) -> str:
    """All that is said under a rule."""
    return " | ".join(each.detail for each in outcome.wrong if each.rule == rule)


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("fault", "rule", "seen"),
    [
        ("forgets keys", "doubled", "nobody was told so"),
        ("forgets keys", "answer", "was refused: 409"),
        ("marks before it publishes", "order", "was due"),
        ("forgets messages", "doubled", f"by one cause on {ELIGIBILITY}"),
        ("commits before the effect", "lost", "has had no delivery"),
    ],
)
def test_a_fault_is_seen_by_what_it_does(outcome: Outcome, fault: str, rule: str, seen: str) -> None:
    assert seen in told(outcome, rule), f"{fault}: {outcome.report}"


def test_what_was_not_survived_is_not_told_as_survived(outcome: Outcome) -> None:
    assert len(outcome.struck) == sum(map(len, DYING.values()))
    assert not all(outcome.survived)


def test_every_fault_is_tried() -> None:
    assert {name for names in FAULTY.values() for name in names} == set(FAULTS)
