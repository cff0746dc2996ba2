"""What a mock has been told of relations that come and go. It believes the last word, and else the token."""

from __future__ import annotations

import threading
from collections import OrderedDict

from harness.serving.relations import Told

REMEMBERED = 10_000
"""Things (grants, say) of which the last word is known; the one told of least lately is forgotten first."""


class Relations:
    """``harness.serving.relations.Holds``; everybody's, whatever the session. Threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: OrderedDict[tuple[str, str], Told] = OrderedDict()
        self._between: dict[tuple[str, str, str], set[tuple[str, str]]] = {}

    def note(self, operation: str, told: Told) -> None:
        """Take what a message told in place of what was told before of the same thing."""
        with self._lock:
            self._forget(at := (operation, told.thing))
            self._last[at] = told
            self._between.setdefault(_pair(told), set()).add(at)
            if len(self._last) > REMEMBERED:
                self._forget(next(iter(self._last)))

    def __call__(self, relation: str, actor: str, subject: str) -> bool:
        with self._lock:
            known = self._between.get((relation, actor, subject), ())
            return not known or any(self._last[at].holds for at in known)

    def clear(self) -> None:
        with self._lock:
            self._last.clear()
            self._between.clear()

    def _forget(self, at: tuple[str, str]) -> None:
        before = self._last.pop(at, None)
        if before is None:
            return
        there = self._between[_pair(before)]
        there.discard(at)
        if not there:
            del self._between[_pair(before)]


def _pair(told: Told) -> tuple[str, str, str]:
    return told.relation, told.actor, told.subject
