"""JUnit XML: a suite a service and check, a case an operation, as CI servers read it."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from harness.findings import CouldNotTell, Finding, NotApplicable, Passed, Result
from harness.reports.outcome import CheckOutcome, Outcome

_UNWRITABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(outcome: Outcome) -> str:
    """The run as a JUnit document. Findings are failures, "could not tell" errors, the rest skips."""
    root = ET.Element("testsuites", name="portal verify", time=f"{outcome.seconds:.3f}")
    for check in outcome.checks:
        _suite(root, check)
    for total in ("tests", "failures", "errors", "skipped"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _suite(root: ET.Element, check: CheckOutcome) -> None:
    suite = ET.SubElement(
        root,
        "testsuite",
        name=f"{check.service}.{check.check}",
        tests=str(len(check.results)),
        failures=str(sum(isinstance(r, Finding) and r.severity == "error" for r in check.results)),
        errors=str(len(check.of(CouldNotTell))),
        skipped=str(len(check.of(NotApplicable))),
        time=f"{check.seconds:.3f}",
    )
    for result in check.results:
        _case(suite, result)


def _case(suite: ET.Element, result: Result) -> None:
    title = result.title if isinstance(result, Finding | Passed) else ""
    title = result.trying if isinstance(result, CouldNotTell) else title
    name = _text(
        ": ".join(part for part in (result.operation, title) if part) or result.check or result.service
    )
    case = ET.SubElement(
        suite, "testcase", classname=f"{result.service}.{result.check or 'start'}", name=name
    )
    match result:
        case Finding():
            kind = "failure" if result.severity == "error" else "system-out"
            node = ET.SubElement(case, kind)
            if kind == "failure":
                node.set("message", _text(result.title))
                node.set("type", result.check)
            node.text = _text(
                f"received: {result.received}\ndocumented: {result.documented}\n"
                f"where: {result.where}\nreproduce: {result.reproduce}"
            )
        case CouldNotTell():
            node = ET.SubElement(
                case, "error", message=_text(f"could not tell: {result.reason}"), type="CouldNotTell"
            )
            node.text = _text(result.remedy)
        case NotApplicable():
            ET.SubElement(case, "skipped", message=_text(f"not applicable: {result.reason}"))
        case Passed():
            pass


def _text(value: str) -> str:
    """XML 1.0 cannot hold control characters, not even escaped."""
    return _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", value)
