"""No false finding: ``portal verify`` on the services as they are, under one seed after the other.

``python -m tests.faulty_services.seeds`` tells what it says under each of twenty; the exit code is 0 if that
is nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.portal import portal

LONGEST = 900.0
_WRONG = ("finding", "could not tell")


@dataclass(frozen=True, slots=True)
class Said:
    """What one run said: its exit code, seconds, and every finding and everything that it could not tell."""

    seed: int
    code: int
    seconds: float
    wrong: tuple[str, ...]


def verify(seed: int, *bounds: str) -> Said:
    """All shipped services, in order, under a seed; ``bounds`` are options of ``portal verify``."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="portal-seeds-") as name:
        folder = Path(name)
        ran = portal(
            "verify", "--seed", str(seed), *bounds, "--settle", "0.5", "--report", name,
            timeout=LONGEST, PORTAL_STATE=os.environ.get("PORTAL_STATE", name),
        )  # fmt: skip
        report = folder / "report.json"
        told: dict[str, Any] = json.loads(report.read_text()) if report.exists() else {"checks": []}
    results = [result for check in told["checks"] for result in check["results"]]
    wrong = [_line(each) for each in results if each["kind"] in _WRONG]
    if ran.code and not wrong:
        wrong = [ran.text]
    return Said(seed, ran.code, time.monotonic() - began, tuple(wrong))


def _line(result: dict[str, Any]) -> str:
    where = f"{result['service']} {result['operation']}, {result['check']}"
    if result["kind"] == "finding":
        return f"{where}: {result['title']}; received: {result['received']}; {result['reproduce']}"
    return f"{where} could not tell: {result['trying']} {result['reason']}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faulty_services.seeds", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many; default 20")
    parser.add_argument("--first", type=int, default=1, help="the first of them; default 1")
    parser.add_argument("--cases", default="5", help="bounds every check; default 5")
    parser.add_argument(
        "--boundaries", default="0.3", help="the share of boundary values that each tries; default 0.3"
    )
    options = parser.parse_args(arguments)
    clean = True
    for seed in range(options.first, options.first + options.seeds):
        said = verify(seed, "--cases", options.cases, "--boundaries", options.boundaries)
        clean = clean and not said.wrong
        _say(f"seed {seed}: exit code {said.code}, {len(said.wrong)} wrong, {said.seconds:.0f} s")
        for each in said.wrong:
            _say(f"  {each}")
    return 0 if clean else 1


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
