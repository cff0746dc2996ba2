"""A member: one service as a process that dies as its schedule says and is started again each time."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.kills.launcher import Life, Living, begin
from tests.kills.schedule import Kill
from tests.memory import peak_of

PATIENCE = 20.0
"""Seconds that a life gets to reach its place; then it is killed from outside, and counted so."""

_TICK, _LOOK = 0.01, 0.1
_AGAIN = 0.3


@dataclass(frozen=True, slots=True)
class Struck:
    """A kill that happened, at this Unix time; ``held``: MiB that the victim had at most, as last seen."""

    kill: Kill
    member: str
    at: float
    held: float = 0.0


@dataclass
class Member:
    """``name`` is unlike any other member's. Its files, the ready file and the log, are in ``folder``.

    ``may_fail`` says whether it is all right just now that a start fails (its broker is away); ``pause`` is
    how many seconds it stays dead each time; with ``stays_dead`` its last kill is its end.
    """

    name: str
    service: str
    port: int
    folder: Path
    arguments: Sequence[str]
    environment: Mapping[str, str]
    faults: tuple[str, ...] = ()
    may_fail: Callable[[], bool] = lambda: False
    pause: float = 0.0
    stays_dead: bool = False
    struck: list[Struck] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _process: Living | None = None
    _ready: Path | None = None
    _control: str | None = None
    _lives: int = 0
    _held: float = 0.0
    _lasting: bool = False
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    def lines(self) -> list[str]:
        """What all its lives have written."""
        return self.log.read_text(errors="replace").splitlines() if self.log.exists() else []

    @property
    def url(self) -> str:
        """Where its service answers, in every life."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def control(self) -> str | None:
        """The base URL of this life's control endpoints; None before it is ready."""
        ready = self._ready
        if self._control is None and ready is not None:
            try:
                told = json.loads(ready.read_text())
            except (FileNotFoundError, ValueError):
                return None
            if ready == self._ready:
                self._control = str(told["control"][self.service])
        return self._control

    def keep(self, kills: Sequence[Kill]) -> None:
        """Live through these kills, then go on living until ``end``. Blocks until its last life has begun."""
        for kill in kills:
            if self._stop.is_set():
                return
            self._die_by(kill)
            self._stop.wait(self.pause)
        if kills and self.stays_dead:
            self._stop.set()
        else:
            self._live(None)
            self._lasting = True

    def end(self) -> None:
        """End it for good."""
        self._stop.set()
        process = self._process
        if process is not None:
            process.kill()
            process.join()

    def revive(self) -> None:
        """Start it again if its last life has ended by itself, and complain unless that was excused."""
        process = self._process
        if self._lasting and process is not None and not process.is_alive() and not self._stop.is_set():
            self._ended(process)
            self._live(None)

    def _die_by(self, kill: Kill) -> None:
        """Start it and let it be killed; one that does not come so far is started again."""
        while not self._stop.is_set():
            process = self._live(kill)
            self._until_due(process, kill)
            if process.is_alive():
                self._kill(process, kill)
                return
            if process.exitcode == -signal.SIGKILL:
                self._gone(kill)
                return
            self._ended(process)

    def _until_due(self, process: Living, kill: Kill) -> None:
        """Until its time has come, or its end."""
        last = time.monotonic() + PATIENCE
        if kill.ready:
            while (
                self.control is None
                and process.is_alive()
                and time.monotonic() < last
                and not self._stop.is_set()
            ):
                process.join(_TICK)
        due = last if kill.place is not None else time.monotonic() + kill.after
        while process.is_alive() and time.monotonic() < due and not self._stop.is_set():
            process.join(max(_TICK, min(_LOOK, due - time.monotonic())))
            self._held = peak_of(process.pid) or self._held

    def _live(self, kill: Kill | None) -> Living:
        self._lives += 1
        ready = self.folder / f"{self.name}-{self._lives}.json"
        life = Life(
            (*self.arguments, "--port", str(self.port), "--ready-file", str(ready)),
            self.log,
            self.environment,
            kill.place if kill is not None else None,
            kill.passage if kill is not None else 1,
            self.faults,
        )
        process = begin(life)
        self._process, self._control, self._ready, self._held = process, None, ready, 0.0
        return process

    def _kill(self, process: Living, kill: Kill) -> None:
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        if not self._stop.is_set():
            missed = replace(kill, kind=self.service, place=None, after=PATIENCE)
            self._gone(missed if kill.place is not None else kill)

    def _gone(self, kill: Kill) -> None:
        self._ready, self._control = None, None
        self.struck.append(Struck(kill, self.name, time.time(), self._held))

    def _ended(self, process: Living) -> None:
        self._ready, self._control = None, None
        if not self.may_fail():
            told = " | ".join(self.lines()[-3:])
            self.complaints.append(f"{self.name} ended by itself, exit code {process.exitcode}: {told}")
        self._stop.wait(_AGAIN)
