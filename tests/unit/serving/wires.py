"""Connections without sockets, and clocks that somebody else moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from harness.serving.protocol import BoundedProtocol


def connected(app: Any) -> tuple[BoundedProtocol, Wire]:
    """An application at the other end of a wire."""
    config = uvicorn.Config(
        app, http=BoundedProtocol, log_config=None, lifespan="off", access_log=False, proxy_headers=False
    )
    config.load()
    made, wire = BoundedProtocol(config, ServerState(), {}), Wire()
    made.connection_made(wire)  # type: ignore[arg-type]
    return made, wire


@dataclass
class _Timer:
    due: float
    call: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """The time of an event loop, as a connection asks for it."""

    def __init__(self) -> None:
        self._now = 0.0
        self._timers: list[_Timer] = []

    def time(self) -> float:
        return self._now

    def call_later(self, seconds: float, call: Callable[[], None]) -> _Timer:
        self._timers.append(_Timer(self._now + seconds, call))
        return self._timers[-1]

    def pass_by(self, seconds: float) -> None:
        """Let so much time pass."""
        ends = self._now + seconds
        while due := [each for each in self._timers if each.due <= ends and not each.cancelled]:
            first = min(due, key=lambda each: each.due)
            self._timers.remove(first)
            self._now = first.due
            first.call()
        self._now = ends


class Wire:
    """A transport that keeps what is said."""

    def __init__(self) -> None:
        self.said, self.reads, self._closes = b"", True, False

    def write(self, data: bytes) -> None:
        self.said += b"" if self._closes else data

    def close(self) -> None:
        self._closes, self.reads = True, False

    abort = write_eof = close

    def is_closing(self) -> bool:
        return self._closes

    def can_write_eof(self) -> bool:
        return True

    def pause_reading(self) -> None:
        """Nothing comes but what is put in."""

    resume_reading = pause_reading

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else default
