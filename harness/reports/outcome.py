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

    ``done``: the (service, check) that were finished. Services may be verified side by side: their events
    come mixed, and are kept apart.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    done: set[tuple[str, str]] = field(default_factory=set)
    services: dict[str, list[CheckOutcome]] = field(default_factory=dict)

    @property
    def checks(self) -> list[CheckOutcome]:
        """By service as planned, then as they came."""
        return [check for checks in self.services.values() for check in checks]

    def latest(self, service: str) -> CheckOutcome | None:
        """The check of that service that was begun last."""
        checks = self.services.get(service)
        return checks[-1] if checks else None

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
            case RunStarted(plan=plan, settings=settings):
                self.settings = settings
                self.services = {service: [] for service in plan}
            case CheckStarted(service=service, check=check):
                last = self.latest(service)
                if last is None or last.check != check:
                    self._begin(service, check)
            case Reported(result=result):
                last = self.latest(result.service)
                if last is None or not result.check:
                    last = self._begin(result.service, result.check or "start")
                last.results.append(result)
            case CheckFinished(service=service, check=check, seconds=seconds):
                last = self.latest(service) or self._begin(service, check)
                last.seconds = seconds
                self.done.add((service, check))
            case RunFinished(seconds=seconds):
                self.seconds = seconds

    def _begin(self, service: str, check: str) -> CheckOutcome:
        checks = self.services.setdefault(service, [])
        checks.append(CheckOutcome(service, check))
        return checks[-1]


def counted(number: int, word: str) -> str:
    """``1 finding``, ``2 findings``."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def outcome(events: Iterable[Event]) -> Outcome:
    """All events of a run folded into one record."""
    whole = Outcome()
    for event in events:
        whole.add(event)
    return whole
