"""What a run came to: its events folded into one record that every written report starts from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from harness.findings import (
    CheckFinished,
    CheckStarted,
    CouldNotTell,
    Event,
    Finding,
    NotApplicable,
    Passed,
    Reported,
    Result,
    RunFinished,
    RunStarted,
    exit_code,
)

Verdict = str
"""``passed``, ``findings``, ``could not tell`` or ``not applicable``."""


@dataclass(slots=True)
class CheckOutcome:
    """One check of one service: ``results`` in the order they came, ``seconds`` of wall time."""

    service: str
    check: str
    results: list[Result] = field(default_factory=list)
    seconds: float = 0.0

    def of(self, kind: type[Result]) -> list[Result]:
        return [result for result in self.results if isinstance(result, kind)]

    @property
    def verdict(self) -> Verdict:
        if any(isinstance(r, Finding) and r.severity == "error" for r in self.results):
            return "findings"
        if self.of(CouldNotTell) or not self.results:
            return "could not tell"
        if all(isinstance(result, NotApplicable) for result in self.results):
            return "not applicable"
        return "passed"

    @property
    def cases(self) -> int:
        return sum(result.cases for result in self.results if isinstance(result, Passed))


@dataclass(slots=True)
class Outcome:
    """A whole run. ``settings`` are what the run was started with, as shown to people.

    ``done``: the (service, check) that were finished.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    checks: list[CheckOutcome] = field(default_factory=list)
    seconds: float = 0.0
    done: set[tuple[str, str]] = field(default_factory=set)

    @property
    def results(self) -> list[Result]:
        return [result for check in self.checks for result in check.results]

    @property
    def errors(self) -> int:
        """Findings that decide the exit code."""
        return sum(isinstance(r, Finding) and r.severity == "error" for r in self.results)

    @property
    def warnings(self) -> int:
        """Findings that do not."""
        return sum(isinstance(r, Finding) and r.severity == "warning" for r in self.results)

    @property
    def exit_code(self) -> int:
        """0 clean, 1 findings, 2 could not tell; a run that checked nothing could not tell."""
        return exit_code(self.results) if self.results else 2

    def add(self, event: Event) -> None:
        """Fold one more event in."""
        match event:
            case RunStarted(settings=settings):
                self.settings = settings
            case CheckStarted(service=service, check=check):
                last = self.checks[-1] if self.checks else None
                if last is None or (last.service, last.check) != (service, check):
                    self.checks.append(CheckOutcome(service, check))
            case Reported(result=result):
                self._check_of(result).results.append(result)
            case CheckFinished(service=service, check=check, seconds=seconds):
                self.checks[-1].seconds = seconds
                self.done.add((service, check))
            case RunFinished(seconds=seconds):
                self.seconds = seconds

    def _check_of(self, result: Result) -> CheckOutcome:
        last = self.checks[-1] if self.checks else None
        if last is not None and result.check and last.service == result.service:
            return last
        self.checks.append(CheckOutcome(result.service, result.check or "start"))
        return self.checks[-1]


def counted(number: int, word: str) -> str:
    """``1 finding``, ``2 findings``."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def outcome(events: Iterable[Event]) -> Outcome:
    """All events of a run folded into one record."""
    whole = Outcome()
    for event in events:
        whole.add(event)
    return whole
