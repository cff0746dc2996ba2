"""What can be wrong with contracts before anything runs.

``lint`` goes through ``RULES`` in their order. A new rule is a function in one of these files and a line in
its ``RULES``. What cannot be read at all is refused by ``harness.contract.load_system`` already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from harness.contract.collecting import uncollected
from harness.contract.model import System
from harness.errors import ContractError
from harness.findings import Finding
from harness.lint import (
    addresses,
    asyncapi_structure,
    causes,
    channels,
    copies,
    examples,
    expressions,
    impossible,
    keywords,
    links,
    operations,
    patterns,
    privacy,
    structure,
    style,
    topics,
    words,
    workflows,
)
from harness.lint.rule import OnSource, Rule
from harness.lint.severity import DEFAULT, Severities
from harness.lint.source import Source, sources_of

RULES: tuple[Rule, ...] = (
    *structure.RULES,
    *asyncapi_structure.RULES,
    *examples.RULES,
    *impossible.RULES,
    *keywords.RULES,
    *patterns.RULES,
    *operations.RULES,
    *channels.RULES,
    *addresses.RULES,
    *copies.RULES,
    *words.RULES,
    *causes.RULES,
    *expressions.RULES,
    *links.RULES,
    *topics.RULES,
    *style.RULES,
    *privacy.RULES,
    *workflows.RULES,
)

__all__ = ["RULES", "Rule", "lint"]


def lint(
    system: System, sources: Iterable[Source] | None = None, severities: Severities = DEFAULT
) -> Iterator[Finding]:
    """Every finding once, also where several contracts refer to the file that it is in.

    ``sources`` are the documents as written; by default those that the contracts were read from.
    """
    if sources is None:
        sources = (source for contract in system.contracts.values() for source in sources_of(contract))
    written, seen = list(sources), set()
    for finding in _all(system, written, severities):
        key = (finding.check, finding.where, finding.title, finding.received)
        if key not in seen:
            seen.add(key)
            yield finding


def _all(system: System, sources: list[Source], severities: Severities) -> Iterator[Finding]:
    for rule in RULES:
        if not severities.may_speak(rule):
            continue
        found = list[Iterator[Finding]]()
        if rule.source:
            found += [_of_source(rule.source, source) for source in sources]
        if rule.together:
            found.append(rule.together(sources))
        if rule.run:
            found.append(rule.run(system))
        with uncollected():
            told = list(chain.from_iterable(found))
        for each in told:
            severity = severities.of(rule, each)
            if severity != "off":
                yield each if severity == each.severity else replace(each, severity=severity)


def _of_source(judge: OnSource, source: Source) -> Iterator[Finding]:
    """A rule may stumble over what the reader has refused: that is told already, and so is the place."""
    try:
        yield from judge(source)
    except ContractError:
        if source.contract is not None:
            raise
