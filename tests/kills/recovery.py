"""How long a kill kept work waiting, read from the topics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tests.kills.happened import PUBLISHERS, READS, Event, Happened
from tests.kills.members import Struck
from tests.kills.schedule import BROKER


def recoveries(happened: Happened, struck: Sequence[Struck]) -> list[float | None]:
    """For each kill the seconds until its service worked again, as far as the load shows it.

    It works again once a record from every partition that it reads has had its effect. None where the
    victim was killed again before that, or where no record came. For a broker: until anything is published.
    """
    found: list[float | None] = []
    for index, each in enumerate(struck):
        later = [
            other.at
            for other in struck[index + 1 :]
            if other.kill.victim == each.kill.victim and other.at > each.at
        ]
        back = _back(happened, each)
        found.append(None if back is None or (later and back > min(later)) else max(0.0, back - each.at))
    return found


def _back(happened: Happened, struck: Struck) -> float | None:
    """The Unix time at which the victim had all of its work again."""
    if struck.kill.victim == BROKER:
        return min((event.at for event in happened.events if event.at > struck.at), default=None)
    causes = {
        event.id: event.partition for event in happened.events if event.topic in READS[struck.kill.victim]
    }
    first: dict[int, float] = defaultdict(lambda: float("inf"))
    for event in _effects(happened, struck.kill.victim):
        if event.at > struck.at and event.causation in causes:
            partition = causes[event.causation]
            first[partition] = min(first[partition], event.at)
    return max(first.values()) if len(first) == len(set(causes.values())) and first else None


def _effects(happened: Happened, service: str) -> list[Event]:
    return [event for event in happened.events if PUBLISHERS[event.topic] == service]
