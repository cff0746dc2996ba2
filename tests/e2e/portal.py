"""Runs ``portal`` as a user does: a process, its output, its exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PORTAL = [sys.executable, "-m", "harness.cli.main"]


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


def portal(*arguments: str, cwd: Path | None = None, timeout: float = 120, **environment: str) -> Ran:
    """Run one command to its end."""
    done = subprocess.run(
        [*PORTAL, *arguments],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@contextmanager
def running(
    arguments: Sequence[str], folder: Path, deadline: float = 60, cwd: Path | None = None
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """A hosting command, once its ready file stands; ended with SIGTERM. Yields process and ready file.

    What it prints stands in ``log.txt`` in the folder.
    """
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    log = (folder / "log.txt").open("w+")
    argv = [*PORTAL, *arguments, "--ready-file", str(ready)]
    process = subprocess.Popen(argv, stdout=log, stderr=log, cwd=cwd)
    try:
        end = time.monotonic() + deadline
        while not ready.exists():
            if process.poll() is not None or time.monotonic() > end:
                log.seek(0)
                raise AssertionError(f"not ready: exit {process.poll()}: {log.read()}")
            time.sleep(0.02)
        yield process, json.loads(ready.read_text())
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(20)
        log.close()
