"""Services on real sockets for the time of one test, and the app that tests the specification."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from harness.contract import load
from harness.contract.model import EMPTY, Contract
from harness.serving.app import build_app
from harness.serving.envelope import ASGIApp
from harness.serving.exchange import Answer, Handler, Request
from harness.serving.security import Authenticator
from harness.serving.server import Addresses, Hosted, run

DEADLINE = 10.0


@dataclass
class Service:
    """The least that ``run`` can host."""

    name: str
    app: ASGIApp
    control: ASGIApp | None = None
    on_start: Callable[[], None] = lambda: None
    on_stop: Callable[[], None] = lambda: None

    def start(self) -> None:
        self.on_start()

    def stop(self) -> None:
        self.on_stop()


@dataclass
class Latecomer(Service):
    """A service that goes on beginning when it answers already."""

    on_join: Callable[[], None] = lambda: None

    def join(self) -> None:
        self.on_join()


@contextmanager
def served(hosted: Sequence[Hosted], ports: Mapping[str, int] = EMPTY) -> Iterator[Addresses]:
    """Run services in a thread; gives their addresses once they answer, ends them afterwards."""
    stop, ready = threading.Event(), threading.Event()
    found: list[Addresses] = []
    failed: list[BaseException] = []

    def on_ready(addresses: Addresses) -> None:
        found.append(addresses)
        ready.set()

    def body() -> None:
        try:
            run(hosted, ports=ports, on_ready=on_ready, stop=stop)
        except BaseException as error:
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    assert ready.wait(DEADLINE), "the services did not become ready"
    try:
        if failed:
            raise failed[0]
        yield found[0]
    finally:
        stop.set()
        thread.join(DEADLINE)
        assert not thread.is_alive(), "the services did not end"


@contextmanager
def client_of(app: ASGIApp) -> Iterator[httpx.Client]:
    """A client of one application on a real socket."""
    with (
        served([Service("tested", app)]) as addresses,
        httpx.Client(base_url=addresses.services["tested"], trust_env=False, timeout=DEADLINE) as client,
    ):
        yield client


def contract_from(folder: Path, text: str, service: str = "tested") -> Contract:
    """Read a contract from its text."""
    home = folder / service
    home.mkdir(exist_ok=True)
    (home / "openapi.yaml").write_text(text, encoding="utf-8")
    return load(home)


def echo(request: Request) -> Answer:
    """Tells what the handler saw."""
    seen = {"path": dict(request.path), "query": dict(request.query), "body": request.body}
    return Answer(200, {"operation": request.operation.id, **seen, "claims": dict(request.claims)})


def echoing(contract: Contract, security: Authenticator | None = None, **handlers: Handler) -> ASGIApp:
    """An application that echoes every operation without a handler of its own."""
    return build_app(contract, {name: handlers.get(name, echo) for name in contract.operations}, security)


def pointers(answer: httpx.Response) -> list[str]:
    """Where the reasons of a refusal point, sorted."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return sorted(reason["pointer"] for reason in answer.json()["errors"])
