"""Who else had a core: on a machine that is not ours alone, what was measured meanwhile says less."""

from __future__ import annotations

import os
from pathlib import Path

from tests.benchmarks.mock_load import cpu_of

_TICKS = os.sysconf("SC_CLK_TCK")


def had_by_others(core: int, pid: int) -> float:
    """Seconds that a core has worked so far for anybody but the process that is kept on it."""
    lines = Path("/proc/stat").read_text(encoding="utf-8").splitlines()
    fields = next(line.split()[1:] for line in lines if line.startswith(f"cpu{core} "))
    user, nice, system, _, _, interrupts, soft, stolen = map(int, fields[:8])
    return (user + nice + system + interrupts + soft + stolen) / _TICKS - cpu_of(pid)
