"""Which certificates a target's are judged by, read once: each time takes 20 ms of the processor."""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def certificates(environment: bool) -> ssl.SSLContext:
    """What httpx trusts; with ``environment`` what ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` name, if set."""
    return httpx.create_ssl_context(trust_env=environment)
