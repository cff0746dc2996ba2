"""Which headers go from one connection to the next. Source: RFC 9110, sections 7.6.1 and 7.6.3."""

from __future__ import annotations

from collections.abc import Collection, Iterable

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Headers of one connection alone."""

_VIA = (b"via", b"1.1 portal")

Headers = Iterable[tuple[bytes, bytes]]


def passed_on(headers: Headers, without: Collection[bytes] = ()) -> list[tuple[bytes, bytes]]:
    """The headers that go on, in their order, with ``Via``.

    Left out: those of one connection, those that ``Connection`` names, and those in ``without`` (lower case).
    """
    listed = [(name.lower(), value) for name, value in headers]
    named = {
        option.strip().lower()
        for name, value in listed
        if name == b"connection"
        for option in value.split(b",")
    }
    gone = HOP_BY_HOP | named | set(without)
    return [(name, value) for name, value in listed if name not in gone] + [_VIA]
