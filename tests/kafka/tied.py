"""Runs a program that knows nothing of us so that it ends when our parent does: see ``harness.processes``.

``python -m tests.kafka.tied FOLDER PROGRAM [ARGUMENT]…`` ends with the program's exit code. Where the parent
went first, whose folder it was, that is removed.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from harness.processes import end_with_parent


def main(folder: Path, argv: Sequence[str]) -> int:
    """Run ``argv`` to its end. Returns its exit code, 128 and the number if a signal ended it."""
    # A SIGTERM goes to the whole group: the program ends in its own way, and so do we, after it.
    signal.signal(signal.SIGTERM, lambda *_: None)
    orphaned = threading.Event()
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL) as program:

        def end() -> None:
            orphaned.set()
            program.kill()

        end_with_parent(end)
        code = program.wait()
    if orphaned.is_set():
        shutil.rmtree(folder, ignore_errors=True)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
