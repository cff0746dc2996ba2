"""Where an error was raised, for a log line: files, lines and functions, and never a value."""

from __future__ import annotations

import traceback
from pathlib import Path
from types import TracebackType

_FRAMES = 8


def raised_at(trace: TracebackType | None, frames: int = _FRAMES) -> str:
    """The innermost ``frames``, outermost first; empty without a traceback."""
    found = traceback.extract_tb(trace)[-frames:]
    return " > ".join(f"{Path(each.filename).name}:{each.lineno} {each.name}" for each in found)
