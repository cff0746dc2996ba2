"""The place where servers are run: one at a time, on a core of its own, its output in a file."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import httpx

from harness.errors import ProcessError
from tests.benchmarks.peers.asked import Asked

HOST = "127.0.0.1"
_READY_SECONDS = 180.0
_END_SECONDS = 15.0
_SHOWN = 600


@dataclass(frozen=True)
class Running:
    """A server that answers. ``base`` stands before the contract's paths; ``note`` says what it was given."""

    base: str
    version: str
    note: str = ""
    control: str = ""


@dataclass(frozen=True)
class Cores:
    """Which core a server has, and which everything else; None where the system cannot bind processes."""

    server: int | None = None
    load: int | None = None

    def __str__(self) -> str:
        if self.server is None:
            return "nothing is bound to a core: this system cannot, or has only one"
        return f"each server on core {self.server}, the load on core {self.load}"

    @classmethod
    def here(cls) -> Cores:
        if not hasattr(os, "sched_getaffinity") or shutil.which("taskset") is None:
            return cls()
        cores = sorted(os.sched_getaffinity(0))
        return cls(cores[0], cores[1]) if len(cores) > 1 else cls()

    def take(self) -> None:
        """Bind this process, and so all the load, to its core."""
        if self.load is not None:
            os.sched_setaffinity(0, {self.load})


@dataclass(frozen=True)
class Bench:
    """``contract`` is the bundled document (OpenAPI 3.1), ``older`` the same for a reader of 3.0 alone."""

    folder: Path
    contract: Path
    older: Path
    document: Mapping[str, Any]
    token: str
    cores: Cores

    @contextlib.contextmanager
    def child(
        self,
        argv: Sequence[str],
        answers: str,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Iterator[None]:
        """A server's process, from the moment that ``answers`` does, to its end: a URL to GET, or tcp://.

        Raises ProcessError if it ends before, or is too slow.
        """
        name = Path(argv[0]).name
        bound = [] if self.cores.server is None else ["taskset", "-c", str(self.cores.server)]
        with (self.folder / f"{name}-{time.monotonic_ns()}.log").open("w+b") as log:
            try:
                process = subprocess.Popen(
                    [*bound, *argv],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, **(env or {})},
                    cwd=cwd or self.folder,
                )
            except OSError as error:
                raise ProcessError(argv[0], f"it could not be started: {error}") from error
            try:
                _await(process, name, answers, log)
                yield
            finally:
                _end(process)


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def client(base: str) -> httpx.Client:
    """Talks to a server; straight, whatever proxies the environment names."""
    return httpx.Client(base_url=base, trust_env=False, timeout=30.0)


def send(to: httpx.Client, asked: Asked, number: int | None = None) -> httpx.Response:
    """Its answer."""
    numbered = asked.numbered(time.time_ns() % 10**12 if number is None else number)
    # Not merged by httpx, which would take a base's path for a folder.
    return to.request(
        numbered.method, f"{to.base_url}".rstrip("/") + numbered.path, headers=dict(numbered.headers),
        content=numbered.body or None,
    )  # fmt: skip


def _await(process: subprocess.Popen[bytes], name: str, url: str, log: IO[bytes]) -> None:
    end = time.monotonic() + _READY_SECONDS
    with httpx.Client(trust_env=False, timeout=5.0) as asking:
        while True:
            with contextlib.suppress(httpx.TransportError, OSError):
                _knock(asking, url)
                return
            if process.poll() is not None or time.monotonic() > end:
                log.flush()
                log.seek(0)
                said = log.read().decode(errors="replace").strip()[-_SHOWN:]
                state = "is not ready" if process.returncode is None else f"ended with {process.returncode}"
                raise ProcessError(name, f"it {state}: {said}")
            time.sleep(0.1)


def _knock(asking: httpx.Client, url: str) -> None:
    address = urlsplit(url)
    if address.scheme == "tcp":
        socket.create_connection((address.hostname, address.port), timeout=5.0).close()
    else:
        asking.get(url)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
