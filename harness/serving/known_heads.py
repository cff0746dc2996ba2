"""Heads of requests that came before: what was found out about one is not found out again.

Clients repeat themselves: the requests of a connection have the same headers, and much is asked for again. A
head is known by its every byte, from the method to the empty line: nothing is taken for one that the parser
has not taken for one before, and no other body's length goes with it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from harness.serving.wire import Scope, headers_of

MOST = 512
"""Heads that an application knows at a time."""

LONGEST = 2048
"""Bytes of a head that is remembered."""

_ONCE = 4096
"""Heads of which is remembered that they came: one is known from the second time on, for many never return.
"""

KNOWN = "portal.known"
"""Where a scope's extensions hold the ``KnownHead`` of a request whose head is known."""

OF_CONNECTION = ("server", "client", "scheme", "state")
"""What a scope says of the connection, whatever the head."""

_END = b"\r\n\r\n"


class KnownHead:
    """One head. ``headers`` are those of ``headers_of``, ``size`` and ``length`` the bytes of the head and of
    the body behind it; ``found`` is what the layers of the application have found out, by the layer."""

    __slots__ = ("_scope", "found", "headers", "length", "size")

    def __init__(self, scope: Scope, size: int, length: int) -> None:
        apart = (*OF_CONNECTION, "extensions")
        self._scope = {name: value for name, value in scope.items() if name not in apart}
        self.headers = headers_of(scope)
        self.size, self.length = size, length
        self.found: dict[Any, Any] = {}

    def scope(self, connection: Scope, extensions: dict[str, Any]) -> Scope:
        """That of a request with this head; ``connection`` has what is ``OF_CONNECTION``."""
        extensions[KNOWN] = self
        return {**self._scope, **connection, "extensions": extensions}


def known_in(scope: Scope) -> KnownHead | None:
    """What is known of the head of this request."""
    found: KnownHead | None = scope["extensions"].get(KNOWN)
    return found


class KnownHeads:
    """Those of one application. They hold what requests held, credentials too, and are told to nobody."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._known: OrderedDict[bytes, KnownHead] = OrderedDict()
        self._once: set[int] = set()

    def __len__(self) -> int:
        return len(self._known)

    def find(self, data: bytes) -> KnownHead | None:
        """The head of these bytes, if they are one whole request, and it is known."""
        size = data.find(_END) + 4
        known = self._known.get(data[:size])
        return known if known is not None and known.size + known.length == len(data) else None

    def learn(self, data: bytes, scope: Scope) -> None:
        """These bytes were parsed, from the first to the last, as one request."""
        size = data.find(_END) + 4
        head = data[:size]
        if size > LONGEST or head in self._known:
            return
        said = hash(head)
        if said not in self._once:
            if len(self._once) >= _ONCE:
                self._once.clear()
            self._once.add(said)
            return
        known = KnownHead(scope, size, _length(scope))
        if size + known.length == len(data):  # else it came in chunks, or behind empty lines
            if len(self._known) >= self._most:
                self._known.popitem(last=False)
            self._known[head] = known


def _length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
