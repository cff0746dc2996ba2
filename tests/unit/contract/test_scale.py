"""The cost of loading, compiling and linting a contract grows with its size and no faster.

Counted in calls, which no other load on the machine can change; ``tests.benchmarks.reading`` has the seconds.
"""

from __future__ import annotations

import cProfile
import gc
import pstats
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.contract import load_system
from harness.contract.schema import compile_schema
from harness.contract.sources import Sources
from harness.errors import ContractError
from harness.lint import lint
from tests.benchmarks.generated_contract import contract
from tests.benchmarks.reading import plot, schemas_in_use

SMALL, TIMES = 20, 4
MOST = 1.15 * TIMES


def calls(work: Callable[[], Any]) -> tuple[int, Any]:
    profile = cProfile.Profile()
    result = profile.runcall(work)
    total: int = pstats.Stats(profile).total_calls  # type: ignore[attr-defined]  # it is there
    return total, result


def costs(folder: Path, operations: int) -> dict[str, int]:
    (folder / "openapi.yaml").write_text(contract(operations))
    load, system = calls(lambda: load_system(folder, Sources(keeps=False)))
    used = [use for each in system.contracts.values() for use in schemas_in_use(each)]
    compiling, _ = calls(lambda: [compile_schema(*use) for use in used])
    linting, _ = calls(lambda: list(lint(system)))
    return {"load": load, "compile": compiling, "lint": linting}


def test_four_times_the_contract_costs_four_times_as_much(tmp_path: Path) -> None:
    costs(tmp_path, SMALL)  # what is done once for all contracts, such as importing, is done
    one, four = costs(tmp_path, SMALL), costs(tmp_path, SMALL * TIMES)
    growth = {part: four[part] / one[part] for part in one}
    assert max(growth.values()) <= MOST, growth


def test_the_plot_shows_where_a_cost_that_grows_faster_leaves_the_line() -> None:
    rows = plot({600: 3.0, 1200: 6.0, 3000: 30.0})
    assert [row.count("█") for row in rows] == sorted(row.count("█") for row in rows)
    assert rows[1].rstrip(" 0123456789.s").endswith("|")
    assert "|██" in rows[2]


@pytest.mark.parametrize("at_work", [True, False])
def test_the_collector_is_left_as_it_was_found(tmp_path: Path, at_work: bool) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("openapi: [")
    before = gc.isenabled()
    (gc.enable if at_work else gc.disable)()
    try:
        with pytest.raises(ContractError):
            load_system(path)
        assert gc.isenabled() is at_work
    finally:
        (gc.enable if before else gc.disable)()
