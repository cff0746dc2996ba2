"""Documents from addresses: http and https alone, bounded in every way, and never from inside a network.

A host is resolved once, all its addresses are checked, and the connection goes to a checked one: an answer
that changes between check and use (DNS rebinding) finds nothing to change. Redirects are checked in the same
way. Nothing is sent that could tell who asks: no credentials, no cookies, no proxy.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import socket
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urldefrag, urljoin, urlsplit

from harness.contract.sources import Fetched
from harness.errors import ContractError

if TYPE_CHECKING:
    import httpx

MAX_BYTES = 8 * 1024 * 1024
MAX_SECONDS = 20.0
"""For one document, its redirects included."""

MAX_REDIRECTS = 5
MAX_DOCUMENTS = 100
FRESH_SECONDS = 24 * 3600.0
"""How long a copy in the cache answers in place of its address."""

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_TEXT = "application/yaml, application/json, text/yaml, text/plain, */*;q=0.5"

_EMBEDDING = tuple(ipaddress.ip_network(each) for each in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96"))
"""IPv6 addresses whose last 32 bits are an IPv4 address that they lead to (RFC 6052, RFC 4291 2.5.5.1)."""

Resolve = Callable[[str, int], Sequence[str]]


def addresses_of(host: str, port: int) -> Sequence[str]:
    """The IP addresses of a host, as the machine's own resolver says. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def is_public(address: str) -> bool:
    """Whether an IP address is one that anybody on the Internet may reach: not private, loopback, link-local,
    multicast, reserved or unspecified, nor IPv6 that leads to such an IPv4 address."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    inner: list[ipaddress.IPv4Address | None] = []
    if isinstance(ip, ipaddress.IPv6Address):
        inner = [ip.sixtofour, *(ip.teredo or ())]
        if any(ip in network for network in _EMBEDDING):
            inner.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
    if any(each is not None and not is_public(str(each)) for each in inner):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


@dataclass(slots=True)
class Remote:
    """Fetches documents; one for each load. ``cache`` is a folder, or None to keep nothing.

    ``resolve`` and ``transport`` are for tests, which have no Internet.
    """

    cache: Path | None = None
    resolve: Resolve = addresses_of
    transport: httpx.BaseTransport | None = None
    now: Callable[[], float] = time.time
    fetched: int = field(default=0, init=False)

    def __call__(self, uri: str) -> Fetched:
        """The document at an address. Raises ContractError."""
        uri = urldefrag(uri).url
        kept = self._kept(uri)
        if kept is not None:
            return kept
        self.fetched += 1
        if self.fetched > MAX_DOCUMENTS:
            raise _refused(f"more than {MAX_DOCUMENTS} documents are referred to", "fewer")
        found = self._fetch(uri)
        self._keep(uri, found)
        return found

    def _fetch(self, uri: str) -> Fetched:
        import httpx

        ends, here = time.monotonic() + MAX_SECONDS, uri
        transport = self.transport or httpx.HTTPTransport(trust_env=False, retries=0)
        with httpx.Client(transport=transport, trust_env=False, follow_redirects=False) as client:
            for _ in range(MAX_REDIRECTS + 1):
                try:
                    answer = self._ask(client, here, ends)
                except (httpx.HTTPError, httpx.InvalidURL) as error:
                    raise _refused(f"nothing could be fetched from there ({type(error).__name__})") from error
                if isinstance(answer, bytes):
                    return Fetched(here, answer)
                here = urljoin(here, answer)
        raise _refused(f"it redirects more than {MAX_REDIRECTS} times")

    def _ask(self, client: httpx.Client, uri: str, ends: float) -> bytes | str:
        """The body, or where else to look."""
        import httpx

        parts = _checked(uri)
        host, port = str(parts.hostname), parts.port or (443 if parts.scheme == "https" else 80)
        address = self._address(host, port)
        pinned = httpx.URL(uri).copy_with(host=address, port=parts.port, fragment=None)
        left = max(ends - time.monotonic(), 0.1)
        request = client.build_request(
            "GET",
            pinned,
            headers={"Host": parts.netloc, "Accept": _TEXT, "Accept-Encoding": "identity"},
            extensions={"sni_hostname": host},
            timeout=httpx.Timeout(min(left, 10.0)),
        )
        answer = client.send(request, stream=True)
        try:
            if answer.status_code in _REDIRECTS and answer.headers.get("location"):
                return str(answer.headers["location"])
            if answer.status_code != 200:
                raise _refused(f"it answers {answer.status_code}", "200 and a document")
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise _refused("it answers compressed, which was not asked for", "a document as it is")
            return _body(answer, ends)
        finally:
            answer.close()

    def _address(self, host: str, port: int) -> str:
        """The address to connect to. Raises ContractError if any of the host's addresses is not public."""
        try:
            found = self.resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise _refused(f"the host '{host}' has no address", "a host that can be found") from error
        if not found:
            raise _refused(f"the host '{host}' has no address", "a host that can be found")
        for address in found:
            if not is_public(address):
                raise _refused(
                    f"the host '{host}' is in a private, local or reserved range of addresses ({address})",
                    "a host on the Internet",
                    "Map the address to a file with --map",
                )
        return found[0]

    def _file(self, uri: str) -> Path | None:
        return self.cache / hashlib.sha256(uri.encode()).hexdigest() if self.cache is not None else None

    def _kept(self, uri: str) -> Fetched | None:
        file = self._file(uri)
        if file is None:
            return None
        try:
            age = self.now() - file.stat().st_mtime
            head, _, body = file.read_bytes().partition(b"\n")
            known = json.loads(head)
            if 0 <= age < FRESH_SECONDS and known["uri"] == uri and isinstance(known["final"], str):
                return Fetched(known["final"], body)
        except (OSError, ValueError, KeyError, TypeError):
            return None  # never kept, or something that is not ours: it is fetched anew
        return None

    def _keep(self, uri: str, found: Fetched) -> None:
        file = self._file(uri)
        if file is None:
            return
        head = json.dumps({"uri": uri, "final": found.uri}).encode()
        with suppress(OSError):  # without a cache it is fetched again the next time
            file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(dir=file.parent)
            with os.fdopen(handle, "wb") as written:
                written.write(head + b"\n" + found.data)
            Path(name).replace(file)


def _refused(found: str, expected: str = "", remedy: str = "") -> ContractError:
    return ContractError("", found, expected, remedy)


def _checked(uri: str) -> SplitResult:
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        raise _refused("this is no address", "http:// or https:// and a host") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise _refused(f"it leads to '{parts.scheme}:'", "http:// or https:// and a host")
    if parts.username or parts.password:
        raise _refused("its address holds credentials, which are not sent", "an address without them")
    return parts


def _body(answer: httpx.Response, ends: float) -> bytes:
    data = bytearray()
    for chunk in answer.iter_bytes():
        data += chunk
        if len(data) > MAX_BYTES:
            raise _refused(f"it is larger than {MAX_BYTES // 2**20} MiB", "a document that people can read")
        if time.monotonic() > ends:
            raise _refused(f"it takes longer than {MAX_SECONDS:g} s", "a document that comes in time")
    return bytes(data)
