"""All of one mock that can be told to behave otherwise, or asked what it did."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from harness.contract.model import JSON, Contract
from harness.serving.control import Control
from mocks.fault_rules import FaultRules
from mocks.journal import Journal
from mocks.journal_view import View
from mocks.publishing import Outlet
from mocks.scenarios import Scenarios
from mocks.schedules import Schedules
from mocks.speaking import Speaker


class Kept(Control, Protocol):
    """What a mock keeps, where it keeps anything. Methods run in threads; a HarnessError is answered 422.

    ``session`` is that of ``X-Portal-Session``; ``""`` is everybody's.
    """

    def reset(self, *, seed: bool = True, session: str | None = None) -> None:
        """Forget everything, or what one session did; with ``seed`` put in the contract's examples."""

    def snapshot(self, session: str = "") -> JSON:
        """All that a session sees, as a JSON object."""

    def restore(self, snapshot: JSON, session: str = "") -> None:
        """Keep what a snapshot has, and nothing else. Raises HarnessError for what is none."""


@dataclass(slots=True)
class Controls:
    """One mock's; ``outlet`` is None without Kafka, ``kept`` without state."""

    contract: Contract
    faults: FaultRules
    scenarios: Scenarios
    journal: Journal
    view: View
    outlet: Outlet | None = None
    seed: int = 1
    kept: Kept | None = None
    speaker: Speaker | None = field(init=False)
    schedules: Schedules | None = field(init=False)

    def __post_init__(self) -> None:
        self.speaker = self.schedules = None
        if self.outlet is not None:
            self.speaker = Speaker(self.contract, self.outlet, self.seed)
            self.schedules = Schedules(self.speaker, self.outlet.later, self.journal, self.seed)

    def reset(self, *, seed: bool = True, session: str | None = None) -> None:
        """Everything as at the start; with a session only what is kept for that one."""
        if session is not None:
            if self.kept is not None:
                self.kept.reset(seed=seed, session=session)
            return
        self.faults.reset()
        self.scenarios.clear()
        if self.schedules is not None:
            self.schedules.clear()
        if self.kept is not None:
            self.kept.reset(seed=seed)
        self.journal.clear()
