"""JSON of our own, and GitHub's annotations.

``portal lint --format json``, version 1: ``version``, ``contracts`` (names), ``errors``, ``warnings``,
``unreadable`` (numbers), and ``findings``, each with ``rule``, ``severity``, ``file``, ``line``, ``column``,
``endColumn``, ``text`` (the offending text, null where it is withheld), ``title``, ``found``, ``expected``,
``why``, ``mend``, ``service`` and ``operation``. Keys may be added within a version.
"""

from __future__ import annotations

import json

from harness.lint.output.report import Entry, Report

VERSION = 1


def as_json(report: Report) -> str:
    """One JSON document."""
    whole = {
        "version": VERSION,
        "contracts": list(report.names),
        "errors": report.count("error"),
        "warnings": report.count("warning"),
        "unreadable": report.refused,
        "findings": [_finding(entry) for entry in report.entries],
    }
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _finding(entry: Entry) -> dict[str, str | int | None]:
    return {
        "rule": entry.rule,
        "severity": entry.severity,
        "file": entry.file,
        "line": entry.line,
        "column": entry.column,
        "endColumn": entry.end_column,
        "text": None if entry.withheld else entry.text,
        "title": entry.title,
        "found": entry.found,
        "expected": entry.expected,
        "why": entry.why,
        "mend": entry.mend,
        "service": entry.service,
        "operation": entry.operation,
    }


def github(report: Report) -> str:
    """One workflow command a finding, which GitHub Actions shows at the line of the file."""
    return "".join(_command(entry) for entry in report.entries)


def _command(entry: Entry) -> str:
    facts = {
        "file": entry.file,
        "line": str(entry.line),
        "col": str(entry.column),
        "endColumn": str(entry.end_column),
        "title": f"{entry.rule}: {entry.title}",
    }
    told = ",".join(f"{key}={_property(value)}" for key, value in facts.items())
    message = f"found {entry.found}; expected {entry.expected}. {entry.mend}".strip()
    return f"::{entry.severity} {told}::{_data(message)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
