"""Prism, from npm, on the Node that it asks for."""

from __future__ import annotations

import contextlib
import platform
import sys
from collections.abc import Iterator, Sequence

from tests.benchmarks.peers.bench import HOST, Bench, Running, free_port
from tests.fetched import from_npm

VERSION, NODE = "5.16.0", "26.10.0"


@contextlib.contextmanager
def prism(
    bench: Bench,
    options: Sequence[str] = (),
    command: Sequence[str] = ("mock",),
) -> Iterator[Running]:
    """``prism mock``; ``command`` may be another of its commands, whose last words are ``options``."""
    node, program = _programs()
    port = free_port()
    argv = [node, program, *command, str(bench.contract), *options, "--port", str(port)]
    base = f"http://{HOST}:{port}"
    with bench.child(argv, base):
        yield Running(base, VERSION, f"Node {NODE}; base path left out: it serves none of servers[].url")


def _programs() -> tuple[str, str]:
    system = "darwin" if sys.platform == "darwin" else "linux"
    runtime = f"node-{system}-{'arm64' if platform.machine() in ('arm64', 'aarch64') else 'x64'}"
    packages = {"@stoplight/prism-cli": VERSION, runtime: NODE}
    folder = from_npm(f"prism-{VERSION}", f"Prism {VERSION}", packages) / "node_modules"
    return str(folder / runtime / "bin" / "node"), str(folder / ".bin" / "prism")
