"""JUnit XML: a suite a file, a case a finding, and one that passes where there is none."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from harness.lint.output.report import Entry, Report

_UNWRITABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(report: Report) -> str:
    """Errors are failures, what cannot be read is an error, warnings are cases that pass and say so."""
    root = ET.Element("testsuites", name="portal lint")
    for file, entries in report.by_file():
        _suite(root, file, entries)
    for total in ("tests", "failures", "errors", "skipped"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(root: ET.Element, file: str, entries: list[Entry]) -> None:
    unreadable = sum(entry.rule == "unreadable" for entry in entries)
    failures = sum(entry.severity == "error" for entry in entries) - unreadable
    suite = ET.SubElement(
        root,
        "testsuite",
        name=_text(file),
        tests=str(max(len(entries), 1)),
        failures=str(failures),
        errors=str(unreadable),
        skipped="0",
    )
    if not entries:
        ET.SubElement(suite, "testcase", classname=_text(file), name="lint")
    for entry in entries:
        name = f"{entry.rule} at {entry.line}:{entry.column}"
        case = ET.SubElement(suite, "testcase", classname=_text(file), name=name)
        told = (
            f"{entry.file}:{entry.line}:{entry.column}: {entry.title}\nfound: {entry.found}\n"
            f"expected: {entry.expected}\nwhy: {entry.why}\nmend: {entry.mend}"
        )
        kind = "error" if entry.rule == "unreadable" else "failure"
        if entry.severity == "error":
            node = ET.SubElement(case, kind, message=_text(entry.title), type=entry.rule)
        else:
            node = ET.SubElement(case, "system-out")
        node.text = _text(told)


def _text(value: str) -> str:
    """XML 1.0 cannot hold control characters, not even escaped."""
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", value)
