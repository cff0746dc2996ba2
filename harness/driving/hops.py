"""Headers that concern one connection only. Source: RFC 9110, section 7.6.1."""

from __future__ import annotations

ONE_CONNECTION = frozenset(
    {
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""In lower case; how a message is cut and whom it is sent to among them."""
