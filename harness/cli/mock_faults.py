"""The faults that ``portal.toml`` has for mocks: its ``[[mock.fault]]`` tables."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.contract.model import System
    from mocks.conduct import Conduct
    from mocks.fault_rules import Rule


def conducts(file: Path | None, system: System, names: Iterable[str], usual: Conduct) -> dict[str, Conduct]:
    """How each mock behaves: as is usual, with the faults that a ``portal.toml`` has for it."""
    rules = configured_faults(file, system, names)
    return {name: replace(usual, faults=rules.get(name, ())) for name in names}


def configured_faults(file: Path | None, system: System, names: Iterable[str]) -> dict[str, tuple[Rule, ...]]:
    """The rules for each of these mocks, by service; none without a file.

    A rule is for the mock that its ``service`` names, else for all that have its operations. One for a
    service that is not mocked now is left out and told. Raises UsageError for one that cannot be.
    """
    from harness import settings
    from mocks.fault_rules import check_rule, rule_of

    found: dict[str, list[Rule]] = {name: [] for name in names}
    mock = settings.read(file).table("mock") if file is not None else None
    for number, table in enumerate(mock.tables("fault") if mock is not None else (), 1):
        where, service = table.place("fault"), table.value.get("service")
        rule = rule_of(table.value, where, f"portal.toml-{number}")
        if service is not None and service not in found:
            sys.stderr.write(f"portal: {where}: this fault is for '{service}', which is not mocked here.\n")
            continue
        fitting, first = 0, None
        for name in [service] if service is not None else system.contracts:
            try:
                check_rule(rule, system.contracts[name], where)
            except UsageError as error:
                first = first or error
                continue
            fitting += 1
            if name in found:
                found[name].append(rule)
        if not fitting and first is not None:
            raise first
    return {name: tuple(rules) for name, rules in found.items()}
