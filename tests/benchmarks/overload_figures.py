"""What ``overload`` has measured, as a table."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from rich.table import Table

from tests.benchmarks.open_loop import Heard, Told

KINDS = ("getSlot", "getSlot", "searchSlots", "searchSlots", "bookAppointment")
"""The mixture."""


@dataclass
class Figures:
    """One round. ``capacity`` is how many are done a second for clients who take turns; ``others`` the share
    of the service's core that somebody else had under load."""

    capacity: float
    unloaded: Heard
    loaded: Heard
    others: float

    @property
    def offered(self) -> float:
        return len(self.loaded.told) / self.loaded.seconds

    @property
    def accepted(self) -> float:
        return sum(each.status < 300 for each in self.loaded.told) / self.loaded.seconds

    @property
    def refused(self) -> float:
        """The share."""
        return sum(each.status == 503 for each in self.loaded.told) / len(self.loaded.told)

    @property
    def late(self) -> float:
        """Milliseconds: p99 of how much later than due a request was sent."""
        return percentile(self.loaded.late, 99)

    def p(self, percent: float, part: str, kind: str = "") -> float:
        """Milliseconds, of what was done; of ``refused``, of what was refused."""
        return percentile([each.seconds for each in self._told(part, kind)], percent)

    def _told(self, part: str, kind: str) -> Iterator[Told]:
        heard = self.unloaded if part == "unloaded" else self.loaded
        wanted = range(503, 504) if part == "refused" else range(200, 300)
        return (each for each in heard.told if each.status in wanted and kind in ("", each.ask.kind))

    def line(self) -> str:
        """In short."""
        p99, loaded = self.p(99, "unloaded"), self.p(99, "loaded")
        return (
            f"capacity {self.capacity:,.0f}/s, accepted {self.accepted:,.0f}/s of {self.offered:,.0f}/s; "
            f"p99 {p99:.1f} ms, under load {loaded:.1f} ms ({loaded / max(p99, 0.001):.1f} times); "
            f"others had {self.others:.0%} of the core"
        )


def percentile(seconds: Sequence[float], percent: float) -> float:
    """Milliseconds."""
    ordered = sorted(seconds) or [0.0]
    return 1000 * ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def table(rounds: Sequence[Figures]) -> Table:
    """Medians of all rounds."""

    def median(what: Callable[[Figures], float]) -> float:
        return statistics.median(map(what, rounds))

    shown = Table(title=f"Medians of {len(rounds)} rounds; times in ms")
    for head in ("", "unloaded p50", "p99", "accepted p50", "p99", "times", "refused p99"):
        shown.add_column(head, justify="right" if head else "left")
    for kind in ("", *dict.fromkeys(KINDS)):
        ask = partial(_row, kind)
        columns = list(zip(*map(ask, rounds), strict=True))
        shown.add_row(kind or "all", *(f"{statistics.median(each):.1f}" for each in columns))
    shown.caption = (
        f"capacity {median(lambda each: each.capacity):,.0f}/s, "
        f"offered {median(lambda each: each.offered):,.0f}/s, "
        f"accepted {median(lambda each: each.accepted):,.0f}/s, "
        f"refused {median(lambda each: each.refused):.0%}; others had "
        f"{median(lambda each: each.others):.0%} of the service's core under load; requests were sent "
        f"{median(lambda each: each.late):.1f} ms late at p99, "
        f"{sum(each.loaded.unsent for each in rounds)} not at all"
    )
    return shown


def _row(kind: str, each: Figures) -> tuple[float, ...]:
    unloaded, loaded = each.p(99, "unloaded", kind), each.p(99, "loaded", kind)
    p50 = each.p(50, "unloaded", kind), each.p(50, "loaded", kind)
    return p50[0], unloaded, p50[1], loaded, loaded / unloaded, each.p(99, "refused", kind)
