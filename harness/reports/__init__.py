"""Reports: each one consumer of a run's events."""

from __future__ import annotations

from pathlib import Path

from harness.reports.html import html
from harness.reports.json_report import json_report
from harness.reports.junit import junit
from harness.reports.outcome import Outcome

NAMES = ("junit.xml", "report.json", "report.html")


def remove(folder: Path) -> None:
    """Delete an earlier run's reports there: a run that dies must not leave them behind as its own."""
    for name in NAMES:
        (folder / name).unlink(missing_ok=True)


def write(outcome: Outcome, folder: Path) -> list[Path]:
    """Write the three reports into ``folder``; their paths come back."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = (junit(outcome).encode(), json_report(outcome), html(outcome).encode())
    for name, content in zip(NAMES, contents, strict=True):
        (folder / name).write_bytes(content)
    return [folder / name for name in NAMES]
