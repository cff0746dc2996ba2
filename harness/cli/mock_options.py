"""Options of ``portal mock`` alone."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Remembers(StrEnum):
    """The words of ``--state``."""

    ON = "on"
    OFF = "off"


Paths = Annotated[
    list[Path],
    typer.Argument(metavar="PATH", help="Contract files, services' folders, or a folder of those."),
]
Port = Annotated[
    int,
    typer.Option(min=0, max=65_535, metavar="N", help="Port of a single mock; 0 takes a free one."),
]
ControlPort = Annotated[
    int,
    typer.Option(min=0, max=65_535, metavar="N", help="Port of a single mock's control API."),
]
ControlHost = Annotated[
    str,
    typer.Option(metavar="ADDRESS", help="Address of the control API. Beyond loopback at your own risk."),
]
Faults = Annotated[
    bool, typer.Option("--faults/--no-faults", help="Whether the faults of portal.toml happen.")
]
JournalPhi = Annotated[
    bool, typer.Option("--journal-phi", help="Show in the journal what the contract marks with x-phi.")
]
JournalEntries = Annotated[
    int, typer.Option(min=1, max=1_000_000, metavar="N", help="Entries that the journal keeps.")
]
State = Annotated[
    Remembers,
    typer.Option(help="Whether a mock remembers what it is told, where its contract lets it."),
]
Examples = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Answer with the pairs that --record kept there, too."),
]
ProxyUrl = Annotated[
    str | None,
    typer.Option(
        "--proxy",
        metavar="URL",
        help="Do not answer: stand before the real service there, and report where requests or answers are "
        "not as the contract has them.",
    ),
]
Record = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="With --proxy: keep exchanges there as example pairs, secrets and x-phi values replaced.",
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="With --proxy: for junit.xml, report.json and report.html."),
]
Reload = Annotated[
    bool,
    typer.Option(
        "--reload/--no-reload",
        help="Read a contract anew when one of its files is edited. Connections stay; of a broken edit the "
        "contract before it stays, and every answer says so.",
    ),
]
Workers = Annotated[
    int,
    typer.Option(
        min=1,
        max=64,
        metavar="N",
        help="Processes that answer at the same address. They share nothing, so there is no state, no "
        "control API and no Kafka.",
    ),
]
