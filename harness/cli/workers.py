"""``portal mock --workers N``: several processes that answer at the same addresses.

The first process binds the sockets and answers nothing; each worker is the same command once more, in a child
that inherits them. A worker that dies is replaced; all end with the first process, however that ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.ending import Ended
from harness.cli.notes import note
from harness.errors import UsageError
from harness.processes import Child, end_with_parent

if TYPE_CHECKING:
    from harness.cli.hosting import Stay
    from harness.contract.model import System
    from harness.serving.server import Hosted

VARIABLE = "PORTAL_WORKER"
_START = 60.0
_LOOK = 0.1
_SOON = 5.0
"""Seconds after which a worker that dies is replaced without misgivings."""


@dataclass(frozen=True, slots=True)
class Worker:
    """What a worker is told: the sockets' descriptors, by service, and where it says that it is ready."""

    sockets: Mapping[str, int]
    ready_file: Path


def own_part() -> Worker | None:
    """What this process was told, if it is a worker. Told once: its own children are none."""
    told = os.environ.pop(VARIABLE, None)
    if told is None:
        return None
    document = json.loads(told)
    return Worker(document["sockets"], Path(document["ready_file"]))


def check_workers(count: int, worker: Worker | None, system: System, stay: Stay, proxy: str | None) -> None:
    """Raises UsageError for what several processes cannot do together."""
    if count == 1 and worker is None:
        return
    if proxy is not None:
        raise UsageError(f"--workers {count}", "a proxy counts what it finds in one process", "--workers 1")
    if stay.control_ports:
        raise UsageError(
            f"--workers {count}",
            "each worker has faults and a journal of its own, and a control port would reach one of them",
            "--control-port or --workers",
        )
    speaking = sorted(name for name, each in system.contracts.items() if each.message_operations)
    if speaking and stay.kafka != "none":
        raise UsageError(
            f"--workers {count}",
            f"the events of {', '.join(speaking)} are counted and answered in one process",
            "--kafka none with it, or one worker",
        )


def as_worker(stay: Stay, worker: Worker) -> Stay:
    """How a worker runs: at the inherited sockets, and it is the first process that tells the user."""
    sockets = {name: socket.socket(fileno=number) for name, number in worker.sockets.items()}
    return replace(stay, sockets=sockets, ready_file=worker.ready_file, told=False)


class _Alone:
    """A hosted service without its control API: of several workers, it would speak of one alone."""

    control = None

    def __init__(self, hosted: Hosted) -> None:
        self.name, self.app, self.start, self.stop = hosted.name, hosted.app, hosted.start, hosted.stop
        self._hosted = hosted

    def join(self) -> None:
        """As the service does, if it has anything to wait for."""
        from harness.serving.server import Joining

        if isinstance(self._hosted, Joining):
            self._hosted.join()


def without_control(hosted: Sequence[Hosted]) -> list[Hosted]:
    """The same services with nothing to control them by."""
    return [_Alone(each) for each in hosted]


def supervise(names: Sequence[str], count: int, stay: Stay) -> None:
    """Run the workers until a signal ends us. Raises HarnessError if they cannot be started."""
    from harness.cli.hosting import check, tell_ready
    from harness.serving.server import bind, url_of

    end_with_parent()
    check(stay)
    note(f"{count} workers share nothing, so nothing is remembered and there is no control API.")
    with contextlib.ExitStack() as held, tempfile.TemporaryDirectory(prefix="portal-workers-") as folder:
        sockets = {name: held.enter_context(bind(stay.host, stay.ports.get(name, 0), name)) for name in names}
        crew = _Crew({name: each.fileno() for name, each in sockets.items()}, Path(folder))
        try:
            with contextlib.suppress(Ended):
                crew.start(count)
                found = {name: url_of(each) for name, each in sockets.items()}
                tell_ready(stay, None, found, {}, {"workers": crew.pids})
                crew.watch()
        finally:
            crew.stop()


class _Crew:
    def __init__(self, sockets: Mapping[str, int], folder: Path) -> None:
        self._sockets, self._folder = sockets, folder
        self._children: list[Child] = []
        self._born: dict[int, float] = {}
        self._number = 0

    @property
    def pids(self) -> list[int]:
        return [each.pid for each in self._children]

    def start(self, count: int) -> None:
        for _ in range(count):
            self._children.append(self._begun())
        for child, ready_file in zip(self._children, self._ready_files(count), strict=True):
            child.await_ready(ready_file, _START)

    def watch(self) -> None:
        """Replace whoever dies. Raises ProcessError for one that dies again and again."""
        while True:
            time.sleep(_LOOK)
            for at, child in enumerate(self._children):
                if child.alive:
                    continue
                early = time.monotonic() - self._born.pop(child.pid) < _SOON
                note(f"worker {child.pid} ended ({child.exit_code}); another begins")
                child.stop()
                if early:
                    time.sleep(1.0)  # it may go on like this, but not fast
                self._children[at] = self._begun()
                self._children[at].await_ready(self._ready_files(1)[0], _START)

    def stop(self) -> None:
        """End all at once: each gets to answer what it has taken."""
        ending = [threading.Thread(target=child.stop) for child in self._children]
        for each in ending:
            each.start()
        for each in ending:
            each.join()

    def _ready_files(self, last: int) -> list[Path]:
        numbers = range(self._number - last + 1, self._number + 1)
        return [self._folder / f"{number}.json" for number in numbers]

    def _begun(self) -> Child:
        self._number += 1
        ready_file = self._folder / f"{self._number}.json"
        told = json.dumps({"sockets": dict(self._sockets), "ready_file": str(ready_file)})
        child = Child(
            [sys.executable, "-m", "harness.cli.main", *sys.argv[1:]],
            env={VARIABLE: told},
            name="portal mock worker",
            descriptors=tuple(self._sockets.values()),
            heard=_pass_on,
        )
        self._born[child.pid] = time.monotonic()
        return child


def _pass_on(line: str) -> None:
    sys.stderr.write(f"{line}\n")
