"""The features, as a terminal and as the README show them."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from tests.benchmarks.peers import report
from tests.benchmarks.peers.features.rows import BY_HAND, ROWS, TOOLS, Cell, Row
from tests.benchmarks.peers.features.tried import Found


def show(found: Found) -> None:
    """Every cell: tried now, as last time where the tool is absent, or cited."""
    table = Table("", *(f"{tool} {found.versions.get(tool, '')}" for tool in TOOLS), title="● tried now")
    for row in ROWS:
        table.add_row(row.feature, *(_shown(row, tool, found) for tool in TOOLS))
    Console(width=150).print(table)
    for tool, reason in found.absent.items():
        report.say(f"{tool}: not tried. {reason}")


def _shown(row: Row, tool: str, found: Found) -> str:
    tried = "● " if (row.attempt, tool) in found.outcomes else ""
    return f"{tried}{row.cells[tool].says}"


def surprises(found: Found) -> Iterator[str]:
    """Where a tool does not do what its cell says."""
    for row in ROWS:
        for tool in TOOLS:
            outcome = found.outcomes.get((row.attempt, tool))
            says = row.cells[tool].says
            expected = "yes" if tool == "WireMock" and says == BY_HAND else says
            if outcome is not None and outcome != expected:
                yield f"{tool}, {row.feature}: the table says {says!r}, {row.attempt} found {outcome!r}"


def markdown() -> Iterator[str]:
    """The README's table of features."""
    yield f"| | {' | '.join(TOOLS)} |"
    yield f"|---|{'---|' * len(TOOLS)}"
    for group in dict.fromkeys(row.group for row in ROWS):
        yield f"| *{group}* |{' |' * len(TOOLS)}"
        for row in ROWS:
            if row.group == group:
                yield f"| {row.feature} | {' | '.join(_linked(row.cells[tool]) for tool in TOOLS)} |"


def _linked(cell: Cell) -> str:
    return f"[{cell.says}]({cell.source})" if cell.source else cell.says
