"""``portal lint``: what is wrong with contracts, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import AllowRemote, Maps, contracts_folder, sources_of, system_of
from harness.errors import UsageError


def lint(
    path: Annotated[
        Path | None,
        typer.Argument(
            metavar="PATH",
            help="A contract, or a folder of them. Default: ./contracts, else those that come with Portal.",
        ),
    ] = None,
    allow_remote: AllowRemote = False,
    maps: Maps = None,
) -> int:
    """Read contracts and say what is wrong: place, text, reason.

    Exit code 0: nothing or only warnings; 1: errors found; 2: a contract cannot be read at all.
    """
    from rich.markup import escape

    from harness.cli.terminal import Terminal
    from harness.lint import lint as findings_of
    from harness.reports.outcome import counted

    folder = contracts_folder(path)
    system = system_of(folder, sources_of(allow_remote, maps))
    if not system.contracts and not system.workflows:
        raise UsageError(str(folder), "no contract is there", "folders with openapi.yaml")
    console = Terminal()
    found = list(findings_of(system))
    for finding in sorted(found, key=lambda f: (f.where.file, f.where.line)):
        colour = "red" if finding.severity == "error" else "yellow"
        rule = finding.check.removeprefix("lint/")
        console.print(
            f"{escape(str(finding.where))}: [{colour}]{finding.severity}[/] {escape(f'[{rule}]')} "
            f"{escape(finding.title)}: found {escape(finding.received)}; "
            f"expected {escape(finding.documented)}",
            highlight=False,
        )
    errors = sum(finding.severity == "error" for finding in found)
    names = ", ".join((*sorted(system.contracts), *(each.name for each in system.workflows)))
    told = f"{counted(errors, 'error')}, {counted(len(found) - errors, 'warning')}"
    console.print(f"{names}: {told}", markup=False)
    return 1 if errors else 0
