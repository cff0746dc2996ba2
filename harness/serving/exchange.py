"""One HTTP exchange as handlers see it: decoded and validated on the way in, plain on the way out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from harness.contract.model import EMPTY, JSON, Operation


@dataclass(slots=True)
class Request:
    """A request that passed security and validation. Nobody changes one, nor an ``Answer``: they are not
    frozen because that makes them three times as slow to make, and each exchange makes several.

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


@dataclass(slots=True)
class Answer:
    """``body`` is JSON (serialised by serving), bytes (sent as they are) or None (no content).

    ``text`` is the body's JSON text where that is known already; who changes the body leaves it out.
    """

    status: int
    body: JSON | bytes | None = None
    headers: Mapping[str, str] = field(default=EMPTY)
    content_type: str = "application/json"
    text: bytes | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Denial:
    """Who was refused what of whose: the caller's claims, and the patient, None if nobody knows.

    ``status`` is 403, or 404 where there is nothing or nobody may learn that there is; ``headers`` are the
    request's, with lower-case names.
    """

    operation: Operation
    claims: Mapping[str, JSON]
    patient: str | None
    correlation: str
    traceparent: str
    status: int = 403
    headers: Mapping[str, str] = field(default=EMPTY)


@dataclass(frozen=True, slots=True)
class AtOnce:
    """A handler that computes for a moment and waits for nothing: it is called on the event loop, and a
    request that has come whole is answered without a task of its own."""

    answer: Callable[[Request], Answer]


Handler = Callable[[Request], Answer] | Callable[[Request], Awaitable[Answer]] | AtOnce
"""A plain function runs in a worker thread, a coroutine function on the event loop."""
