"""What a check is: a plain function, what it needs of a target, and what it can and cannot see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from harness.contract.model import NOWHERE, Place, System
from harness.errors import HarnessError
from harness.findings import CouldNotTell, Finding, NotApplicable, Passed, Result
from harness.target import Capability, Limits, Target

Run = Callable[[System, Target, Limits], Iterator[Result]]


@dataclass(frozen=True, slots=True)
class Check:
    """``needs`` lists the capabilities without which the check is not applicable to a target.

    ``sees`` and ``misses`` are one sentence each, for ``portal verify --explain``.
    """

    name: str
    run: Run
    needs: frozenset[Capability]
    sees: str
    misses: str


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Words the results of one check on one service, so that each says which check and service it is."""

    check: str
    service: str

    def passed(self, operation: str, title: str, cases: int = 1) -> Passed:
        return Passed(self.check, self.service, operation, title, cases)

    def finding(
        self,
        operation: str,
        title: str,
        received: str,
        documented: str,
        where: Place = NOWHERE,
        reproduce: str = "",
    ) -> Finding:
        return Finding(
            self.check,
            self.service,
            operation,
            title,
            received,
            documented,
            where=where,
            reproduce=reproduce,
        )

    def untold(self, operation: str, why: HarnessError | str, trying: str = "") -> CouldNotTell:
        """What could not be found out; ``trying`` says while doing what."""
        reason, remedy = (why.found, why.remedy) if isinstance(why, HarnessError) else (why, "")
        return CouldNotTell(self.check, self.service, operation, reason, remedy, trying)

    def not_applicable(self, operation: str, reason: str) -> NotApplicable:
        return NotApplicable(self.check, self.service, operation, reason)
