"""``portal kafka``: the embedded broker alone, for several ``serve``s and ``mock``s to join."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.hosting import Stay, host_broker
from harness.cli.options import AllowRemote, Contracts, Maps, ReadyFile, sources_of, system_of


def kafka(
    port: Annotated[
        int,
        typer.Option(min=0, max=65_535, metavar="N", help="Port to listen on; 0 takes a free one."),
    ] = 9092,
    contracts: Contracts = None,
    allow_remote: AllowRemote = False,
    maps: Maps = None,
    ready_file: ReadyFile = None,
) -> None:
    """Run the embedded Kafka broker with the contracts' topics, until Ctrl-C.

    It speaks Kafka's protocol over TCP, keeps everything in memory and forgets it at its end. Join it with
    --kafka 127.0.0.1:PORT.
    """
    host_broker(
        system_of(contracts, sources_of(allow_remote, maps)),
        Stay(kafka="embedded", kafka_port=port, ready_file=ready_file),
    )
