"""The run on a terminal: progress while it works, then what was found, then one line that sums it up."""

from __future__ import annotations

import re
import time

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from harness.findings import (
    CheckFinished,
    CheckStarted,
    CouldNotTell,
    Event,
    Finding,
    NotApplicable,
    Passed,
    Reported,
    RunStarted,
)
from harness.reports.outcome import CheckOutcome, Outcome, counted
from harness.reports.unknowns import Unknown, gathered, remedies

_STYLE = {"passed": "green", "findings": "bold red", "could not tell": "yellow", "not applicable": "dim"}


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What could move the cursor, change colours or the window's title of whoever reads it."""


class ConsoleReport:
    """Consumes events. On a terminal a live line shows what runs now; elsewhere each check is a line."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._outcome = Outcome()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("starting", total=None)
        self._running: dict[str, tuple[str, int]] = {}
        self._planned = 0
        self._widths = (0, 0)
        self._began = time.monotonic()

    def __enter__(self) -> ConsoleReport:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def add(self, event: Event) -> None:
        """Show one more event."""
        self._outcome.add(event)
        match event:
            case RunStarted(plan=plan, settings=settings):
                names = [name for checks in plan.values() for name in checks]
                self._planned = len(names)
                self._widths = (max(map(len, plan), default=0), max(map(len, names), default=0))
                shown = ", ".join(f"{name} {value}" for name, value in settings.items())
                self._console.print(f"verifying {escape(', '.join(plan))} ({escape(shown)})")
            case CheckStarted(service=service, check=check):
                self._running[service] = (check, 0)
                self._describe()
            case Reported(result=result):
                check, count = self._running.get(result.service, (result.check, 0))
                self._running[result.service] = (
                    check,
                    count + (result.cases if isinstance(result, Passed) else 1),
                )
                self._describe()
            case CheckFinished(service=service):
                self._running.pop(service, None)
                if finished := self._outcome.latest(service):
                    self._console.print(self._line(finished))

    def _describe(self) -> None:
        now = [
            f"{service} {check}" + (f" [dim]{count} tried[/]" if count else "")
            for service, (check, count) in self._running.items()
        ]
        done = f"[dim]({len(self._outcome.done)} of {self._planned} done)[/]"
        self._progress.update(self._task, description=f"{', '.join(now)} {done}")

    def close(self, limit: int = 50, ended: str = "") -> None:
        """Print what was found (at most ``limit`` of each kind in full) and the summary.

        ``ended`` names the signal that cut the run short.
        """
        results = self._outcome.results
        findings = [result for result in results if isinstance(result, Finding)]
        unknown = [result for result in results if isinstance(result, CouldNotTell)]
        group = ("", "")
        for finding in findings[:limit]:
            if group != (group := (finding.service, finding.check)):
                self._console.print(f"\n[bold]{escape(' · '.join(group))}[/]")
            self.finding(finding)
        if findings:
            self._console.print()
        reasons = gathered(unknown)
        for each in reasons[:limit]:
            self._unknown(each)
        for kind, more in (("findings", len(findings) - limit), ("reasons", len(reasons) - limit)):
            if more > 0:
                self._console.print(f"… and {more} more {kind}: see the written reports.")
        for remedy, count in remedies(reasons).items():
            self._console.print(f"[yellow]{escape(remedy)}[/] [dim](for {count} that could not be told)[/]")
        self._console.print(self._summary(len(unknown), ended))

    def finding(self, finding: Finding) -> None:
        """Received beside documented. What reproduces it is on lines of its own, to be copied whole."""
        style = "bold red" if finding.severity == "error" else "yellow"
        title = ": ".join(part for part in (finding.operation, finding.title) if part)
        self._console.print(f"  [{style}]{finding.severity}[/] {escape(visible(title))}")
        told = {"received": visible(finding.received), "documented": visible(finding.documented)}
        if finding.where.line:
            told["where"] = str(finding.where)
        if self._console.soft_wrap:
            for name, text in told.items():
                lines = escape(text).replace("\n", "\n" + " " * 16)
                self._console.print(f"    {name:<10}  {lines}")
        else:
            beside = Table.grid(padding=(0, 2), expand=False)
            beside.add_column(style="dim", no_wrap=True)
            beside.add_column(overflow="fold")
            for name, text in told.items():
                beside.add_row(name, escape(text))
            self._console.print(Padding(beside, (0, 0, 0, 4)))
        if finding.reproduce:
            self._console.print("    [dim]reproduce[/]")
            self._console.print(visible(finding.reproduce), soft_wrap=True, markup=False)

    def _unknown(self, unknown: Unknown) -> None:
        """A reason, and under it what it stood in the way of."""
        told = f"[yellow]could not tell[/] {escape(unknown.service)}: {escape(visible(unknown.reason))}"
        self._console.print(
            "\n    ".join([told, *(escape(visible(line)) for line in unknown.lines)]), soft_wrap=True
        )

    def _summary(self, unknown: int, ended: str) -> str:
        outcome = self._outcome
        if ended:
            word, seconds = f"[yellow]ended by {ended}[/]", time.monotonic() - self._began
        else:
            words = {0: "[green]clean[/]", 1: "[bold red]findings[/]", 2: "[yellow]could not tell[/]"}
            word, seconds = words[outcome.exit_code], outcome.seconds
        parts = [counted(outcome.errors, "finding")]
        if outcome.warnings:
            parts.append(counted(outcome.warnings, "warning"))
        skipped = sum(isinstance(result, NotApplicable) for result in outcome.results)
        cases = sum(check.cases for check in outcome.checks)
        parts += [f"{unknown} could not tell", f"{skipped} not applicable"]
        if ended:
            parts.append(f"{len(outcome.done)} of {counted(self._planned, 'check')} done")
        return f"{word}: {', '.join(parts)}, {counted(cases, 'case')} passed in {seconds:.1f} s"

    def _line(self, check: CheckOutcome) -> str:
        verdict = check.verdict
        service, name = self._widths
        names = f"{escape(f'{check.service:<{service}}')}  {check.check:<{name}}"
        text = f"  [{_STYLE[verdict]}]{verdict:<14}[/]  {names}"
        if verdict == "not applicable":
            reasons = {result.reason for result in check.results if isinstance(result, NotApplicable)}
            return f"{text}  [dim]{escape('; '.join(sorted(reasons)))}[/]"
        return f"{text}  [dim]{counted(check.cases, 'case')}, {check.seconds:.1f} s[/]"


def visible(text: str) -> str:
    """Text from a service, with control characters shown instead of obeyed."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
