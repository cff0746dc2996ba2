"""``portal lint``: what is wrong with contracts, before anything runs."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.extras import version
from harness.cli.options import AllowRemote, Config, Maps, contracts_folder, creatable, sources_of, unwritable
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.lint.output.report import Report
    from harness.lint.reading import Subject
    from harness.lint.severity import Severities


class Format(StrEnum):
    text = "text"
    json = "json"
    sarif = "sarif"
    junit = "junit"
    github = "github"


Rules = Annotated[
    list[str] | None,
    typer.Option(metavar="ID=SEVERITY", help="off, warning or error for one rule; may be repeated."),
]


def lint(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PATH",
            help="Contracts, or folders of them. Default: ./contracts, else those that come with Portal.",
        ),
    ] = None,
    format_: Annotated[
        Format,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="text, json, sarif, junit, or github: annotations of a workflow.",
        ),
    ] = Format.text,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write there instead of to standard output."),
    ] = None,
    rule: Rules = None,
    strict: Annotated[bool, typer.Option("--strict", help="Warnings too end with exit code 1.")] = False,
    config: Config = None,
    allow_remote: AllowRemote = False,
    maps: Maps = None,
    rules: Annotated[bool, typer.Option("--rules", help="List all rules and stop.")] = False,
    explain: Annotated[
        str | None, typer.Option(metavar="RULE", help="Say what a rule is about, and stop.")
    ] = None,
) -> int:
    """Read contracts and say what is wrong: place, text, reason, mend.

    portal.toml switches rules: `lint.rules = { RULE = "off" }`, and for some files, in a table
    `lint.override`, `paths = ["legacy/**"]` and `rules = { RULE = "warning" }`.

    Exit code 0: nothing or only warnings; 1: errors found; 2: a contract cannot be read.
    """
    if rules or explain is not None:
        return _told(explain)
    if output is not None:
        creatable(output, "--output")
    from harness.lint.reading import read

    named = list(paths or [contracts_folder(None)])
    for path in named:
        contracts_folder(path)
    severities = _severities(named[0], config, rule or [])
    subject = read(named, sources_of(allow_remote, maps))
    report = _report(subject, severities)
    _write(report, format_, output)
    for refusal in subject.refused:
        sys.stderr.write(f"portal: {refusal.error.paragraph()}\n")
    if subject.refused:
        return 2
    return 1 if report.count("error") or (strict and report.entries) else 0


def _severities(path: Path, config: Path | None, options: list[str]) -> Severities:
    """What the settings and the command line say of rules. Raises UsageError."""
    from dataclasses import replace

    from harness import settings
    from harness.lint import RULES
    from harness.lint.severity import Severities, asked, read

    known = sorted({rule.id for rule in RULES})
    file = config or settings.find(path if path.is_dir() else path.parent)
    found = read(settings.read(file).table("lint"), known) if file is not None else Severities()
    return replace(found, asked=asked(options, known))


def _report(subject: Subject, severities: Severities) -> Report:
    from harness.lint import RULES
    from harness.lint import lint as findings_of
    from harness.lint.output.excerpts import excerpts_of
    from harness.lint.output.report import Report, entry_of, shown

    found = [
        *findings_of(subject.system, subject.sources, severities),
        *(refusal.finding for refusal in subject.refused),
    ]
    excerpts, known = excerpts_of(subject.sources), {rule.id: rule for rule in RULES}
    found.sort(key=lambda each: (each.where.file, each.where.line, each.where.column, each.check))
    return Report(
        tuple(entry_of(each, known, excerpts) for each in found),
        {rule.id: rule for rule in RULES if severities.may_speak(rule)},
        tuple(sorted({source.service for source in subject.sources})),
        len(subject.refused),
        tuple(shown(source.root.document.file) for source in subject.sources),
    )


def _write(report: Report, format_: Format, output: Path | None) -> None:
    if format_ is Format.text and output is None:
        _print(report)
        return
    written = _written(report, format_)
    if output is None:
        sys.stdout.write(written)
        return
    try:
        output.write_text(written, encoding="utf-8")
    except OSError as error:
        raise unwritable(f"--output {output}", error, "Name a file in a folder that exists") from error


def _written(report: Report, format_: Format) -> str:
    from harness.lint.output.junit import junit
    from harness.lint.output.machine import as_json, github
    from harness.lint.output.sarif import sarif
    from harness.lint.output.text import text

    match format_:
        case Format.json:
            return as_json(report)
        case Format.sarif:
            return sarif(report, version())
        case Format.junit:
            return junit(report)
        case Format.github:
            return github(report)
        case Format.text:
            return text(report)


def _print(report: Report) -> None:
    from rich.markup import escape

    from harness.cli.terminal import Terminal
    from harness.lint.output.text import text

    console = Terminal()
    marked = text(report, lambda part, style: f"\0{style}\1{part}\2")
    escaped = escape(marked)
    for before, after in (("\0", "["), ("\1", "]"), ("\2", "[/]")):
        escaped = escaped.replace(before, after)
    console.print(escaped, highlight=False, end="")


def _told(id_: str | None) -> int:
    """All rules, or one of them with its reasons. Raises UsageError for one that does not exist."""
    from harness.contract.nearest import did_you_mean
    from harness.lint import RULES

    by_id = {rule.id: rule for rule in RULES}
    if id_ is None:
        width = max(map(len, by_id))
        for each in by_id.values():
            sys.stdout.write(f"{each.id:<{width}}  {each.severity:<7}  {each.says}\n")
        return 0
    if id_ not in by_id:
        hint = did_you_mean(id_, by_id)
        raise UsageError(f"--explain {id_}", f"there is no rule '{id_}'", "the id of a rule", hint)
    one = by_id[id_]
    sys.stdout.write(f"{one.id} ({one.severity} by default)\n{one.says}\nwhy:  {one.why}\nmend: {one.mend}\n")
    return 0
