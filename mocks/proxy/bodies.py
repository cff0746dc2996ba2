"""A copy of a body that passes, as far as it is needed to judge it."""

from __future__ import annotations

import zlib

MAX_JUDGED = 1024 * 1024
"""Bytes of a body that are kept to be judged; all of a longer one passes, and none of it is judged."""

_INFLATED = 47
"""zlib's word for gzip or zlib, whichever it is."""


class Copy:
    """``whole`` is what passed, None if it was too long to keep."""

    def __init__(self, most: int = MAX_JUDGED) -> None:
        self.size = 0
        self._most = most
        self._kept = bytearray()

    def add(self, part: bytes) -> None:
        self.size += len(part)
        if self.size <= self._most:
            self._kept += part
        else:
            self._kept.clear()

    @property
    def whole(self) -> bytes | None:
        return bytes(self._kept) if self.size <= self._most else None


def plain(body: bytes | None, coding: str) -> bytes | None:
    """The body without its content coding (RFC 9110, section 8.4.1); None if it cannot be had, or is larger
    than ``MAX_JUDGED``."""
    coding = coding.strip().lower()
    if body is None or coding in ("", "identity"):
        return body
    if coding not in ("gzip", "x-gzip", "deflate"):
        return None
    inflating = zlib.decompressobj(_INFLATED)
    try:
        found = inflating.decompress(body, MAX_JUDGED)
    except zlib.error:
        return None
    return found if inflating.eof and not inflating.unconsumed_tail else None
