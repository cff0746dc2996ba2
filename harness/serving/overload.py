"""The line before an application's threads: bounded by number, and by the time that it takes.

Who joins a line waits for as long as those before take (Little's law): how many they are, divided by how
many are done a second. A bound by number alone bounds no time, for the slower the work the longer the same
line takes; a bound by time alone refuses the twentieth of the requests that one page sends at once. So for a
moment a line may be long, and one that stands only as long as is worked off in a given time. A few may wait
even so: on a slow machine everything is slow, and a handful of clients who take turns are no overload.

Controlled delay (RFC 8289) tells a burst from a standing queue in the same way. It finds out afterwards how
long somebody has waited, and drops then; here it is foreseen, on arrival, before a token or a body was looked
at: a refusal that costs as much as an answer relieves nobody. What has joined is never refused; it is done.

Few work at once. Python computes in one thread at a time: more of them get no more done and make each other
slow, which no bound of the line can mend. But who takes long is waiting for something else, a database or a
lock, and then the next one begins. Where waits are to be short, one works at a time, and one waits: a second
one would only use the moments in which the first writes to the disk, and make both take longer.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from harness.errors import UsageError
from harness.serving.problems import Problem

VARIABLE = "PORTAL_LONGEST_WAIT"
"""Names ``LONGEST`` anew, in milliseconds."""

LONGEST = 1.0
"""Seconds that a line which stands may take, if more than ``FEW`` are in it: clients who never pause are not
refused for one another's sake. With less, the slowest of the accepted wait less."""

STANDS = 1.0
"""Seconds after which a line stands, at the latest: a burst is worked off by then (RFC 8289's interval)."""

MOMENT = 10
"""How many times the longest wait a line may be there before it stands, if that is less. A burst is as much
shorter then as it has less time: who wants short waits gets them from the first second."""

MEASURED = 1.0
"""Seconds over which is measured how fast it is worked off: a little too slow at first, never too fast.
For as long after a refusal a new line stands at once: it was empty for a moment because we keep it short."""

BURST = 128
"""Requests that may wait for a moment: a hundred who want the same slot are all told who has it."""

FEW = 2
"""Requests that may wait in any case: with those before them they take a few times what each takes alone."""

AT_ONCE = 2
"""Requests that are computing."""

SHORT = 0.05
"""Seconds: a line that may not take as long has ``AT_ONCE`` and ``FEW`` of one."""

LONG = 0.1
"""Seconds after which a request no longer counts as computing. Less, and on a slow machine what does compute
makes room for more of its kind, which makes all of them slower yet."""

_LAST = 30
"""Seconds after which we let anybody try again."""

_MOST = 600_000
"""Milliseconds: nobody waits longer for an answer."""


class Overloaded(Problem):
    """503: there is more to do than can be done. Nothing was begun; the same request may be sent again."""

    def __init__(self, detail: str, seconds: float = 1.0) -> None:
        after = math.ceil(min(max(seconds, 1.0), _LAST))
        super().__init__(503, detail=detail, headers={"Retry-After": str(after)})


class Line:
    """What so many threads work on or have before them. The event loop's alone: it has no lock."""

    def __init__(
        self, threads: int, longest: float = LONGEST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``longest``: seconds that a line which stands may take."""
        self._threads, self._longest, self._clock = threads, longest, clock
        self._at_once, self._few = (AT_ONCE, FEW) if longest >= SHORT else (1, 1)
        self._working = self._computing = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._done: deque[float] = deque()
        self._since = self._refused = -math.inf

    def check(self) -> None:
        """Raises Overloaded if there is no room; never while a request could begin at once."""
        if not self._full():
            return
        now = self._clock()
        self._forget(now)
        if len(self._waiting) >= self._room(now):
            self._refused = now
            raise Overloaded("More is asked than can be done in time; come back.", self._takes(now))

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Entered when it is this request's turn, left when it is done. Raises Overloaded, see ``check``."""
        self.check()
        await self._come()
        computes = True

        def compute_no_more() -> None:
            nonlocal computes
            self._computing -= computes
            computes = False
            self._next()

        timer = asyncio.get_running_loop().call_later(LONG, compute_no_more)
        try:
            yield
        finally:
            timer.cancel()
            now = self._clock()
            self._done.append(now)
            self._forget(now)
            self._working -= 1
            compute_no_more()

    async def _come(self) -> None:
        """Whoever ends lets the next one begin, so that nobody who comes meanwhile is before it."""
        if not self._full():
            self._begin()
            return
        place = asyncio.get_running_loop().create_future()
        if not self._waiting:
            self._since = self._clock()
        self._waiting.append(place)
        await place

    def _begin(self) -> None:
        self._working += 1
        self._computing += 1

    def _full(self) -> bool:
        return self._computing >= self._at_once or self._working >= self._threads

    def _next(self) -> None:
        while self._waiting and not self._full():
            place = self._waiting.popleft()
            if not place.done():  # else nobody waits for it any more: the service is ending
                self._begin()
                place.set_result(None)

    def _room(self, now: float) -> int:
        """How many may wait."""
        moment = min(STANDS, MOMENT * self._longest)
        stands = (self._waiting and now - self._since >= moment) or now - self._refused < MEASURED
        room = len(self._done) * self._longest / MEASURED if stands else BURST * moment / STANDS
        return min(BURST, max(self._few, int(room)))

    def _takes(self, now: float) -> float:
        """Seconds until those before are done; where nothing gets done, as many again as it has been so."""
        if self._done:
            return (len(self._waiting) + 1) * MEASURED / len(self._done)
        return now - self._since

    def _forget(self, now: float) -> None:
        while self._done and now - self._done[0] > MEASURED:
            self._done.popleft()


def longest_wait(environment: Mapping[str, str] = os.environ) -> float:
    """Seconds, as ``PORTAL_LONGEST_WAIT`` names them, else ``LONGEST``. Raises UsageError."""
    told = environment.get(VARIABLE, "")
    if not told:
        return LONGEST
    if not (told.isascii() and told.isdigit() and 0 < int(told[:9]) <= _MOST):
        raise UsageError(
            VARIABLE,
            "it is no number of milliseconds",
            f"a whole number from 1 to {_MOST}: how long a request may wait for its turn under overload",
            f"Leave it out for {LONGEST * 1000:.0f}.",
        )
    return int(told) / 1000
