"""``portal mock``: mocks made from contracts alone."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.extras import need
from harness.cli.hosting import Stay, host, recording
from harness.cli.mock_faults import conducts
from harness.cli.mock_options import (
    ControlHost,
    ControlPort,
    Examples,
    Faults,
    JournalEntries,
    JournalPhi,
    Paths,
    Port,
    ProxyUrl,
    Record,
    Reload,
    Remembers,
    Report,
    State,
    Workers,
)
from harness.cli.notes import LogFormat, Logs
from harness.cli.observing import observe
from harness.cli.options import AllowRemote, Config, Exchanges, Host, Kafka, Maps, ReadyFile, sources_of
from harness.cli.proxying import check_proxy, proxy
from harness.cli.reloads import reloading, with_examples
from harness.cli.workers import as_worker, check_workers, own_part, supervise, without_control
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.contract.model import Contract, System
    from harness.contract.sources import Sources
    from harness.kafka.broker import Broker
    from harness.serving.recording import Recorder
    from harness.serving.server import Hosted
    from mocks.conduct import Conduct
    from mocks.mock import Mock

    Made = Callable[..., Mock]


def mock(
    paths: Paths,
    port: Port = 0,
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
    examples: Examples = None,
    proxy_: ProxyUrl = None,
    record: Record = None,
    report: Report = None,
    reload: Reload = True,
    workers: Workers = 1,
    ready_file: ReadyFile = None,
    log_format: Logs = LogFormat.TEXT,
) -> int:
    """Serve mocks of contracts, until Ctrl-C.

    Requests are validated. What was made can be read, listed, changed and deleted again, beginning with the
    contract's examples; where that cannot be told from the contract, the documented example answers. The
    header `Prefer: code=404, example=name` chooses another answer, `X-Portal-Fault: status=503` or
    `latency=300` lets it go wrong; a success publishes the events that the contract says it causes. Each mock
    has a control API, whose address is printed.

    With --proxy the exit code is 0 if all that passed kept the contract, 1 after findings, 2 if something
    could not be told.
    """
    observe(log_format)
    need("mock", "mock")
    sources, worker = sources_of(allow_remote, maps), own_part()
    system = with_examples(read(paths, sources), examples)
    names = sorted(system.contracts)
    ports = _single("--port", port, names), _single("--control-port", control_port, names)
    stay = Stay(kafka, 0, host_, ports[0], control_host, ports[1], ready_file)
    check_proxy(proxy_, {"--record": record, "--report": report}, examples)
    check_workers(workers, worker, system, stay, proxy_)
    remembers = state is Remembers.ON and workers == 1
    usual = _usual(journal_phi, journal_entries, control_host, remembers)
    conduct = conducts(_settings(config, paths) if faults else None, system, names, usual)
    if workers > 1 and worker is None:
        supervise(names, workers, stay)
        return 0
    with recording(exchanges) as recorder:
        if proxy_ is not None:
            return proxy(system, proxy_, record, report, stay, recorder, conduct[names[0]])
        made = functools.partial(_mock, recorder=recorder, conduct=conduct)
        build = functools.partial(_built, system, paths, sources, examples, made, reload)
        if worker is None:
            host(system, build, stay, meanwhile=_import_ahead)
        else:
            host(system, lambda _: without_control(build(None)), as_worker(stay, worker))
    return 0


def _import_ahead() -> None:
    """What mocks are built with, while the broker starts, which is another process."""
    import mocks.mock
    import mocks.reloading  # noqa: F401


def _usual(phi: bool, entries: int, control_host: str, state: bool) -> Conduct:
    from mocks.conduct import Conduct

    return Conduct((), phi, entries, control_host, state)


def _settings(config: Path | None, paths: list[Path]) -> Path | None:
    """The ``portal.toml`` that counts: the named one, else the nearest to the first contract."""
    from harness import settings

    return config or settings.find(paths[0] if paths[0].is_dir() else paths[0].parent)


def _built(
    system: System,
    paths: list[Path],
    sources: Sources,
    examples: Path | None,
    made: Made,
    reload: bool,
    broker: Broker | None,
) -> Sequence[Hosted]:
    """The mocks of a system, built but not started."""
    make = functools.partial(made, broker=broker)
    if reload:
        return reloading(system.contracts, paths, sources, examples, make)
    return [make(contract, None) for _, contract in sorted(system.contracts.items())]


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
    found = conduct or {}
    return [_mock(system.contracts[name], broker=broker, recorder=recorder, conduct=found) for name in names]


def _mock(
    contract: Contract,
    before: Mock | None = None,
    *,
    broker: Broker | None,
    recorder: Recorder | None,
    conduct: Mapping[str, Conduct],
) -> Mock:
    """One mock; ``before`` is the one that it goes on from."""
    from mocks.conduct import USUAL
    from mocks.mock import build_mock

    found = conduct.get(contract.service, USUAL)
    return build_mock(contract, broker, recorder=recorder, conduct=found, before=before)
