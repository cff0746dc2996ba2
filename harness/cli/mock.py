"""``portal mock``: mocks made from contracts alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.extras import need
from harness.cli.hosting import Stay, host, recording
from harness.cli.mock_faults import configured_faults
from harness.cli.options import AllowRemote, Config, Exchanges, Host, Kafka, Maps, ReadyFile, sources_of
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.contract.model import Contract, System
    from harness.contract.sources import Sources
    from harness.kafka.broker import Broker
    from harness.serving.recording import Recorder
    from harness.serving.server import Hosted
    from mocks.conduct import Conduct


class Remembers(StrEnum):
    """The words of ``--state``."""

    ON = "on"
    OFF = "off"


ControlPort = Annotated[
    int, typer.Option(min=0, max=65_535, metavar="N", help="Port of a single mock's control API.")
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
    Remembers, typer.Option(help="Whether a mock remembers what it is told, where its contract lets it.")
]


def mock(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH", help="Contract files, services' folders, or a folder of those."),
    ],
    port: Annotated[
        int,
        typer.Option(min=0, max=65_535, metavar="N", help="Port of a single mock; 0 takes a free one."),
    ] = 0,
    host_: Host = "127.0.0.1",
    kafka: Kafka = "embedded",
    allow_remote: AllowRemote = False,
    maps: Maps = None,
    control_port: ControlPort = 0,
    control_host: ControlHost = "127.0.0.1",
    faults: Faults = True,
    config: Config = None,
    journal_phi: JournalPhi = False,
    journal_entries: JournalEntries = 1000,
    state: State = Remembers.ON,
    exchanges: Exchanges = None,
    ready_file: ReadyFile = None,
) -> None:
    """Serve mocks of contracts, until Ctrl-C.

    Requests are validated. What was made can be read, listed, changed and deleted again, beginning with the
    contract's examples; where that cannot be told from the contract, the documented example answers. The
    header `Prefer: code=404, example=name` chooses another answer, `X-Portal-Fault: status=503` or
    `latency=300` lets it go wrong; a success publishes the events that the contract says it causes. Each mock
    has a control API, whose address is printed.
    """
    need("mock", "mock")
    from harness import settings
    from mocks.conduct import Conduct

    system = read(paths, sources_of(allow_remote, maps))
    names = sorted(system.contracts)
    stay = Stay(
        kafka=kafka,
        host=host_,
        ports=_single("--port", port, names),
        control_host=control_host,
        control_ports=_single("--control-port", control_port, names),
        ready_file=ready_file,
    )
    first = paths[0] if paths[0].is_dir() else paths[0].parent
    rules = configured_faults(config or settings.find(first), system, names) if faults else {}
    conduct = {
        name: Conduct(rules.get(name, ()), journal_phi, journal_entries, control_host, state is Remembers.ON)
        for name in names
    }
    with recording(exchanges) as recorder:
        host(system, lambda broker: mocks_of(system, names, broker, recorder, conduct), stay)


def _single(option: str, port: int, names: list[str]) -> dict[str, int]:
    """The port that one mock wishes for. Raises UsageError if there are several."""
    if port and len(names) != 1:
        raise UsageError(
            f"{option} {port}",
            f"{len(names)} mocks cannot share one port: {', '.join(names)}",
            "one contract",
            f"Name one, or leave {option} out: each then gets a free one",
        )
    return {names[0]: port} if port else {}


def read(paths: list[Path], sources: Sources) -> System:
    """One system of everything named. Raises ContractError; UsageError if two have one name."""
    from harness.contract.model import System

    contracts: dict[str, Contract] = {}
    for path in paths:
        for contract in _contracts(path, sources):
            if contract.service in contracts:
                raise UsageError(
                    str(path), f"a second contract named '{contract.service}'", "names that differ"
                )
            contracts[contract.service] = contract
    return System(paths[0], contracts)


def _contracts(path: Path, sources: Sources) -> Iterable[Contract]:
    from harness.contract import load, load_system

    if not path.exists():
        raise UsageError(str(path), "there is no such file or folder", "a contract", "Check the path.")
    if path.is_file() or any((path / name).exists() for name in ("openapi.yaml", "asyncapi.yaml")):
        return [load(path, sources)]
    return load_system(path, sources).contracts.values()


def mocks_of(
    system: System,
    names: Iterable[str],
    broker: Broker | None,
    recorder: Recorder | None,
    conduct: Mapping[str, Conduct] | None = None,
) -> list[Hosted]:
    """Mocks of these contracts, built but not started. ``conduct`` is by service."""
    from mocks.conduct import USUAL
    from mocks.mock import build_mock

    found = conduct or {}
    return [
        build_mock(system.contracts[name], broker, recorder=recorder, conduct=found.get(name, USUAL))
        for name in names
    ]
