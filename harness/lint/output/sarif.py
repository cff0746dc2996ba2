"""SARIF 2.1.0 (OASIS), as code scanning services take it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from harness.lint.output.report import Entry, Report
from harness.lint.rule import Rule

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_UNREADABLE = Rule("unreadable", "every contract can be read", why="Nothing else of it could be judged.")


def sarif(report: Report, version: str) -> str:
    """One log with one run; ``version`` is Portal's own."""
    rules = [*report.rules.values(), _UNREADABLE]
    index = {rule.id: number for number, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {"name": "portal lint", "version": version, "rules": [_rule(each) for each in rules]}
        },
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": not report.refused}],
        "results": [_result(entry, index) for entry in report.entries],
    }
    whole = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    level = {"error": "error", "warning": "warning", "off": "none"}[rule.severity]
    told: dict[str, Any] = {
        "id": rule.id,
        "shortDescription": {"text": _sentence(rule.says)},
        "defaultConfiguration": {"level": level},
    }
    if rule.why:
        told["fullDescription"] = {"text": rule.why}
    if rule.mend:
        told["help"] = {"text": rule.mend}
    return told


def _result(entry: Entry, index: Mapping[str, int]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "ruleId": entry.rule,
        "level": entry.severity,
        "message": {"text": f"{_sentence(entry.title)} Found: {entry.found}. Expected: {entry.expected}."},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(entry.file)},
                    "region": {
                        "startLine": max(entry.line, 1),
                        "startColumn": max(entry.column, 1),
                        "endColumn": max(entry.end_column, 2),
                    },
                }
            }
        ],
    }
    if entry.rule in index:
        told["ruleIndex"] = index[entry.rule]
    return told


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
