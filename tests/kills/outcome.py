"""What came of a round: what was wrong, what came twice, how long work had to wait."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from tests.kills.clients import Told
from tests.kills.happened import PUBLISHERS, Happened
from tests.kills.judge import Wrong
from tests.kills.members import Struck
from tests.kills.plan import Plan
from tests.kills.recovery import recoveries
from tests.kills.schedule import BROKER

_DROPPED = "came again and was dropped"
_OUTAGES = " harness.kafka "


@dataclass(frozen=True, slots=True)
class Again:
    """Something came a second time, by this service's doing or to it, at this Unix time."""

    service: str
    at: float


@dataclass(frozen=True)
class Outcome:
    """``struck`` by time. ``dropped``: messages that came again and had no second effect."""

    plan: Plan
    struck: Sequence[Struck]
    wrong: Sequence[Wrong]
    happened: Happened
    told: Told
    dropped: Sequence[Again]
    seconds: float

    @cached_property
    def recovered(self) -> list[float | None]:
        """Seconds, for each kill: see ``recovery``."""
        return recoveries(self.happened, self.struck)

    @cached_property
    def waited(self) -> list[float]:
        """Seconds, for each kill: the longest that a client waited for an answer meanwhile."""
        return [
            max(
                (end - begin for begin, end in self.told.waits if begin <= last and each.at <= end),
                default=0.0,
            )
            for each, last in zip(self.struck, self._over, strict=True)
        ]

    @property
    def _over(self) -> Iterator[float]:
        """The Unix times at which the kills had no more effect, as far as is known."""
        for each, seconds in zip(self.struck, self.recovered, strict=True):
            yield each.at + (seconds or 0.0)

    @cached_property
    def redelivered(self) -> list[int]:
        """For each kill, how many records and messages came again because of it."""
        again = [Again(PUBLISHERS[each.topic], each.at) for each in self.happened.again]
        counts = [0] * len(self.struck)
        for each in (*again, *self.dropped):
            culprit = self._last_before(each)
            if culprit is not None:
                counts[culprit] += 1
        return counts

    @cached_property
    def survived(self) -> list[bool]:
        """For each kill, whether nothing wrong lies nearer to it than to any other."""
        blamed = {
            min(range(len(self.struck)), key=lambda index: abs(self.struck[index].at - each.at))
            for each in self.wrong
            if self.struck
        }
        return [index not in blamed for index in range(len(self.struck))]

    def _last_before(self, again: Again) -> int | None:
        """The last kill of that service, or of the broker, before this; None if there was none."""
        victims = {again.service, BROKER}
        before = [
            n for n, each in enumerate(self.struck) if each.kill.victim in victims and each.at <= again.at
        ]
        return before[-1] if before else None

    def __str__(self) -> str:
        return (
            f"seed {self.plan.seed}: {len(self.struck)} kills in {self.seconds:.0f} s, "
            f"{len(self.told.bookings)} bookings, {len(self.happened.events)} events; "
            f"{self.told.unanswered} of {self.told.requests} requests got no answer and were repeated, "
            f"{len(self.happened.again)} records came twice, {len(self.dropped)} messages were dropped"
        )

    @property
    def report(self) -> str:
        """For a failure: what is wrong, what was done, and how to do it again."""
        kills = [f"  {each.at:.2f} {each.kill}" for each in self.struck]
        wrong = [f"  {each.at:.2f} {each}" for each in self.wrong[:30]]
        return "\n".join([str(self), f"again: {self.plan.repeat}", "wrong:", *wrong, "kills:", *kills])


def errors_in(lines: Iterable[str]) -> Iterator[Wrong]:
    """What a service calls an error of its own; that a broker cannot be reached is none."""
    for line in lines:
        at, _, rest = line.partition(" ")
        if rest.startswith("ERROR") and _OUTAGES not in line:
            yield Wrong(float(at), "log", rest)
        elif line.startswith("Traceback"):
            yield Wrong(0.0, "log", line)


def dropped_in(lines: Iterable[str], service: str) -> Iterator[Again]:
    """Messages that the service's inbox knew already."""
    for line in lines:
        if line.endswith(_DROPPED):
            yield Again(service, float(line.partition(" ")[0]))
