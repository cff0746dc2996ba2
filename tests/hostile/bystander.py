"""A well-behaved client, in a process of its own so that an attack in ours does not slow it down.

Run as ``python -m tests.hostile.bystander HOST PORT PID`` with its token in ``TOKEN``: it asks for one slot
every few milliseconds, by turns on a kept and on a new connection, and prints when each answer came
(monotonic seconds), how long it took, for how much of that the service or itself could run but was given no
processor, and its status (0: none). Told to come back (503 with ``Retry-After``), it does, and has been
waiting until it is served.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.processes import TIED, end_with_parent

PAUSE = 0.01
PATIENCE = 15.0
PAUSED = 0.2
"""Seconds after which it asks again at the latest: sooner than it is told to, so as to see how it goes."""

PATH = "/v1/slots?limit=1"


@dataclass(frozen=True, slots=True)
class Service:
    """How the client was served. ``failed`` counts answers other than 200, the others are seconds.

    ``worst`` is the longest wait that the service answers for. Beside other tests it waits for a processor
    as everybody does: ``starved`` is the most of one wait that was left out for that.
    """

    asked: int
    failed: int
    worst: float
    starved: float


class Bystander:
    """The client's process; ``since`` tells how it fared."""

    def __init__(self, address: tuple[str, int], token: str, pid: int) -> None:
        """``pid`` is the process that serves the address."""
        self._seen: list[tuple[float, float, float, int]] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.bystander", address[0], str(address[1]), str(pid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "TOKEN": token, TIED: "1"},
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            at, took, starved, status = line.split()
            self._seen.append((float(at), float(took), float(starved), int(status)))

    def settled(self, within: float = 20.0) -> None:
        """Wait until it has been served once more from now on, so that nothing earlier is still under way."""
        deadline, now = time.monotonic() + within, time.monotonic()
        while time.monotonic() < deadline:
            if any(at - took > now for at, took, *_ in self._seen[-20:]):
                return
            time.sleep(0.01)

    def since(self, moment: float) -> Service:
        """How it was served from this moment (monotonic seconds) on."""
        seen = [each for each in self._seen if each[0] >= moment]
        failed = sum(1 for *_, status in seen if status != 200)
        worst = max((max(took - starved, 0.0) for _, took, starved, _ in seen), default=0.0)
        return Service(len(seen), failed, worst, max((starved for *_, starved, _ in seen), default=0.0))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._reader.join(5)
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


def _served(connection: http.client.HTTPConnection, token: str) -> int:
    """The status of the answer that is no longer put off."""
    while True:
        status, pause = _ask(connection, token)
        if status != 503 or pause is None:
            return status
        time.sleep(min(float(pause), PAUSED))


def _ask(connection: http.client.HTTPConnection, token: str, again: bool = True) -> tuple[int, str | None]:
    """The answer's status, 0 for none, and its Retry-After. A kept connection that was closed meanwhile is
    opened once more, as every client does (RFC 9112, 9.3.1)."""
    reused = connection.sock is not None
    try:
        connection.request("GET", PATH, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.getheader("Retry-After")
    except (OSError, http.client.HTTPException):
        connection.close()
        return _ask(connection, token, again=False) if reused and again else (0, None)


def _starved(pid: int) -> float:
    """Seconds for which threads of the service or of this process waited for a processor so far.

    All threads count: one that holds the interpreter's lock and is not run keeps the others waiting, too.
    """
    waited = 0
    for each in (pid, os.getpid()):
        for thread in Path(f"/proc/{each}/task").iterdir():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                waited += int((thread / "schedstat").read_text().split()[1])
    return waited / 1e9


def main(host: str, port: int, pid: int, token: str) -> None:
    """Ask until the end."""
    kept = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    turn = 0
    while True:
        turn += 1
        connection = kept if turn % 2 else http.client.HTTPConnection(host, port, timeout=PATIENCE)
        before, began = _starved(pid), time.monotonic()
        status = _served(connection, token)
        ended = time.monotonic()
        starved = _starved(pid) - before
        if connection is not kept:
            connection.close()
        sys.stdout.write(f"{ended} {ended - began} {starved} {status}\n")
        sys.stdout.flush()
        time.sleep(PAUSE)


if __name__ == "__main__":
    end_with_parent()
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), os.environ["TOKEN"])
