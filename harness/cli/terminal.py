"""Where commands print."""

from __future__ import annotations

import sys
from typing import NoReturn

from rich.console import Console


class Terminal(Console):
    """Standard output. In a file or a pipe no line is folded: whoever reads it there folds by themselves."""

    def __init__(self) -> None:
        super().__init__(highlight=False, soft_wrap=not sys.stdout.isatty())

    def on_broken_pipe(self) -> NoReturn:
        """Not Rich's exit code 1: that one says that a service is wrong."""
        raise BrokenPipeError
