"""Reads and lints the file whose name comes in on each line, and says on a line what came of it.

A process of its own, so that one that hangs can be seen and ended, and one that eats memory dies alone:
``python -m tests.corpus.fuzz_child``.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import traceback
from pathlib import Path

from harness.contract import load_system
from harness.errors import ContractError
from harness.lint import lint
from tests.memory import peak

MOST_ADDRESS_SPACE = 4 * 2**30
"""Bytes; beyond, Python itself says no, and the machine is spared."""


def outcome_of(path: Path) -> dict[str, object]:
    """``result`` is ``read``, ``refused`` or ``traceback``, with ``text`` to it; seconds are of CPU."""
    began = time.process_time()
    try:
        findings = list(lint(load_system(path)))
        result, text = "read", f"{len(findings)} findings"
    except ContractError as error:
        result, text = "refused", str(error)
    except BaseException:  # whatever it is, it is what we look for
        lines = [line[:200] for line in traceback.format_exc().splitlines()]
        result, text = "traceback", "\n".join(lines[-40:])
    seconds = time.process_time() - began
    return {"result": result, "text": text[-4000:], "seconds": seconds, "mebibytes": peak()}


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESS_SPACE, MOST_ADDRESS_SPACE))
    for line in sys.stdin:
        print(json.dumps(outcome_of(Path(line.rstrip("\n")))), flush=True)  # noqa: T201 - it is the protocol


if __name__ == "__main__":
    main()
