"""What can be wrong with contracts before anything runs.

``lint`` goes through ``RULES`` in their order. A new rule is a function in one of these files and a line in
its ``RULES``. What cannot be read at all is refused by ``harness.contract.load_system`` already.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.contract.model import System
from harness.findings import Finding
from harness.lint import causes, expressions, links, operations, privacy, schemas, topics, words, workflows
from harness.lint.rule import Rule

RULES: tuple[Rule, ...] = (
    *schemas.RULES,
    *operations.RULES,
    *words.RULES,
    *causes.RULES,
    *expressions.RULES,
    *links.RULES,
    *topics.RULES,
    *privacy.RULES,
    *workflows.RULES,
)

__all__ = ["RULES", "Rule", "lint"]


def lint(system: System) -> Iterator[Finding]:
    """Every finding once, also where several contracts refer to the file that it is in."""
    seen = set()
    for rule in RULES:
        for finding in rule.run(system):
            key = (finding.check, finding.where, finding.title, finding.received)
            if key not in seen:
                seen.add(key)
                yield finding
