"""A child that reads contracts, and the bounds that it is held to."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

MOST_SECONDS = 5.0
"""Of CPU, for one document."""

MOST_MEBIBYTES = 500.0
"""Resident at most, the interpreter and its libraries included."""

_WALL = 120.0
"""Seconds by the clock, on a machine that others use."""

_EACH = 300
"""Documents for one child: what it keeps for later must not pass for what one of them took."""

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Outcome:
    """What came of one document; ``traceback`` includes a child that died."""

    result: Literal["read", "refused", "traceback", "hang"]
    text: str
    seconds: float
    mebibytes: float

    @property
    def fault(self) -> str:
        """What is wrong with the reader, in words; empty if nothing is."""
        if self.result in ("traceback", "hang"):
            return f"{self.result}: {self.text}"
        if self.seconds > MOST_SECONDS:
            return f"it took {self.seconds:.1f} s: {self.text}"
        if self.mebibytes > MOST_MEBIBYTES:
            return f"it took {self.mebibytes:.0f} MiB: {self.text}"
        return ""


class ReadingChild:
    """Reads one document after another in a process of its own, which it replaces when it must."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._read = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def read(self, path: Path) -> Outcome:
        try:
            return self._read_one(path)
        except BaseException:  # an interrupt: the child's answer would pass for that to the next question
            self._end()
            raise

    def _read_one(self, path: Path) -> Outcome:
        process = self._ready()
        assert process.stdin is not None
        assert process.stdout is not None
        before, began = _cpu(process.pid), time.monotonic()
        process.stdin.write(f"{path}\n")
        process.stdin.flush()
        while not select.select([process.stdout], [], [], 0.5)[0]:
            took = _cpu(process.pid) - before
            if took > 2 * MOST_SECONDS or time.monotonic() - began > _WALL:
                self._end()
                return Outcome("hang", f"no answer after {took:.1f} s of CPU", took, 0.0)
        line = process.stdout.readline()
        if not line:
            code = process.wait()
            self._end()
            return Outcome("traceback", f"the reader's process ended with {code}", 0.0, 0.0)
        outcome = Outcome(**json.loads(line))
        if outcome.mebibytes > MOST_MEBIBYTES:
            self._end()
        return outcome

    def _ready(self) -> subprocess.Popen[str]:
        self._read += 1
        if self._read % _EACH == 0:
            self._end()
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.corpus.fuzz_child"],
                cwd=ROOT,
                env={**os.environ, "PORTAL_NO_CACHE": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _cpu(pid: int) -> float:
    """Seconds of CPU that a process has used; by the clock where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return time.monotonic()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
