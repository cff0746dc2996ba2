"""What a mock took in and gave out, newest last, in a bounded ring.

Written for every request, so writing only puts things by; they are read, decoded and masked when somebody
asks (``mocks.journal_view``). Credentials are never put by.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from harness.kafka.wire import Record
from harness.serving.problems import Reason
from mocks.conduct import KEPT

Kind = Literal["exchange", "received", "rejected", "published", "failed", "unjudged"]

Headers = Iterable[tuple[bytes, bytes]]

KEPT_BYTES = 16 * 1024 * 1024
"""Bytes of all entries together."""

KEPT_BODY = 64 * 1024
"""Bytes of one body; what is longer is cut."""

_OVERHEAD = 600
"""Bytes that an entry costs besides what it says, about."""


class Exchange(NamedTuple):
    """One HTTP exchange as it travelled. ``at`` is Unix seconds, ``seconds`` how long it took.

    ``operation`` is ``""`` for what the contract does not have, ``status`` 0 for no answer. ``size`` and
    ``answer_size`` are those of the whole bodies. Headers are without credentials.
    """

    number: int
    at: float
    seconds: float
    operation: str
    method: str
    path: bytes
    query: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes
    size: int
    status: int
    answer_headers: list[tuple[bytes, bytes]]
    answer: bytes
    answer_size: int
    violations: tuple[Reason, ...]
    fault: str

    @property
    def kind(self) -> Kind:
        return "exchange"

    @property
    def detail(self) -> str:
        return str(self.status)

    def header(self, name: bytes) -> str:
        """A request header as text, ``""`` without it."""
        return next((value.decode("latin-1") for each, value in self.headers if each == name), "")

    def answer_header(self, name: bytes) -> str:
        """An answer's header as text, ``""`` without it."""
        return next((value.decode("latin-1") for each, value in self.answer_headers if each == name), "")

    @property
    def correlation(self) -> str:
        return self.answer_header(b"x-correlation-id") or self.header(b"x-correlation-id")

    @property
    def session(self) -> str:
        return self.header(b"x-portal-session")


class Noted(NamedTuple):
    """One message, or what became of it. ``detail`` is a topic, or a reason that repeats no value."""

    number: int
    at: float
    kind: Kind
    operation: str
    detail: str
    correlation: str
    topic: str = ""
    key: str | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    value: bytes | None = None
    size: int = 0
    violations: tuple[Reason, ...] = ()
    fault: str = ""
    seconds: float = 0.0
    session: str = ""


Entry = Exchange | Noted


class Journal:
    """A bounded ring of entries; safe to write from several threads. ``forgotten`` counts those that had to
    make room since it was cleared."""

    def __init__(self, kept: int = KEPT, kept_bytes: int = KEPT_BYTES) -> None:
        self._kept, self._most = kept, kept_bytes
        self._entries: deque[tuple[int, Entry]] = deque()
        self._bytes = self._number = self.forgotten = 0
        self._lock = threading.Lock()

    def exchange(
        self,
        at: float,
        seconds: float,
        operation: str,
        method: str,
        path: bytes,
        query: bytes,
        headers: list[tuple[bytes, bytes]],
        body: bytes,
        size: int,
        status: int,
        answer_headers: list[tuple[bytes, bytes]],
        answer: bytes,
        answer_size: int,
        violations: tuple[Reason, ...],
        fault: str,
    ) -> None:
        """Add an exchange: see ``Exchange``. Bodies come cut already."""
        cost = _OVERHEAD + len(path) + len(query) + len(body) + len(answer)
        with self._lock:
            self._number = number = self._number + 1
            told = (
                number,
                at,
                seconds,
                operation,
                method,
                path,
                query,
                headers,
                body,
                size,
                status,
                answer_headers,
                answer,
                answer_size,
                violations,
                fault,
            )
            self._put(cost, tuple.__new__(Exchange, told))  # its own takes five times as long

    def note(
        self,
        kind: Kind,
        operation: str,
        detail: str,
        correlation: str = "",
        *,
        record: Record | None = None,
        violations: tuple[Reason, ...] = (),
        fault: str = "",
        seconds: float = 0.0,
        at: float | None = None,
    ) -> None:
        """Add what happened to a message; ``record`` is the message, as far as there is one. ``at`` is when
        that began (Unix seconds), by default now."""
        value = record.value if record is not None else None
        with self._lock:
            self._number += 1
            entry = Noted(
                self._number,
                time.time() if at is None else at,
                kind,
                operation,
                detail,
                correlation,
                record.topic if record else "",
                record.key if record else None,
                tuple(each for each in record.headers if each[0].lower() not in CREDENTIALS)
                if record
                else (),
                value[:KEPT_BODY] if value is not None else None,
                len(value or b""),
                violations,
                fault,
                seconds,
            )
            self._put(_OVERHEAD + len(entry.value or b""), entry)

    def clear(self) -> None:
        """Forget everything; numbers go on."""
        with self._lock:
            self._entries.clear()
            self._bytes = self.forgotten = 0

    def _put(self, cost: int, entry: Entry) -> None:
        entries = self._entries
        entries.append((cost, entry))
        self._bytes += cost
        while len(entries) > self._kept or (self._bytes > self._most and len(entries) > 1):
            self._bytes -= entries.popleft()[0]
            self.forgotten += 1

    def entries(self) -> tuple[list[Entry], int]:
        """All entries by when they began, so that a cause stands before its effects, which are noted first;
        and how many were forgotten by then."""
        with self._lock:
            entries, forgotten = [entry for _, entry in self._entries], self.forgotten
        return sorted(entries, key=lambda each: each.at), forgotten

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries()[0])

    def __len__(self) -> int:
        return len(self._entries)


CREDENTIALS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token", "api-key"}
)
"""Headers whose values are never put by, with those that a contract's security schemes name."""


def time_text(at: float) -> str:
    """Unix seconds as RFC 3339, in UTC, to the microsecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
