"""Heads of requests that came before: what was found out about one is not found out again.

Clients repeat themselves: the requests of a connection have the same headers, and much is asked for again. A
head is known by its every byte, from the method to the empty line, but for the values of those headers that
are ``VARYING`` by their nature: nothing is taken for one that the parser has not taken for one before, and no
other body's length goes with it.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Collection, Sequence
from typing import Any

from harness.serving.wire import Scope, headers_of

MOST = 512
"""Heads that an application knows at a time."""

LONGEST = 2048
"""Bytes of a head that is remembered."""

VARYING = frozenset({"idempotency-key", "traceparent", "x-correlation-id", "x-request-id"})
"""Headers that say something else with each request, in lower case: heads that differ in no other are one."""

KNOWN = "portal.known"
"""Where a scope's extensions hold the ``KnownHead`` of a request whose head is known."""

OF_CONNECTION = ("server", "client", "scheme", "state")
"""What a scope says of the connection, whatever the head."""

_ONCE = 4096
"""Heads of which is remembered that they came: one is known from the second time on, for many never return.
"""

_SPELLINGS = 8
"""Ways to write the ``VARYING`` names that are looked for; clients write them in one or two."""

_END = b"\r\n\r\n"
_LEFT_OUT = b"\0"
"""What stands for a value that varies. No head that was parsed holds one."""

_Pairs = list[tuple[bytes, bytes]]

_VALUE = re.compile(rb"[\x21-\x7e]{1,256}")
_LINES = re.compile(
    rb"\r\n(?:" + b"|".join(name.encode() for name in sorted(VARYING)) + rb"): ", re.IGNORECASE
)


class KnownHead:
    """One head. ``headers`` are those of ``headers_of``, ``size`` and ``length`` the bytes of the head and of
    the body behind it; ``found`` is what the layers of the application have found out, by the layer, of all
    but what ``varies``: whether it has headers that are ``VARYING``."""

    __slots__ = ("_at", "_pairs", "_scope", "found", "headers", "length", "size", "varies")

    def __init__(self, scope: Scope, size: int, length: int) -> None:
        apart = (*OF_CONNECTION, "extensions")
        self._scope = {name: value for name, value in scope.items() if name not in apart}
        self._pairs: _Pairs = scope["headers"]
        self._at = [(at, name.decode()) for at, (name, _) in enumerate(self._pairs) if _is_varying(name)]
        self.varies = bool(self._at)
        self.headers = headers_of(scope)
        self.size, self.length = size, length
        self.found: dict[Any, Any] = {}

    def saying(self, values: Sequence[bytes], size: int) -> KnownHead:
        """The same head with other values of what varies, in the order in which they stand there."""
        made = KnownHead.__new__(KnownHead)
        pairs, headers = self._pairs.copy(), self.headers.copy()
        for (at, name), value in zip(self._at, values, strict=True):
            pairs[at], headers[name] = (pairs[at][0], value), value.decode()
        made._scope, made._pairs, made.headers, made._at = self._scope, pairs, headers, self._at
        made.size, made.length, made.found, made.varies = size, self.length, self.found, True
        return made

    def now(self, pairs: _Pairs, hidden: Collection[bytes]) -> _Pairs:
        """Headers, as some layer has changed them once, with the values of what varies as they are here: but
        for those that are ``hidden``."""
        if self.varies:
            pairs = pairs.copy()
            for at, _ in self._at:
                if self._pairs[at][0] not in hidden:
                    pairs[at] = self._pairs[at]
        return pairs

    def scope(self, connection: Scope, extensions: dict[str, Any]) -> Scope:
        """That of a request with this head; ``connection`` has what is ``OF_CONNECTION``."""
        extensions[KNOWN] = self
        return {**self._scope, **connection, "headers": self._pairs, "extensions": extensions}


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
        self._spellings: tuple[bytes, ...] = ()

    def __len__(self) -> int:
        return len(self._known)

    def find(self, data: bytes) -> KnownHead | None:
        """The head of these bytes, if they are one whole request, and it is known."""
        size = data.find(_END) + 4
        head, values = self._told_apart(data[:size])
        known = self._known.get(head)
        if known is None or size + known.length != len(data):
            return None
        return known.saying(values, size) if values else known

    def learn(self, data: bytes, scope: Scope) -> None:
        """These bytes were parsed, from the first to the last, as one request."""
        size = data.find(_END) + 4
        if size > LONGEST:
            return
        self._learn_spellings(data[:size])
        head, values = self._told_apart(data[:size])
        if head in self._known or not _stand_for(values, scope):
            return
        said = hash(head)
        if said not in self._once:
            if len(self._once) >= _ONCE:
                self._once.clear()
            self._once.add(said)
            return
        length = _length(scope)
        if size + length == len(data):  # else it came in chunks, or behind empty lines
            if len(self._known) >= self._most:
                self._known.popitem(last=False)
            self._known[head] = KnownHead(scope, size, length)

    def _told_apart(self, head: bytes) -> tuple[bytes, list[bytes]]:
        """A head without the values that vary, and these as they stand in it, each of plain characters."""
        found = sorted((at, each) for each in self._spellings if (at := head.find(each)) >= 0)
        parts: list[bytes] = []
        values: list[bytes] = []
        done = 0
        for at, each in found:
            begins = at + len(each)
            ends = head.find(b"\r", begins)
            if _VALUE.fullmatch(head, begins, ends) is None:
                return head, []
            parts += (head[done:begins], _LEFT_OUT)
            values.append(head[begins:ends])
            done = ends
        return (b"".join((*parts, head[done:])), values) if found else (head, values)

    def _learn_spellings(self, head: bytes) -> None:
        for line in _LINES.findall(head):
            if line not in self._spellings and len(self._spellings) < _SPELLINGS:
                self._spellings = (*self._spellings, line)


def _stand_for(values: list[bytes], scope: Scope) -> bool:
    """Whether these are what the parser read, each name once: else nobody knows which stands where."""
    read = [pair for pair in scope["headers"] if _is_varying(pair[0])]
    return [value for _, value in read] == values and len(dict(read)) == len(read)


def _is_varying(name: bytes) -> bool:
    return name.decode("latin-1") in VARYING


def _length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
