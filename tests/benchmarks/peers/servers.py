"""The servers that are compared: how each is had, started and given the contract, as its documentation says.

Each is a context manager of a ``Running``; one that cannot be had here raises a ProcessError that says why.
"""

from __future__ import annotations

import contextlib
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from functools import partial
from importlib.metadata import version
from types import MappingProxyType

from tests.benchmarks.peers import java_servers, microcks, prism
from tests.benchmarks.peers.bench import HOST, Bench, Running, free_port
from tests.benchmarks.peers.document import OLDER
from tests.conftest import ROOT
from tests.e2e.portal import PORTAL

Starting = Callable[[Bench], AbstractContextManager[Running]]

OURS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

BARE = "bare uvicorn"
STATELESS = "Portal's mock, stateless"
STATEFUL = "Portal's mock, stateful"


@contextlib.contextmanager
def _python(name: str, of: str, bench: Bench, note: str = "") -> Iterator[Running]:
    port = free_port()
    module = "tests.benchmarks.peers.python_servers"
    argv = [sys.executable, "-m", module, name, str(port), str(bench.folder)]
    base = f"http://{HOST}:{port}"
    with bench.child(argv, base, cwd=ROOT):
        yield Running(f"{base}/v1", version(of) if of else OURS, note)


@contextlib.contextmanager
def portal_mock(bench: Bench, *options: str) -> Iterator[Running]:
    """Our mock of the bundled contract, with its journal, on HTTP alone."""
    port, control = free_port(), free_port()
    addresses = ["--port", str(port), "--control-port", str(control)]
    argv = [*PORTAL, "mock", str(bench.contract), "--kafka", "none", *addresses, *options]
    with bench.child(argv, f"http://{HOST}:{port}/v1"):
        yield Running(f"http://{HOST}:{port}/v1", OURS, "journal on", f"http://{HOST}:{control}/v1")


SERVERS: Mapping[str, Starting] = MappingProxyType(
    {
        BARE: partial(_python, "bare", "uvicorn", note="no routing, no checks"),
        STATELESS: lambda bench: portal_mock(bench, "--state", "off"),
        STATEFUL: portal_mock,
        "Portal, handlers by hand": partial(_python, "handlers", ""),
        "Portal's reference service": partial(_python, "reference", "", note="on SQLite"),
        "stock Connexion": partial(_python, "stock", "connexion", note=f"OpenAPI {OLDER}"),
        "Prism": prism.prism,
        "Prism, quiet": partial(prism.prism, options=("--verboseLevel", "error")),
        "Specmatic": java_servers.specmatic,
        "Specmatic, quiet": partial(java_servers.specmatic, options=("--noConsoleLog",)),
        "WireMock": java_servers.wiremock,
        "WireMock, tuned": partial(java_servers.wiremock, options=java_servers.WIREMOCK_TUNED),
        "MockServer": java_servers.mockserver,
        "MockServer, quiet": partial(java_servers.mockserver, level="WARN"),
        "Microcks": microcks.microcks,
    }
)
