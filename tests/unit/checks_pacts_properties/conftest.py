"""A desk on a loopback port, and what a check needs to look at it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn

from harness.contract import load_system
from harness.contract.model import System
from harness.target import Capability, Limits, Target
from tests.unit.checks_pacts_properties.desk import Desk, token_for

CONTRACTS = Path(__file__).parent / "contracts"
ALL: frozenset[Capability] = frozenset({"control", "state", "access", "idempotency"})

Open = Callable[[Desk], Target]


@pytest.fixture(scope="session")
def system() -> System:
    return load_system(CONTRACTS)


@pytest.fixture
def limits() -> Limits:
    return Limits(cases=5, seed=2, settle=0.2, timeout=5.0)


@pytest.fixture
def opened() -> Iterator[Open]:
    """Serves desks until the test ends, each at an address of its own."""
    with contextlib.ExitStack() as stack:

        def open_(desk: Desk) -> Target:
            url = stack.enter_context(_served(desk))
            return Target("lending", url, "reference", ALL, control=url + "/control", tokens=token_for)

        yield open_


@contextlib.contextmanager
def _served(desk: Desk) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(desk.app(), log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()
