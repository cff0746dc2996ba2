"""``portal serve``: reference services."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.databases import Databases
from harness.cli.extras import need
from harness.cli.hosting import Stay, host, recording
from harness.cli.notes import LogFormat, Logs
from harness.cli.observing import observe
from harness.cli.options import (
    AllowRemote,
    Audience,
    Contracts,
    Database,
    DatabaseUrl,
    Exchanges,
    Host,
    IssuerName,
    Jwks,
    Kafka,
    Maps,
    OneDatabase,
    PeerToken,
    PeerUrls,
    ReadyFile,
    check_service,
    chosen,
    sources_of,
    system_of,
    urls,
)
from harness.cli.workers import without_control
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.contract.model import System
    from harness.kafka.broker import Broker
    from harness.serving.recording import Recorder
    from harness.serving.security import Keys
    from harness.serving.server import Hosted
    from reference_services.platform.peers import Peers


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
    jwks: Jwks = None,
    issuer: IssuerName = None,
    audience: Audience = None,
    peer: PeerUrls = None,
    peer_token: PeerToken = None,
    no_control: Annotated[
        bool,
        typer.Option(
            "--no-control", help="No control endpoints: for services that stand for longer than a test."
        ),
    ] = False,
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
    keys = keys_of(jwks, issuer, audience)
    elsewhere = _peers(system, peer)
    peers = peers_of(system, jwks, peer_token)
    stay = Stay(
        kafka=kafka,
        host=host_,
        ports=_single(names, port),
        ready_file=ready_file,
        part=tuple(names),
        development=jwks is None,
    )
    databases = Databases(data, database_url, one_database)
    with databases.held(names, kafka), recording(exchanges) as recorder:

        def build(broker: Broker | None) -> list[Hosted]:
            built = references(system, names, broker, databases, recorder, keys, peers)
            return without_control(built) if no_control else built

        host(system, build, stay, learn=lambda here: peers.learn({**here, **elsewhere}))


def _single(names: list[str], port: int) -> dict[str, int]:
    """The port by the only service's name; none where any will do. Raises UsageError for several."""
    if port and len(names) != 1:
        raise UsageError(
            f"--port {port}",
            f"{len(names)} services cannot share one port: {', '.join(names)}",
            "one service",
            "Name one, or leave --port out: each then gets a free one",
        )
    return {names[0]: port} if port else {}


def keys_of(jwks: Path | None, issuer: str | None, audience: str | None) -> Keys:
    """Whose tokens are taken. Raises UsageError for options that do not go together, and for the file."""
    from harness.serving.issuer import Issuer
    from harness.serving.keys import AUDIENCE, KeyStore

    if jwks is None:
        for option, value in (("--issuer", issuer), ("--audience", audience)):
            if value is not None:
                raise UsageError(option, "it is said of no keys", "--jwks FILE with it")
        return KeyStore()
    if not issuer:
        raise UsageError(f"--jwks {jwks}", "whose keys these are is not said", "--issuer ISSUER with it")
    return Issuer(jwks, issuer, audience or AUDIENCE)


def _peers(system: System, peer: list[str] | None) -> dict[str, str]:
    """Where others listen. Raises UsageError."""
    found = urls(peer, "--peer")
    for name, url in found.items():
        check_service(system, name, f"--peer {name}={url}")
    return found


def peers_of(system: System, jwks: Path | None = None, token: Path | None = None) -> Peers:
    """The services of these contracts as others call them; where they listen is yet to be told.

    Who takes tokens of somebody else needs one of theirs: without it nobody is called. Raises UsageError.
    """
    from harness.serving.keys import KeyStore
    from reference_services.platform.peers import DevelopmentTokens, Peers, TokenFile

    if jwks is None:
        if token is not None:
            raise UsageError(
                f"--peer-token {token}", "tokens are made here", "--jwks FILE with it, or without it"
            )
        return Peers(system.contracts, DevelopmentTokens(KeyStore()))
    if token is None:
        return Peers(system.contracts)
    tokens = TokenFile(token)
    tokens("", ())
    return Peers(system.contracts, tokens)


def references(
    system: System,
    names: Iterable[str],
    broker: Broker | None,
    databases: Databases,
    recorder: Recorder | None,
    keys: Keys | None = None,
    peers: Peers | None = None,
) -> list[Hosted]:
    """Reference services of these names, built but not started. Without ``keys``: the development key's;
    without ``peers``: they call nobody."""
    from harness.serving.keys import KeyStore
    from reference_services.platform.service import build_service

    taken = keys or KeyStore()
    built: list[Hosted] = []
    for name in names:
        url, schema = databases.of(name)
        built.append(
            build_service(
                system.contracts[name], broker, taken, url, schema=schema, recorder=recorder, peers=peers
            )
        )
    return built
