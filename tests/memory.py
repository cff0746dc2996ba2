"""How much memory a process has held at most."""

from __future__ import annotations

import resource
from pathlib import Path


def peak() -> float:
    """MiB that this process has held. On Linux the kernel's own high-water mark of this program:
    ``ru_maxrss`` begins with what the process that started us held, which is large where a long test run did.
    """
    return peak_of("self") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def peak_of(process: int | str) -> float:
    """MiB that a process has held; 0 where nobody tells, or it is gone."""
    try:
        told = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in told.splitlines() if line.startswith("VmHWM:")), 0.0)
