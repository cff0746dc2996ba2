"""How much a rule's findings weigh: by default, as ``portal.toml`` says, as the command line says."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness.contract.nearest import did_you_mean
from harness.errors import UsageError
from harness.findings import Finding
from harness.lint.rule import Rule
from harness.settings import Table

Weight = Literal["off", "warning", "error"]
WEIGHTS: tuple[Weight, ...] = ("off", "warning", "error")
Weights = Mapping[str, Weight]
"""Rule's id → what it weighs."""


@dataclass(frozen=True, slots=True)
class Override:
    """What rules weigh in the files that one of the patterns fits."""

    patterns: tuple[re.Pattern[str], ...]
    weights: Weights

    def fits(self, file: str) -> bool:
        return any(pattern.match(file) for pattern in self.patterns)


@dataclass(frozen=True, slots=True)
class Severities:
    """The command line wins over the overrides, of those the last that fits, and these over ``general``.

    ``folder`` is what the overrides' patterns are relative to.
    """

    general: Weights = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()
    asked: Weights = field(default_factory=dict)
    folder: Path = Path()

    def of(self, rule: Rule, finding: Finding) -> Weight:
        """What a finding of a rule weighs."""
        said = self.asked.get(rule.id) or self._overridden(rule.id, finding.where.file)
        said = said or self.general.get(rule.id)
        if said is None:
            return finding.severity if rule.severity == "error" else rule.severity
        return said

    def _overridden(self, rule: str, file: str) -> Weight | None:
        fitting = [each for each in self.overrides if rule in each.weights]
        if not fitting:
            return None
        here = Path(os.path.relpath(file, self.folder)).as_posix()
        return next((each.weights[rule] for each in reversed(fitting) if each.fits(here)), None)

    def may_speak(self, rule: Rule) -> bool:
        """Whether a finding of the rule could count anywhere: else it need not run."""
        if rule.id in self.asked:
            return self.asked[rule.id] != "off"
        everywhere = self.general.get(rule.id, rule.severity)
        return everywhere != "off" or any(
            each.weights.get(rule.id, "off") != "off" for each in self.overrides
        )


DEFAULT = Severities()


def read(table: Table, known: Collection[str]) -> Severities:
    """``[lint]`` of ``portal.toml``. Raises UsageError for a rule or word that is not ``known``."""
    table.only(("rules", "override"))
    overrides = []
    for each in table.tables("override"):
        each.only(("paths", "rules"))
        patterns = tuple(_pattern(text) for text in each.texts("paths"))
        overrides.append(Override(patterns, _weights(each.table("rules"), known)))
    return Severities(_weights(table.table("rules"), known), tuple(overrides), folder=table.folder)


def _weights(table: Table, known: Collection[str]) -> Weights:
    found: dict[str, Weight] = {}
    for rule in table:
        if rule not in known:
            raise table.error(rule, f"there is no rule '{rule}'", _known(rule, known))
        found[rule] = _weight(table.text(rule), table, rule)
    return found


def _weight(text: str, table: Table, rule: str) -> Weight:
    if text not in WEIGHTS:
        found = f"'{rule}' is '{text}'"
        raise table.error(rule, found, f"one of: {', '.join(WEIGHTS)}. {did_you_mean(text, WEIGHTS)}")
    return text


def _known(rule: str, known: Collection[str]) -> str:
    hint = did_you_mean(rule, known)
    return f"{hint} 'portal lint --rules' lists them".strip()


def asked(options: Collection[str], known: Collection[str]) -> Weights:
    """``--rule ID=SEVERITY`` as often as it was given. Raises UsageError."""
    found: dict[str, Weight] = {}
    for option in options:
        rule, _, weight = option.partition("=")
        where = f"--rule {option}"
        if rule not in known:
            raise UsageError(where, f"there is no rule '{rule}'", "the id of a rule", _known(rule, known))
        if weight not in WEIGHTS:
            expected = f"{rule}= and one of: {', '.join(WEIGHTS)}"
            raise UsageError(where, f"'{weight}' is no severity", expected, did_you_mean(weight, WEIGHTS))
        found[rule] = weight
    return found


def _pattern(glob: str) -> re.Pattern[str]:
    """A glob: ``**`` passes folders, a name alone is one anywhere, a folder is all that is below it."""
    text = glob.removeprefix("./")
    anywhere = "/" not in text.rstrip("/")
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", text.rstrip("/"))
    words = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    inner = "".join(words.get(part) or re.escape(part) for part in parts)
    return re.compile(rf"{'(?:.*/)?' if anywhere else ''}{inner}(?:/.*)?\Z")
