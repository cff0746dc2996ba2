"""The README's section on peers: written, and read again by the test that holds it to the tables."""

from __future__ import annotations

import platform
from pathlib import Path

from tests.benchmarks.peers import report
from tests.benchmarks.peers.features import table
from tests.benchmarks.peers.measuring import CONNECTIONS, Figures

BEGIN = "<!-- peers: python -m tests.benchmarks.peers --write -->"
END = "<!-- /peers -->"
BETWEEN = "<!-- peers' features -->"


def write(readme: Path, figures: Figures | None) -> None:
    """Replace what stands between the markers; without figures those that stand there are kept."""
    before, begin, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    inside, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{readme} has no {BEGIN} … {END}")
    numbers = inside.partition(BETWEEN)[0].strip() if figures is None else _numbers(figures)
    section = "\n".join([BEGIN, numbers, "", BETWEEN, *table.markdown(), END])
    readme.write_text(f"{before}{section}{after}", encoding="utf-8")


def features(text: str) -> str:
    """The table of features that a README has."""
    return text.partition(BEGIN)[2].partition(END)[0].partition(BETWEEN)[2].strip()


def _numbers(figures: Figures) -> str:
    said = (
        f"Requests a second as ratios to a bare uvicorn app, {CONNECTIONS} connections, one core for the "
        f"server and one for the load (Python {platform.python_version()}, {platform.machine()}):"
    )
    plot = ["```text", *report.bars(figures), "```"]
    return "\n".join([said, "", *report.markdown(figures), "", *plot])
