"""The faults that ``portal.toml`` has for mocks: its ``[[mock.fault]]`` tables."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.contract.model import System
    from mocks.fault_rules import Rule

_TABLE = re.compile(r"\s*\[\[\s*mock\s*\.\s*fault\s*\]\]")


def configured_faults(file: Path, system: System, names: list[str]) -> dict[str, tuple[Rule, ...]]:
    """The rules for each of these mocks, by service; none without the file.

    A rule is for the mock that its ``service`` names, else for all that have its operations. Raises
    UsageError for one that cannot be, or is for none of them.
    """
    from mocks.fault_rules import check_rule, rule_of

    found: dict[str, list[Rule]] = {name: [] for name in names}
    for number, (where, table) in enumerate(_tables(file), 1):
        rule = rule_of(table, where, f"portal.toml-{number}")
        service = table.get("service")
        if service is not None and service not in system.contracts:
            known = ", ".join(sorted(system.contracts))
            raise UsageError(where, f"no mock here is named '{service}'", f"one of {known}")
        fitting, first = 0, None
        for name in [service] if service is not None else names:
            try:
                check_rule(rule, system.contracts[name], where)
            except UsageError as error:
                first = first or error
                continue
            fitting += 1
            found[name].append(rule)
        if not fitting and first is not None:
            raise first
    return {name: tuple(rules) for name, rules in found.items()}


def _tables(file: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each ``[[mock.fault]]`` with its place. Raises UsageError for a file that cannot be read."""
    try:
        text = file.read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(str(file), f"it cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(str(file), f"this is not TOML: {error}", "TOML 1.0") from error
    mock = document.get("mock", {})
    faults = mock.get("fault", []) if isinstance(mock, dict) else None
    if not isinstance(faults, list) or not all(isinstance(each, dict) for each in faults):
        raise UsageError(str(file), "'mock.fault' is no list of tables", "[[mock.fault]] for each rule")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if _TABLE.match(line)]
    for index, table in enumerate(faults):
        at = f":{lines[index]}" if len(lines) == len(faults) else f", [[mock.fault]] number {index + 1}"
        yield f"{file}{at}", table
