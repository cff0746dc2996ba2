"""Runs hosted services over a socket, for the tests of mocks; the contract that most of them mock."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness.serving.server import Addresses, Hosted, run
from mocks.conduct import Conduct

READY = 10.0
FORGETFUL = Conduct(state=False)
"""Of a mock that remembers nothing of what it is told."""

LIBRARY = Path(__file__).parent / "contracts" / "library"

TOPICS = {"library.loan": 2, "library.book": 1, "library.reader": 1, "library.partner": 1, "library.dead": 1}


def write(folder: Path, openapi: str = "", asyncapi: str = "") -> Path:
    """A service's folder named ``library`` with these documents; an empty one is left out."""
    service = folder / "library"
    service.mkdir()
    for name, text in (("openapi.yaml", openapi), ("asyncapi.yaml", asyncapi)):
        if text:
            (service / name).write_text(text, encoding="utf-8")
    return service


@contextmanager
def running(hosted: Sequence[Hosted]) -> Iterator[dict[str, str]]:
    """The services, served on free ports: name → URL."""
    ready, stop = threading.Event(), threading.Event()
    urls: dict[str, str] = {}
    failed: list[BaseException] = []

    def told(addresses: Addresses) -> None:
        urls.update(addresses.services)
        ready.set()

    def serve() -> None:
        try:
            run(hosted, on_ready=told, stop=stop)
        except BaseException as error:
            failed.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=serve, name="served")
    thread.start()
    try:
        assert ready.wait(READY)
        if not failed:
            yield urls
    finally:
        stop.set()
        thread.join(READY)
    if failed:
        raise failed[0]
