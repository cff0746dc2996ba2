"""How many connections a server holds, and which one goes when there is no room for another.

The one that has kept us waiting longest goes: an idle one, or one whose request has not arrived in full. So
whoever opens connections and says nothing takes their places from nobody but themselves.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

try:
    import resource
except ImportError:  # pragma: no cover - Windows has no such bound
    resource = None  # type: ignore[assignment]

MOST = 4096
"""Connections, a server."""

FEWEST = 32

RESERVED = 256
"""Open files that the process needs for other things: databases, Kafka, logs."""


class Member(Protocol):
    """A connection."""

    def evict(self) -> None:
        """There is no room for it any more."""


class Crowd:
    """The connections of one server."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._members: set[Member] = set()
        self._waiting: OrderedDict[Member, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._members)

    def join(self, member: Member) -> None:
        """A new connection, which keeps us waiting like any other; it may be the one that goes."""
        self._members.add(member)
        self._waiting[member] = None
        if len(self._members) > self.most:
            longest, _ = self._waiting.popitem(last=False)
            self._members.discard(longest)
            longest.evict()

    def leave(self, member: Member) -> None:
        self._members.discard(member)
        self._waiting.pop(member, None)

    def waits(self, member: Member) -> None:
        """From now on it keeps us waiting for what it has to say."""
        if member in self._members:
            self._waiting[member] = None
            self._waiting.move_to_end(member)

    def works(self, member: Member) -> None:
        """Its request has arrived in full: now it is our turn."""
        self._waiting.pop(member, None)


def room_for(servers: int) -> int:
    """How many connections each of so many servers may hold, by what this process may open.

    Raises the process's soft bound on open files as far as it may and need be.
    """
    if resource is None:
        return MOST
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = servers * MOST + RESERVED
    if soft != resource.RLIM_INFINITY and soft < wanted:
        raised = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
            soft = raised
        except (OSError, ValueError):  # refused, whatever the hard bound says
            pass
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return MOST
    return max(FEWEST, (soft - RESERVED) // servers)
