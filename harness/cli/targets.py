"""How ``portal verify`` reaches what it verifies: a child process of ours, or somebody's address."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from harness.cli.hosting import broker_for
from harness.contract.model import System
from harness.errors import TargetError, TokenError
from harness.kafka import security
from harness.kafka.broker import Broker
from harness.processes import Child
from harness.serving.foreign_tokens import asks_for_ours
from harness.serving.keys import KeyStore
from harness.target import Capability, Claims, Kind, Target, TokenSource

_ALL: frozenset[Capability] = frozenset({"kafka", "control", "state", "access", "idempotency", "accesses"})
_START_SECONDS = 60.0
_TOKEN_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line said about targets. ``folder`` is where the contracts are; ``control`` and
    ``tokens`` are of services at addresses: those that we start take Portal's own tokens. ``reading`` are the
    arguments that say where contracts may be read from."""

    system: System
    folder: Path
    kafka: str
    control: Mapping[str, str]
    tokens: TokenSource
    exchanges: Path | None = None
    reading: tuple[str, ...] = ()


@contextmanager
def own(wanted: Wanted, service: str, kind: Kind) -> Iterator[Target]:
    """A reference service or a mock, alone in a child process with a broker that nobody else uses.

    Alone, so that whatever appears on a topic was caused by the harness.
    """
    with broker_for(wanted.system, wanted.kafka) as broker, tempfile.TemporaryDirectory() as folder:
        ready_file = Path(folder, "ready.json")
        argv = _command(wanted, service, kind, broker, ready_file)
        # What the user says of a secured cluster does not hold of an embedded broker that the child joins.
        unsecured = {} if broker is None or broker.security else {security.VARIABLE: ""}
        name = f"portal {'mock' if kind == 'mock' else 'serve'} {service}"
        child = Child.start(argv, ready_file=ready_file, timeout=_START_SECONDS, env=unsecured, name=name)
        try:
            control = child.ready["control"].get(service)
            capabilities: frozenset[Capability] = _ALL if broker is not None else _ALL - {"kafka"}
            if kind == "mock" and not asks_for_ours(wanted.system.contracts[service]):
                capabilities -= {"access"}  # it takes anybody's tokens: it cannot know who makes them
            url = child.ready["services"][service]
            yield Target(service, url, kind, capabilities, broker, control, KeyStore().mint)
        finally:
            child.stop()


def _command(wanted: Wanted, service: str, kind: Kind, broker: Broker | None, ready_file: Path) -> list[str]:
    portal = [sys.executable, "-m", "harness.cli.main"]
    kafka = ["--kafka", broker.bootstrap if broker else "none", "--ready-file", str(ready_file)]
    exchanges = ["--exchanges", str(wanted.exchanges)] if wanted.exchanges else []
    rest = [*exchanges, *wanted.reading]
    if kind == "mock":
        folder = str(wanted.system.contracts[service].folder)
        return [*portal, "mock", folder, "--no-faults", "--no-reload", *kafka, *rest]
    return [*portal, "serve", service, "--contracts", str(wanted.folder), *kafka, *rest]


@contextmanager
def external(wanted: Wanted, service: str, url: str) -> Iterator[Target]:
    """A service that runs elsewhere. Raises TargetError if nothing answers at its address."""
    _reachable(service, url)
    kafka = "none" if wanted.kafka == "embedded" else wanted.kafka
    with broker_for(wanted.system, kafka) as broker:
        capabilities = _ALL if broker else _ALL - {"kafka"}
        control = wanted.control.get(service)
        if control is None:
            capabilities -= {"control"}
        else:
            _reachable(service, control)
        yield Target(
            service,
            url.rstrip("/"),
            "external",
            capabilities,
            broker,
            control.rstrip("/") if control else None,
            wanted.tokens,
        )


def _reachable(service: str, url: str) -> None:
    try:
        httpx.get(url, timeout=5.0, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise TargetError(
            f"{service}={url}",
            f"nothing answers there ({type(error).__name__})",
            "a running service that speaks HTTP",
            "Start it, or check host, port and scheme",
        ) from error


def token_command(command: str) -> TokenSource:
    """Tokens from a user's program: claims as JSON on its standard input, a token on its output."""

    def ask(claims: Claims) -> str:
        try:
            done = subprocess.run(
                shlex.split(command),
                input=json.dumps(dict(claims)),
                capture_output=True,
                text=True,
                timeout=_TOKEN_SECONDS,
                check=False,
            )
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise TokenError(
                f"--token-command {command}", f"it could not be run ({type(error).__name__})"
            ) from error
        if done.returncode or not done.stdout.strip():
            raise TokenError(
                f"--token-command {command}",
                f"it ended with {done.returncode} and {'no' if not done.stdout.strip() else 'some'} output",
                "exit code 0 and a token on standard output",
            )
        return done.stdout.strip()

    return ask
