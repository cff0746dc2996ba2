"""``portal``: where the command line begins and ends.

This file imports next to nothing, so that a signal is answered in good order from the first moment on.
"""

from __future__ import annotations

import os
import sys


def main(arguments: list[str] | None = None) -> None:
    """Run one command and leave with its exit code: 0 clean, 1 findings, 2 could not tell.

    128 and a signal's number if one ended it (130 for Ctrl-C); a hosting command that was ready then ends
    with 0.
    """
    try:
        code = _run(arguments)
    except KeyboardInterrupt:  # before signals are ours
        code = 130
    sys.exit(code)


def _run(arguments: list[str] | None) -> int:
    from harness.cli.ending import READER_GONE, Ended, end_on_signals

    try:
        end_on_signals()
        from harness.cli.app import run

        code = run(arguments)
        sys.stdout.flush()
    except Ended as ended:
        return ended.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter complains while it ends
        return READER_GONE
    return code


if __name__ == "__main__":
    main()
