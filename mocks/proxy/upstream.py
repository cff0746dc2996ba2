"""The real service, as a proxy speaks to it: each request once, no redirects, no other proxies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import cast

import httpx

CONNECT = 5.0
"""Seconds in which a connection has to stand."""

PATIENCE = 30.0
"""Seconds in which the service has to take, or to give, something more."""

_POOL = 256
"""Connections to the service at a time; a request waits ``CONNECT`` seconds for one."""

_TIMEOUT = {"connect": CONNECT, "read": PATIENCE, "write": PATIENCE, "pool": CONNECT}


class Unreached(Exception):
    """The service gave no answer; ``late`` tells one that took too long from one that cannot be had."""

    def __init__(self, why: str, late: bool) -> None:
        self.late = late
        super().__init__(why)


class Upstream:
    """One service at ``url``, which may have a path before those of the contract."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._base = httpx.URL(self.url)
        self._transport: httpx.AsyncHTTPTransport | None = None

    async def ask(
        self,
        method: str,
        target: bytes,
        headers: Sequence[tuple[bytes, bytes]],
        content: AsyncIterator[bytes] | None,
    ) -> httpx.Response:
        """Its answer, of which the body is still to come; ``target`` goes out as it is. Raises Unreached."""
        if self._transport is None:  # it belongs to the event loop that uses it
            limits = httpx.Limits(max_connections=_POOL, max_keepalive_connections=_POOL, keepalive_expiry=15)
            self._transport = httpx.AsyncHTTPTransport(trust_env=False, retries=0, limits=limits)
        path = self._base.raw_path.partition(b"?")[0].rstrip(b"/")
        request = httpx.Request(
            method,
            self._base,
            headers=headers,
            content=content,
            extensions={"target": path + target, "timeout": _TIMEOUT},
        )
        try:
            return await self._transport.handle_async_request(request)
        except httpx.HTTPError as error:
            raise unreached(error) from error

    async def close(self) -> None:
        """Let go of its connections."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()


async def parts_of(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body as it comes, still coded. Raises Unreached where it breaks off."""
    try:
        async for part in cast(httpx.AsyncByteStream, response.stream):
            yield part
    except httpx.HTTPError as error:
        raise unreached(error) from error


def unreached(error: httpx.HTTPError) -> Unreached:
    """What became of the service, in words."""
    kind = type(error).__name__
    if isinstance(error, httpx.TimeoutException):
        return Unreached(f"it took too long ({kind})", late=not isinstance(error, httpx.ConnectTimeout))
    if isinstance(error, httpx.ConnectError):
        return Unreached(f"nothing answers there ({kind})", late=False)
    return Unreached(f"the connection broke off ({kind})", late=False)
