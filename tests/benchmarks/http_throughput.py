"""Requests a second, side by side in one run: ``python -m tests.benchmarks.http_throughput [SECONDS]``.

A bare uvicorn app, stock Connexion and this project serve the same GET and the same validated POST, each
alone in a process of its own, in turns; then a reference service, which also keeps what it is told. Figures
are medians of the rounds. Load comes from ``wrk``
where it is installed, else from a generator of our own (which then may be the limit).
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.benchmarks import load_generator
from tests.benchmarks.http_servers import BARE, COUNTER, GET, POST, SERVERS, Load, Running

ROUNDS = 3
CONNECTIONS = 32


def main(seconds: float) -> None:
    """Measure and print the table."""
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS):
        for server in SERVERS:
            with running(server) as told:
                for load in told.loads:
                    found.setdefault((server, load.name), []).append(measured(told.url, load, seconds))
    say(f"{'requests a second':<34}" + "".join(f"{name:>18}{'ratio':>8}" for name in (GET, POST)))
    for server in SERVERS:
        line = f"{server:<34}"
        for name in (GET, POST):
            figure, bare = statistics.median(found[server, name]), statistics.median(found[BARE, name])
            line += f"{figure:>18,.0f}{figure / bare:>8.2f}"
        say(line)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def running(server: str) -> Iterator[Running]:
    """A server in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.http_servers", server]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            if not line:
                errors.seek(0)
                raise RuntimeError(errors.read().decode())
            told = json.loads(line)
            found = Running(told["url"], tuple(Load(**each) for each in told["loads"]))
            check(found)
            yield found
        finally:
            process.terminate()


def check(server: Running) -> None:
    """The requests that are measured must be good ones."""
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        for load in server.loads:
            zero = "0" * len(COUNTER)
            headers = {name: value.replace(COUNTER, zero) for name, value in load.headers.items()}
            answer = client.request(
                load.method, load.path, content=load.body.replace(COUNTER, zero), headers=headers
            )
            assert answer.is_success, answer.text


def measured(url: str, load: Load, seconds: float) -> float:
    """Requests a second."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return load_generator.measure(url, load, CONNECTIONS, seconds)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "load.lua"
        script.write_text(_lua(load), encoding="utf-8")
        command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s", "-s", str(script), url + load.path]
        printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in printed, printed
    line = next(line for line in printed.splitlines() if line.startswith("Requests/sec"))
    return float(line.split()[1])


def _lua(load: Load) -> str:
    lines = [
        f'wrk.method = "{load.method}"',
        *(f'wrk.headers["{k}"] = "{v}"' for k, v in load.headers.items()),
    ]
    if load.body:
        lines.append(f"wrk.body = [[{load.body}]]")
    if COUNTER in f"{load.headers}{load.body}":
        lines.append(
            f"""
            count = os.time() % 1000000 * 1000000
            function request()
              count = count + 1
              return (wrk.format(nil, nil):gsub("{COUNTER}", string.format("%012d", count)))
            end
            """
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 4.0)
