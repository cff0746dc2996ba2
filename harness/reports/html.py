"""One self-contained HTML page: the matrix of services and checks, every finding, where time went."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.resources import files

from harness.findings import CouldNotTell, Finding, NotApplicable
from harness.reports.outcome import CheckOutcome, Outcome, counted
from harness.reports.unknowns import gathered, remedies


@dataclass(slots=True)
class _Group:
    """The findings of one check of one service. ``anchor`` is where the matrix leads to."""

    anchor: str
    service: str
    check: str
    findings: list[Finding] = field(default_factory=list)


def html(outcome: Outcome) -> str:
    """The page; it loads nothing from anywhere and runs no script."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(files("harness.reports").joinpath("report.html.j2").read_text("utf-8"))
    groups = _grouped(result for result in outcome.results if isinstance(result, Finding))
    unknown = [result for result in outcome.results if isinstance(result, CouldNotTell)]
    reasons = gathered(unknown)
    slowest = max((check.seconds for check in outcome.checks), default=0.0) or 1.0
    return template.render(
        outcome=outcome,
        verdict={0: "clean", 1: "findings", 2: "could not tell"}[outcome.exit_code],
        summary=_summary(outcome, len(unknown)),
        services=list(dict.fromkeys(check.service for check in outcome.checks)),
        names=list(dict.fromkeys(check.check for check in outcome.checks)),
        cells={(each.service, each.check): _cell(each, groups) for each in outcome.checks},
        groups=list(groups.values()),
        unknown=reasons,
        remedies=remedies(reasons),
        skipped=_skipped(result for result in outcome.results if isinstance(result, NotApplicable)),
        bars=[(each, round(100 * each.seconds / slowest, 1)) for each in outcome.checks],
    )


def _summary(outcome: Outcome, unknown: int) -> str:
    skipped = sum(isinstance(result, NotApplicable) for result in outcome.results)
    cases = counted(sum(check.cases for check in outcome.checks), "case")
    parts = [counted(outcome.errors, "finding")]
    if outcome.warnings:
        parts.append(counted(outcome.warnings, "warning"))
    parts += [f"{unknown} could not be told", f"{skipped} not applicable", f"{cases} passed"]
    return f"{', '.join(parts)} in {outcome.seconds:.1f} s"


def _grouped(findings: Iterable[Finding]) -> dict[tuple[str, str], _Group]:
    groups: dict[tuple[str, str], _Group] = {}
    for finding in findings:
        key = (finding.service, finding.check)
        groups.setdefault(key, _Group(f"found-{len(groups) + 1}", *key)).findings.append(finding)
    return groups


def _skipped(results: Iterable[NotApplicable]) -> dict[str, list[str]]:
    """What is not applicable, by the reason for it."""
    found: dict[str, list[str]] = {}
    for result in results:
        what = " · ".join(part for part in (result.service, result.check, result.operation) if part)
        found.setdefault(result.reason, []).append(what)
    return found


def _cell(check: CheckOutcome, groups: dict[tuple[str, str], _Group]) -> dict[str, str]:
    findings = [result for result in check.results if isinstance(result, Finding)]
    errors = sum(finding.severity == "error" for finding in findings)
    parts = [counted(errors, "finding")] if errors else []
    if len(findings) > errors:
        parts.append(counted(len(findings) - errors, "warning"))
    if unknown := len(check.of(CouldNotTell)):
        parts.append(f"{unknown} could not tell")
    if check.cases:
        parts.append(f"{check.cases} passed")
    if check.verdict == "not applicable":
        parts = ["not applicable"]
    group = groups.get((check.service, check.check))
    return {
        "kind": check.verdict.replace(" ", "-"),
        "text": ", ".join(parts) or check.verdict,
        "seconds": f"{check.seconds:.1f} s",
        "link": f"#{group.anchor}" if group else "#unknown" if unknown else "",
    }
