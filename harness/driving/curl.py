"""A request as a line that can be pasted into a shell."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

UNSAID = {
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "host",
    "user-agent",
    "x-schemathesis-testcaseid",
}
"""Headers that curl writes itself, that say nothing, or that hold a secret."""


def curl_line(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> str:
    """The request as a curl line. Its token is replaced by ``$TOKEN``; a binary body by ``@BODY``."""
    words = ["curl", "-sS", "-i", "-X", method.upper(), shlex.quote(url)]
    if any(name.lower() == "authorization" for name in headers):
        words += ["-H", '"Authorization: Bearer $TOKEN"']
    for name, value in headers.items():
        if name.lower() not in UNSAID:
            words += ["-H", shlex.quote(f"{name}: {value}")]
    if body:
        words += ["--data-binary", _shown(body)]
    return " ".join(words)


def _shown(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return "@BODY"
    return shlex.quote(text) if text.isprintable() and not text.startswith("@") else "@BODY"
