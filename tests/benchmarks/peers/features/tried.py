"""Every attempt on every tool that can be had here."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from harness.errors import HarnessError
from tests.benchmarks.peers import java_servers, microcks, prism, report
from tests.benchmarks.peers.bench import Bench, client
from tests.benchmarks.peers.document import bundled
from tests.benchmarks.peers.features.attempts import ON_A_COPY, ON_COVERAGE, ON_SCHEDULING, Attempt, Trial
from tests.benchmarks.peers.features.rows import ROWS
from tests.benchmarks.peers.servers import Starting, portal_mock
from tests.conftest import ROOT

TOOLS: Mapping[str, Starting] = {
    "Portal": portal_mock,
    "Prism": partial(prism.prism, options=("--seed", "one")),
    "WireMock": java_servers.wiremock,
    "Microcks": microcks.microcks,
    "Specmatic": java_servers.specmatic,
}


@dataclass
class Found:
    """What came of the attempts, by name and tool; ``absent`` says which tools could not be had, and why."""

    outcomes: dict[tuple[str, str], str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)


def everything(bench: Bench, only: str = "") -> Found:
    """Each tool in turn, on the two contracts that the attempts need."""
    found = Found()
    scheduling = bundled(ROOT / "contracts" / "scheduling" / "openapi.yaml", bench.folder / "scheduling.yaml")
    for tool in TOOLS:
        if only in tool:
            report.say(f"  {tool} …")
            try:
                of_tool(bench, tool, ON_COVERAGE, found)
                of_tool(replace(bench, contract=scheduling), tool, ON_SCHEDULING, found)
                copy = bench.folder / f"{tool}.yaml"
                shutil.copy(bench.contract, copy)
                of_tool(replace(bench, contract=copy), tool, ON_A_COPY, found)
            except HarnessError as error:
                found.absent[tool] = str(error)
    return found


def of_tool(bench: Bench, tool: str, attempts: Mapping[str, Attempt], found: Found) -> None:
    """Those of the attempts that the table says were tried. Raises HarnessError if it cannot be had."""
    wanted = {row.attempt for row in ROWS if row.attempt in attempts and not row.cells[tool].source}
    if not wanted:
        return
    with TOOLS[tool](bench) as running, client(running.base) as to:
        found.versions[tool] = running.version
        for name in sorted(wanted):
            found.outcomes[name, tool] = attempts[name](Trial(to, bench))
