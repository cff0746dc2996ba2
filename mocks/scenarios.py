"""Answers that somebody set through the control API, for what a test needs and no example shows."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from harness.contract.model import EMPTY, JSON
from harness.errors import UsageError
from harness.serving.exchange import Answer, Request
from mocks.matching import ANYTHING, Match, Seen

MOST_SCENARIOS = 1000


@dataclass(frozen=True, slots=True)
class Scenario:
    """What one operation answers to requests that match.

    With ``has_body`` the answer is ``status`` (default 200), ``headers``, ``content_type`` and ``body``, as
    they are. Without, it is the documented one of ``status`` or ``example``, as ``preference`` asks.
    ``times`` says how often it is used, None for always; ``session`` is the only one it is for.
    """

    id: str
    operation: str
    match: Match = ANYTHING
    status: int | None = None
    example: str | None = None
    body: JSON = None
    has_body: bool = False
    headers: Mapping[str, str] = field(default=EMPTY)
    content_type: str = "application/json"
    times: int | None = None
    session: str | None = None

    @property
    def preference(self) -> str:
        """The documented answer that it asks for, as a value of ``Prefer`` (RFC 7240)."""
        code = [f"code={self.status}"] if self.status is not None else []
        example = self.example.replace("\\", "\\\\").replace('"', '\\"') if self.example is not None else None
        return ", ".join([*code, *([f'example="{example}"'] if example is not None else [])])

    def answer(self) -> Answer:
        """The answer of one that has a body of its own."""
        return Answer(self.status or 200, self.body, self.headers, self.content_type)

    def preferred(self, request: Request) -> Request:
        """The request as if it asked for the documented answer itself."""
        return replace(request, headers={**request.headers, "prefer": self.preference})


@dataclass(slots=True)
class _Set:
    scenario: Scenario
    order: int
    used: int = 0

    @property
    def rank(self) -> tuple[int, bool, bool, int]:
        """The most specific first; of equals the one for a session, then the passing one, then the older."""
        each = self.scenario
        return -each.match.conditions, each.session is None, each.times is None, self.order

    @property
    def spent(self) -> bool:
        return self.scenario.times is not None and self.used >= self.scenario.times


class Scenarios:
    """All scenarios of one mock. Safe to use from several threads."""

    def __init__(self) -> None:
        self._of: dict[str, list[_Set]] = {}
        self._ids: dict[str, str] = {}
        self._count = 0
        self._lock = threading.Lock()

    def find(self, operation_id: str, request: Request) -> Scenario | None:
        """The scenario for a request, counted as used once more; None if there is none."""
        if operation_id not in self._of:
            return None
        seen = Seen(request.path, request.query, request.headers, request.body)
        session = request.headers.get("x-portal-session")
        with self._lock:
            for each in self._of.get(operation_id, ()):
                wanted = each.scenario.session
                if not each.spent and wanted in (None, session) and each.scenario.match.fits(seen):
                    each.used += 1
                    return each.scenario
        return None

    def add(self, scenario: Scenario) -> None:
        """Set one, in place of the one with its id. Raises UsageError for too many."""
        with self._lock:
            self._remove(scenario.id)
            if len(self._ids) >= MOST_SCENARIOS:
                raise UsageError("scenarios", f"there are {MOST_SCENARIOS} of them", remedy="Remove some")
            self._count += 1
            ranked = [*self._of.get(scenario.operation, ()), _Set(scenario, self._count)]
            self._of[scenario.operation] = sorted(ranked, key=lambda each: each.rank)
            self._ids[scenario.id] = scenario.operation

    def remove(self, id: str) -> bool:
        """Whether there was one with this id."""
        with self._lock:
            return self._remove(id)

    def clear(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._of, self._ids = {}, {}

    def listed(self) -> list[tuple[Scenario, int]]:
        """Each with how often it was used, oldest first."""
        with self._lock:
            ordered = sorted(
                (each for sets in self._of.values() for each in sets), key=lambda each: each.order
            )
            return [(each.scenario, each.used) for each in ordered]

    def new_id(self) -> str:
        """An id that no scenario has."""
        with self._lock:
            return next(
                f"scenario-{n}" for n in range(1, MOST_SCENARIOS + 2) if f"scenario-{n}" not in self._ids
            )

    def _remove(self, id: str) -> bool:
        operation = self._ids.pop(id, None)
        if operation is None:
            return False
        left = [each for each in self._of[operation] if each.scenario.id != id]
        self._of = (
            {**self._of, operation: left}
            if left
            else {name: sets for name, sets in self._of.items() if name != operation}
        )
        return True
