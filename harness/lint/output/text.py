"""For people: a headline a finding, the line with a mark under the offending text, why, and the mend."""

from __future__ import annotations

from collections.abc import Callable

from harness.lint.output.report import Entry, Report

Paint = Callable[[str, str], str]
"""Text and style → text; ``plain`` where there are no colours."""

_WIDTH = 160


def plain(text: str, style: str) -> str:
    """The text without any style."""
    return text


def text(report: Report, paint: Paint = plain) -> str:
    """Everything, ordered by file and line, and a last line that counts."""
    told = "\n".join(_entry(entry, paint) for entry in report.entries)
    names = ", ".join(report.names) or "nothing"
    refused = f", {_counted(report.refused, 'contract')} that cannot be read" if report.refused else ""
    errors, warnings = _counted(report.count("error"), "error"), _counted(report.count("warning"), "warning")
    return f"{told}{chr(10) if told else ''}{names}: {errors}, {warnings}{refused}\n"


def _entry(entry: Entry, paint: Paint) -> str:
    colour = "red" if entry.severity == "error" else "yellow"
    lines = [
        f"{paint(f'{entry.file}:{entry.line}:{entry.column}', 'bold')}: "
        f"{paint(entry.severity, colour)} [{entry.rule}] {entry.title}: "
        f"found {entry.found}; expected {entry.expected}",
        *_excerpt(entry, paint, colour),
    ]
    if entry.why:
        lines.append(f"    {paint('why:', 'dim')}  {entry.why}")
    if entry.mend:
        lines.append(f"    {paint('mend:', 'dim')} {entry.mend}")
    return "\n".join(lines)


def _excerpt(entry: Entry, paint: Paint, colour: str) -> list[str]:
    number = f"{entry.line:>6} | "
    if entry.withheld:
        return [paint(f"{number}(an example, withheld: this contract knows x-phi)", "dim")]
    if not entry.line_text:
        return []
    begin = max(entry.column - 1 - _WIDTH // 2, 0)
    shown = entry.line_text[begin : begin + _WIDTH].replace("\t", " ")
    length = max(min(entry.end_column - entry.column, _WIDTH // 2), 1)
    mark = " " * (entry.column - 1 - begin) + "^" * length
    return [f"{paint(number, 'dim')}{shown}", f"{paint(' ' * 6 + ' | ', 'dim')}{paint(mark, colour)}"]


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
