"""What a mock took in and gave out, newest last, in a bounded ring."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

Kind = Literal["exchange", "received", "rejected", "published", "failed", "unjudged"]

KEPT = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """``operation`` is an operationId or a message operation; ``detail`` a status, topic or reason.

    Never a body or payload: a journal outlives the exchange, and what was sent may be somebody's health.
    """

    kind: Kind
    operation: str
    detail: str
    correlation: str = ""
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Journal:
    """A bounded ring of entries; safe to write from several threads."""

    def __init__(self, kept: int = KEPT) -> None:
        self._entries: deque[Entry] = deque(maxlen=kept)

    def note(self, kind: Kind, operation: str, detail: str, correlation: str = "") -> None:
        """Add an entry; the oldest goes when the ring is full."""
        self._entries.append(Entry(kind, operation, detail, correlation))

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)
