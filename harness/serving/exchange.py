"""One HTTP exchange as handlers see it: decoded and validated on the way in, plain on the way out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from harness.contract.model import EMPTY, JSON, Operation


@dataclass(frozen=True, slots=True)
class Request:
    """A request that passed security and validation.

    ``path`` and ``query`` hold values decoded by their schemas; ``headers`` are text with lower-case
    names; ``claims`` are the token's (empty without one); ``body`` is decoded JSON, bytes or None.
    """

    operation: Operation
    method: str
    url: str
    path: Mapping[str, JSON] = field(default=EMPTY)
    query: Mapping[str, JSON] = field(default=EMPTY)
    headers: Mapping[str, str] = field(default=EMPTY)
    body: JSON = None
    content_type: str = ""
    claims: Mapping[str, JSON] = field(default=EMPTY)
    correlation: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is JSON (serialised by serving), bytes (sent as they are) or None (no content)."""

    status: int
    body: JSON | bytes | None = None
    headers: Mapping[str, str] = field(default=EMPTY)
    content_type: str = "application/json"


Handler = Callable[[Request], Answer] | Callable[[Request], Awaitable[Answer]]
"""A plain function runs in a worker thread, a coroutine function on the event loop."""
