"""Everything that an output may say, in the order of files and lines."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness.findings import Finding, Severity
from harness.lint.output.excerpts import Excerpts
from harness.lint.rule import Rule

Format = Literal["text", "json", "sarif", "junit", "github"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One finding. ``file`` is relative to the working directory where it can be, with ``/`` everywhere.

    ``text`` is the offending text, ``line_text`` the whole line; both empty where they must not be shown.
    ``column`` and ``end_column`` count characters from 1, the latter the first that no longer belongs to it.
    """

    rule: str
    severity: Severity
    file: str
    line: int
    column: int
    end_column: int
    title: str
    found: str
    expected: str
    why: str
    mend: str
    text: str
    line_text: str
    service: str
    operation: str
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """``rules`` are those that ran, by id; ``names`` the contracts that were judged; ``refused`` how many
    could not be read."""

    entries: tuple[Entry, ...]
    rules: Mapping[str, Rule]
    names: tuple[str, ...] = ()
    refused: int = 0
    files: tuple[str, ...] = field(default=())

    def count(self, severity: Severity) -> int:
        return sum(entry.severity == severity for entry in self.entries)

    def by_file(self) -> Iterator[tuple[str, list[Entry]]]:
        """Every file that was judged, with its entries."""
        held: dict[str, list[Entry]] = {file: [] for file in self.files}
        for entry in self.entries:
            held.setdefault(entry.file, []).append(entry)
        yield from sorted(held.items())


def entry_of(finding: Finding, rules: Mapping[str, Rule], excerpts: Excerpts) -> Entry:
    id_ = finding.check.removeprefix("lint/")
    rule, where = rules.get(id_), finding.where
    excerpt = excerpts.of(where)
    safe = excerpts.without_values
    return Entry(
        rule=id_,
        severity=finding.severity,
        file=shown(where.file),
        line=where.line,
        column=where.column,
        end_column=where.column + max(len(excerpt.text), 1),
        title=safe(finding.title),
        found=safe(finding.received),
        expected=safe(finding.documented),
        why=rule.why if rule else "",
        mend=rule.mend if rule else "",
        text=safe(excerpt.text),
        line_text=safe(excerpt.line),
        service=finding.service,
        operation=finding.operation,
        withheld=excerpt.withheld,
    )


def shown(file: str) -> str:
    """A file as seen from the working directory; as it is if it is not below it."""
    path = Path(file)
    if path.is_absolute():
        relative = os.path.relpath(path)
        return path.as_posix() if relative.startswith("..") else Path(relative).as_posix()
    return Path(os.path.normpath(path)).as_posix()
