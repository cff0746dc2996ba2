"""``portal serve``: reference services."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.databases import Databases
from harness.cli.extras import need
from harness.cli.hosting import Stay, host, recording
from harness.cli.notes import LogFormat, Logs
from harness.cli.observing import observe
from harness.cli.options import (
    AllowRemote,
    Contracts,
    Database,
    DatabaseUrl,
    Exchanges,
    Host,
    Kafka,
    Maps,
    OneDatabase,
    ReadyFile,
    chosen,
    sources_of,
    system_of,
)
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.contract.model import System
    from harness.kafka.broker import Broker
    from harness.serving.recording import Recorder
    from harness.serving.server import Hosted


def serve(
    services: Annotated[
        list[str] | None,
        typer.Argument(metavar="SERVICE", help="Names of folders of contracts. Default: all."),
    ] = None,
    port: Annotated[
        int,
        typer.Option(min=0, max=65_535, metavar="N", help="Port of a single service; 0 takes a free one."),
    ] = 0,
    host_: Host = "127.0.0.1",
    kafka: Kafka = "embedded",
    contracts: Contracts = None,
    allow_remote: AllowRemote = False,
    maps: Maps = None,
    data: Database = None,
    database_url: DatabaseUrl = None,
    one_database: OneDatabase = False,
    exchanges: Exchanges = None,
    ready_file: ReadyFile = None,
    log_format: Logs = LogFormat.TEXT,
) -> None:
    """Run reference services, until Ctrl-C.

    Each gets a database and a port of its own, and control endpoints (provider states, clock) on
    another, loopback-only port.
    """
    observe(log_format)
    need("serve", "reference")
    system = system_of(contracts, sources_of(allow_remote, maps))
    names = chosen(system, services)
    if port and len(names) != 1:
        raise UsageError(
            f"--port {port}",
            f"{len(names)} services cannot share one port: {', '.join(names)}",
            "one service",
            "Name one, or leave --port out: each then gets a free one",
        )
    stay = Stay(kafka=kafka, host=host_, ports={names[0]: port} if port else {}, ready_file=ready_file)
    databases = Databases(data, database_url, one_database)
    with databases.held(names, kafka), recording(exchanges) as recorder:
        host(system, lambda broker: references(system, names, broker, databases, recorder), stay)


def references(
    system: System,
    names: Iterable[str],
    broker: Broker | None,
    databases: Databases,
    recorder: Recorder | None,
) -> list[Hosted]:
    """Reference services of these names, built but not started."""
    from harness.serving.keys import KeyStore
    from reference_services.platform.service import build_service

    keys = KeyStore()
    built: list[Hosted] = []
    for name in names:
        url, schema = databases.of(name)
        built.append(
            build_service(system.contracts[name], broker, keys, url, schema=schema, recorder=recorder)
        )
    return built
