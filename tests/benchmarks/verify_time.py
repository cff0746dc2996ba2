"""How long the full verify takes, by service and check: ``python -m tests.benchmarks.verify_time``."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.e2e.portal import portal


def main() -> None:
    """Print seconds by check, the sum of them, and the wall time of the whole command."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        ran = portal("verify", "--report", folder, *sys.argv[1:], timeout=900)
        wall = time.perf_counter() - began
        report = json.loads(Path(folder, "report.json").read_text())
    services = list(dict.fromkeys(check["service"] for check in report["checks"]))
    names = list(dict.fromkeys(check["check"] for check in report["checks"]))
    seconds = {(check["service"], check["check"]): check["seconds"] for check in report["checks"]}
    table = Table("check", *services, "all", title=f"portal verify: exit {ran.code}, {wall:.1f} s wall")
    for name in names:
        row = [seconds.get((service, name), 0.0) for service in services]
        table.add_row(name, *(f"{each:.1f}" for each in row), f"{sum(row):.1f}")
    totals = [sum(seconds.get((service, name), 0.0) for name in names) for service in services]
    table.add_section()
    table.add_row("all", *(f"{each:.1f}" for each in totals), f"{sum(totals):.1f}")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
