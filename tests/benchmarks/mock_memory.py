"""What a mock holds over many requests, with its journal on: ``python -m tests.benchmarks.mock_memory``.

It prints and asserts nothing. ``contracts/scheduling`` is asked over connections that stay, by this process;
what the mock's process holds is told before, and at ten intervals. Half of the requests are answered, half
are refused because they have no token.
"""

from __future__ import annotations

import argparse
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from harness.processes import Child
from harness.serving.keys import KeyStore
from tests.benchmarks.mock_load import cpu_of, resident
from tests.benchmarks.mock_start import CONTRACTS, shared

_AT_ONCE = 20
"""Requests that are under way on a connection."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2_000_000)
    parser.add_argument("--connections", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(CONTRACTS, Path(folder, "contracts"))
        ready, state = Path(folder, "ready.json"), Path(folder, "state")
        token = KeyStore(state).mint(
            {"sub": "s", "actor": "staff", "scope": "patient/Appointment.read"}, 24 * 3600
        )
        contract = Path(folder, "contracts", "scheduling")
        argv = [sys.executable, "-m", "harness.cli.main", "mock", str(contract), "--kafka", "none"]
        argv += ["--ready-file", str(ready)]
        with Child.start(argv, ready, 120, {"PORTAL_STATE": str(state)}) as child, ExitStack() as stack:
            port = urlsplit(child.ready["services"]["scheduling"]).port or 0
            connections = [
                stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                for _ in range(options.connections)
            ]
            told(child.pid, connections, requests(token), options.requests)


def told(pid: int, connections: list[socket.socket], asked: bytes, whole: int) -> None:
    """Ask, and print what the process holds on the way."""
    done, cpu = 0, cpu_of(pid)
    for tenth in range(11):
        while done < whole * tenth // 10:
            done += _round(connections, asked)
        sys.stdout.write(
            f"{done:>10,} requests: {resident(pid):6.1f} MiB resident, {shared(pid):6.1f} MiB by PSS, "
            f"{cpu_of(pid) - cpu:8.1f} s of CPU\n"
        )
        sys.stdout.flush()


def requests(token: str) -> bytes:
    """So many, one after the other: one that is answered, one without a token."""
    path = "/v1/appointments/apt-20000001"
    good = f"GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n"
    return (good + f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").encode() * (_AT_ONCE // 2)


def _round(connections: list[socket.socket], asked: bytes) -> int:
    for each in connections:
        each.sendall(asked)
    for each in connections:
        answers = _answers(each)
        found = [next(answers) for _ in range(_AT_ONCE)]
        if set(found[::2]) != {b"200"} or set(found[1::2]) != {b"401"}:
            raise RuntimeError(f"answered with {sorted(set(found))}")
    return len(connections) * _AT_ONCE


def _answers(connection: socket.socket) -> Iterator[bytes]:
    """The statuses of what comes back, each once it is there whole."""
    heard = b""
    while True:
        end = heard.find(b"\r\n\r\n")
        at = heard.find(b"content-length: ", 0, end) if end >= 0 else -1
        size = int(heard[at + 16 : heard.find(b"\r", at)]) if at >= 0 else 0
        if end < 0 or len(heard) < end + 4 + size:
            more = connection.recv(1 << 16)
            if not more:
                raise RuntimeError("the mock hung up")
            heard += more
            continue
        yield heard[9:12]
        heard = heard[end + 4 + size :]


if __name__ == "__main__":
    main()
