"""How long after an edit of its contract a mock answers by it: ``python -m tests.benchmarks.mock_reload``.

It prints and asserts nothing. ``contracts/scheduling``, in a copy, gets another operation each round;
measured is from the write of the file to the first answer of that operation, over one connection that stays.
CPU is what the mock's process used meanwhile, with the few requests that asked whether it is there.
"""

from __future__ import annotations

import argparse
import http.client
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from harness.processes import Child
from tests.benchmarks.mock_load import cpu_of
from tests.benchmarks.mock_start import CONTRACTS

_DEADLINE = 60.0
_ASKED_EVERY = 0.005
_OPERATION = """paths:
  /reload-{number}:
    get:
      operationId: reload
      summary: Is there once the contract was read anew.
      security: []
      responses:
        "204": {{description: It is.}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(CONTRACTS, Path(folder, "contracts"))
        contract = Path(folder, "contracts", "scheduling")
        ready = Path(folder, "ready.json")
        argv = [sys.executable, "-m", "harness.cli.main", "mock", str(contract), "--kafka", "none"]
        cache = {"PORTAL_CACHE": str(Path(folder, "cache"))}
        with Child.start([*argv, "--ready-file", str(ready)], ready, 120, cache) as child:
            url = urlsplit(child.ready["services"]["scheduling"])
            asking = http.client.HTTPConnection(url.hostname or "", url.port or 0)
            found = edits(contract / "openapi.yaml", asking, child.pid, options.rounds)
            asking.close()
    wall, cpu = (statistics.median(each[part] for each in found) * 1000 for part in (0, 1))
    sys.stdout.write(
        f"an edit is answered by after {wall:.0f} ms, of which {cpu:.0f} ms are CPU of the mock: "
        f"the median of {options.rounds}; the slowest took {max(each[0] for each in found) * 1000:.0f} ms\n"
    )


def edits(file: Path, asking: http.client.HTTPConnection, pid: int, rounds: int) -> list[tuple[float, float]]:
    """Seconds by the clock and of CPU for each edit."""
    text, found = file.read_text(encoding="utf-8"), []
    for number in range(rounds + 1):
        edited = text.replace("\npaths:\n", "\n" + _OPERATION.format(number=number), 1)
        cpu, began = cpu_of(pid), time.perf_counter()
        file.write_text(edited, encoding="utf-8")
        while _status(asking, f"/v1/reload-{number}") != 204:
            if time.perf_counter() - began > _DEADLINE:
                raise TimeoutError
            time.sleep(_ASKED_EVERY)
        found.append((time.perf_counter() - began, cpu_of(pid) - cpu))
        time.sleep(0.2)  # what follows the swap belongs to no edit
    return found[1:]  # the first finds nothing warm


def _status(asking: http.client.HTTPConnection, path: str) -> int:
    asking.request("GET", path)
    answer = asking.getresponse()
    answer.read()
    return answer.status


if __name__ == "__main__":
    main()
