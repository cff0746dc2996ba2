"""``portal up``: the whole portal, any mixture of reference services, mocks and services elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.databases import Databases
from harness.cli.extras import need
from harness.cli.hosting import Stay, host, nobody, recording
from harness.cli.mock import mocks_of
from harness.cli.mock_faults import configured_faults
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
    check_service,
    sources_of,
    system_of,
    urls,
)
from harness.cli.serve import peers_of, references
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.contract.model import System
    from harness.kafka.broker import Broker
    from harness.serving.server import Hosted

_LAST_PORT = 65_535
_First = Annotated[
    int,
    typer.Option(
        min=0,
        max=_LAST_PORT,
        metavar="N",
        help="Port of the first service by name; the others get the next ones. 0 takes free ones.",
    ),
]


def up(
    mock: Annotated[
        list[str] | None,
        typer.Option(metavar="SERVICE", help="Mock this one; repeat it for several."),
    ] = None,
    external: Annotated[
        list[str] | None,
        typer.Option(metavar="SERVICE=URL", help="This one runs elsewhere; repeat it for several."),
    ] = None,
    host_: Host = "127.0.0.1",
    port: _First = 0,
    kafka: Kafka = "embedded",
    kafka_port: Annotated[
        int,
        typer.Option(min=0, max=65_535, metavar="N", help="Port of the embedded broker; 0 takes a free one."),
    ] = 0,
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
    """Run the whole portal in one process, until Ctrl-C.

    Every service runs as its reference service unless it is mocked or elsewhere.
    """
    observe(log_format)
    system = system_of(contracts, sources_of(allow_remote, maps))
    mocked, elsewhere = list(mock or ()), urls(external, "--external")
    _check(system, mocked, elsewhere)
    served = sorted(set(system.contracts) - set(mocked) - set(elsewhere))
    need("up", *(["reference"] if served else ["mock"]))

    from harness import settings
    from mocks.conduct import Conduct

    rules = configured_faults(settings.find(Path.cwd()), system, mocked) if mocked else {}
    conduct = {name: Conduct(rules.get(name, ())) for name in mocked}
    stay = Stay(
        kafka=kafka,
        kafka_port=kafka_port,
        host=host_,
        ports=_in_a_row(sorted({*served, *mocked}), port),
        ready_file=ready_file,
        external=elsewhere,
    )
    databases, peers = Databases(data, database_url, one_database), peers_of(system) if served else None
    with databases.held(served, kafka), recording(exchanges) as recorder:

        def build(broker: Broker | None) -> list[Hosted]:
            own = references(system, served, broker, databases, recorder, peers=peers)
            return own + mocks_of(system, mocked, broker, recorder, conduct)

        host(system, build, stay, learn=peers.learn if peers is not None else nobody)


def _in_a_row(names: list[str], first: int) -> dict[str, int]:
    """A port each, from the first one on; none where any will do. Raises UsageError."""
    if first and first + len(names) - 1 > _LAST_PORT:
        raise UsageError(
            f"--port {first}",
            f"{len(names)} services need a port each, and there are none after {_LAST_PORT}",
            f"at most {_LAST_PORT - len(names) + 1}",
        )
    return {name: first + at for at, name in enumerate(names)} if first else {}


def _check(system: System, mocked: list[str], elsewhere: dict[str, str]) -> None:
    for name in mocked:
        check_service(system, name, f"--mock {name}")
    for name, url in elsewhere.items():
        check_service(system, name, f"--external {name}={url}")
    both = sorted(set(mocked) & set(elsewhere))
    if both:
        raise UsageError(f"--mock {both[0]}", "this service is also named as --external", "one of the two")
