"""The figures, as a terminal and as the README show them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tests.benchmarks.peers.asked import GET, POST
from tests.benchmarks.peers.servers import BARE, STATEFUL, STATELESS

if TYPE_CHECKING:
    from tests.benchmarks.peers.measuring import Figures

WIDTH = 40
LONGEST_REASON = 200
"""Characters of a table's cell."""

BUSY = 0.95
"""Of its core that the load uses when it may be what limits."""

LEAST = {STATELESS: 0.5, STATEFUL: 0.25}
MOST_P99 = 3.0
OURS = "Portal"


def say(line: str) -> None:
    """A line, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def ratio(figures: Figures, server: str, load: str) -> float:
    """Its requests a second to those of the bare uvicorn app."""
    return figures.of(server, load).rate / figures.of(BARE, load).rate


def refuses(figures: Figures, server: str) -> bool:
    """Whether it refused the bad POST as a client's mistake."""
    return 400 <= figures.answered[server][2] < 500


def show(figures: Figures) -> None:
    """Table, bars and who is absent, on a terminal."""
    columns = ("req/s", "ratio", "p50 ms", "p99 ms")
    console = Console(width=150)
    table = Table(
        "server", "version", *(f"{load[-4:].strip()} {each}" for load in (GET, POST) for each in columns)
    )
    table.add_column("a bad POST")
    for server in figures.servers:
        cells = [cell for load in (GET, POST) for cell in _cells(figures, server, load)]
        table.add_row(server, figures.running[server].version, *cells, f"{figures.answered[server][2]}")
    console.print(table)
    for line in (*bars(figures), *notes(figures)):
        say(line)


def _cells(figures: Figures, server: str, load: str) -> Iterator[str]:
    found = figures.of(server, load)
    limited = "≥ " if found.busy >= BUSY and server != BARE else ""
    yield f"{limited}{found.rate:,.0f}"
    yield f"{limited}{ratio(figures, server, load):.2f}"
    yield f"{found.p50:.1f}"
    yield f"{found.p99:.1f}"


def bars(figures: Figures) -> Iterator[str]:
    """Ratios to the bare uvicorn app as bars, one plot a load."""
    for load in (GET, POST):
        yield f"{load}, ratio to the bare uvicorn app"
        for server in figures.servers:
            found = ratio(figures, server, load)
            yield f"  {server:<26} {'█' * max(1, round(min(found, 1.2) * WIDTH))} {found:.2f}"


def notes(figures: Figures) -> Iterator[str]:
    """What each was given, where the load may have been the limit, and who could not be had."""
    for server in figures.servers:
        if note := figures.running[server].note:
            yield f"{server}: {note}"
        busy = [load for load in (GET, POST) if figures.of(server, load).busy >= BUSY]
        if busy:
            yield f"{server}: the load used its whole core on {' and '.join(busy)}, so it may be faster"
    for server, reason in figures.absent.items():
        yield f"{server}: not measured. {reason}"


def missed(figures: Figures) -> Iterator[str]:
    """Where ours is not as fast as it should be."""
    for server, least in LEAST.items():
        for load in (GET, POST) if server in figures.servers else ():
            found = ratio(figures, server, load)
            slower = figures.of(server, load).p99 / figures.of(BARE, load).p99
            if found < least:
                yield f"{server}: {found:.2f} of bare uvicorn on {load}, less than {least}"
            if slower > MOST_P99:
                yield f"{server}: p99 of {load} is {slower:.1f} times bare uvicorn's"
    for load in (GET, POST) if STATELESS in figures.servers else ():
        for server in figures.servers:
            peer = server != BARE and not server.startswith(OURS) and refuses(figures, server)
            if peer and ratio(figures, server, load) >= ratio(figures, STATELESS, load):
                yield f"{server} validates and is faster than {STATELESS} on {load}"


def markdown(figures: Figures) -> Iterator[str]:
    """The README's table of figures."""
    yield "| server | version | GET | p50, p99 ms | validated POST | p50, p99 ms | a bad POST |"
    yield "|---|---|---|---|---|---|---|"
    for server in figures.servers:
        cells = [server, figures.running[server].version]
        for load in (GET, POST):
            found = figures.of(server, load)
            cells += [f"{ratio(figures, server, load):.2f}", f"{found.p50:.1f}, {found.p99:.1f}"]
        bad = figures.answered[server][2]
        yield f"| {' | '.join([*cells, f'{bad}' if refuses(figures, server) else f'{bad}: not validated'])} |"
    for server, reason in figures.absent.items():
        line = " ".join(reason.split())[:LONGEST_REASON].replace("|", "\\|")
        yield f"| {server} | | not measured: {line} | | | | |"
