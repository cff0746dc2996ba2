"""What can be wrong with contracts before anything runs.

``lint`` goes through ``RULES`` in their order. A new rule is a function in one of these files and a line in
its ``RULES``. What cannot be read at all is refused by ``harness.contract.load_system`` already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from harness.contract.model import System
from harness.findings import Finding
from harness.lint import (
    asyncapi_structure,
    causes,
    expressions,
    links,
    operations,
    privacy,
    schemas,
    structure,
    topics,
    words,
    workflows,
)
from harness.lint.rule import Rule
from harness.lint.source import Source, sources_of

RULES: tuple[Rule, ...] = (
    *structure.RULES,
    *asyncapi_structure.RULES,
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


def lint(system: System, sources: Iterable[Source] | None = None) -> Iterator[Finding]:
    """Every finding once, also where several contracts refer to the file that it is in.

    ``sources`` are the documents as written; by default those that the contracts were read from.
    """
    if sources is None:
        sources = (source for contract in system.contracts.values() for source in sources_of(contract))
    written, seen = list(sources), set()
    for finding in _all(system, written):
        key = (finding.check, finding.where, finding.title, finding.received)
        if key not in seen:
            seen.add(key)
            yield finding


def _all(system: System, sources: list[Source]) -> Iterator[Finding]:
    for rule in RULES:
        found = list[Iterator[Finding]]()
        if rule.source:
            found += map(rule.source, sources)
        if rule.together:
            found.append(rule.together(sources))
        if rule.run:
            found.append(rule.run(system))
        for each in chain.from_iterable(found):
            yield each if rule.severity == "error" else replace(each, severity=rule.severity)
