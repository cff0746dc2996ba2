"""What an application and the connection of its request may ask of each other beyond ASGI."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from harness.serving.wire import Said, Scope

CONNECTION = "portal.connection"
"""Where a scope's extensions hold the ``Connection``."""


class Connection(Protocol):
    """What an application may do to the connection of its request, on purpose. It returns afterwards,
    however far its answer has come."""

    async def hang_up(self, said: bytes = b"") -> None:
        """Say these bytes, and what was said before, then close in good order (FIN)."""

    async def reset(self) -> None:
        """Say what was said before, then end with RST."""


WholeAnswer = Callable[[Scope, bytes], Said | None]
"""What an application may have as ``at_once``: the whole answer to a request that has come with its whole
body, by computing alone; None, and nothing was done, where it wants to be called as ASGI has it."""
