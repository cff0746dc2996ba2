"""Requests that two readers may read differently: never a second answer, never a wait."""

from __future__ import annotations

from collections.abc import Sequence

from tests.hostile.attack import Attack, answers
from tests.hostile.bodies import BOOK
from tests.hostile.defender import Defender
from tests.hostile.raw import each_alone

HIDDEN = b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: service\r\n\r\n"
"""What is to slip through: it would be answered with 200."""

_CHUNKED = b"0\r\n\r\n" + HIDDEN
_LENGTH = b"Content-Length: %d" % len(_CHUNKED)

LENGTHS_AND_CODINGS: tuple[bytes, ...] = (
    _LENGTH + b"\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\n" + _LENGTH,
    b"Content-Length: 4\r\nTransfer-Encoding: chunked",
    b"Content-Length: 5\r\nContent-Length: %d" % len(_CHUNKED),
    b"Content-Length: 5\r\nContent-Length: 5",
    b"Content-Length: 5, 5",
    b"Content-Length: +5",
    b"Content-Length: -5",
    b"Content-Length: 0x5",
    b"Content-Length: 5 5",
    b"Content-Length: 5\x00",
    b"Content-Length: ",
    b"Content-Length: \xd9\xa5",
    b"Content-Length: 18446744073709551621",
    b"Content-Length : 5",
    b"Content-Length:\r\n 5",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: identity, chunked, identity",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding: \x0bchunked",
    b"Transfer-Encoding: chunked\x00",
    b"Transfer-Encoding:\r\n chunked",
    b"Transfer-Encoding: chunked\r\n\tx",
    b"X: y\r\n Transfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    b"Transfer-Encoding\x00: chunked",
    b"X: y\nTransfer-Encoding: chunked",
    b"X: y\rTransfer-Encoding: chunked",
    b"\x0cTransfer-Encoding: chunked",
    b"Transfer-Encoding: 'chunked'",
    b"Transfer-Encoding: gzip, chunked",
    b"Content-Length: 5\r\n Content-Length: 6",
)
"""Header lines; none of them says unmistakably where the body ends."""

CHUNKS: tuple[bytes, ...] = (
    b"G\r\nx\r\n",
    b"-1\r\nx\r\n",
    b"+1\r\nx\r\n",
    b"0x1\r\nx\r\n",
    b" 1\r\nx\r\n",
    b"1 \r\nx\r\n",
    b"FFFFFFFFFFFFFFFFF\r\nx\r\n",
    b"10000000000000001\r\nx\r\n",
    b"1\nx\n",
    b"1\r\nxx\r\n",
    b"1\r\nx",
    b"1;a=b\nx\r\n",
    b"1\rx\r\n",
    b"1\r\nx\n",
    b"\r\n",
    b"1;\x00\r\nx\r\n",
    b"",
)
"""Chunks that are none; each goes before a proper end and the hidden request."""

HEADS: tuple[bytes, ...] = (
    b"GET /v1/slots HTTP/1.1\nHost: service\n\n",
    b"GET /v1/slots HTTP/1.1\r\nHost: service\n\n",
    b"GET /v1/slots HTTP/1.1\r\nHost: service\r\n folded\r\n\r\n",
    b"GET /v1/slots HTTP/1.1\r\n Host: service\r\n\r\n",
    b"GET /v1/slots HTTP/1.1\r\n\r\n",
    b"GET /v1/slots HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /v1/slots HTTP/1.1\r\nHost: a b\r\n\r\n",
    b"GET /v1/slots HTTP/1.1\r\nHost: a/../b\r\n\r\n",
    b"GET /v1/slots HTTP/1.11\r\nHost: service\r\n\r\n",
    b"GET /v1/slots HTTP/9.9\r\nHost: service\r\n\r\n",
    b"GET /v1/slots HTTP/2.0\r\nHost: service\r\n\r\n",
    b"GET /v1/slots HTTP/-1.1\r\nHost: service\r\n\r\n",
    b"GET /v1/slots http/1.1\r\nHost: service\r\n\r\n",
    b"GET /v1/slots\r\n\r\n",
    b"GET /v1/slots ICE/1.0\r\n\r\n",
    b"GET\t/v1/slots\tHTTP/1.1\r\nHost: service\r\n\r\n",
    b"GET /v1/slots HTTP/1.1 \r\nHost: service\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
    b"\x00" * 1000,
    bytes(range(256)) * 4,
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"SSH-2.0-client\r\n",
    b"{}\r\n",
)
"""Beginnings that are not HTTP/1.1, or not of one mind."""


def _head(defender: Defender, *lines: bytes) -> bytes:
    who = f"Authorization: Bearer {defender.token()}".encode()
    fixed = [f"POST {BOOK} HTTP/1.1".encode(), b"Host: service", who, b"Content-Type: application/json"]
    return b"\r\n".join([*fixed, b"Idempotency-Key: smuggled-1", *lines, b"", b""])


async def ambiguous_lengths(defender: Defender) -> Sequence[str]:
    shapes = [_head(defender, line) + _CHUNKED for line in LENGTHS_AND_CODINGS]
    return await each_alone(defender.address, shapes)


async def bad_chunks(defender: Defender) -> Sequence[str]:
    head = _head(defender, b"Transfer-Encoding: chunked")
    return await each_alone(defender.address, [head + chunk + _CHUNKED for chunk in CHUNKS if chunk])


async def other_protocols(defender: Defender) -> Sequence[str]:
    return await each_alone(defender.address, HEADS)


async def behind_a_good_one(defender: Defender) -> Sequence[str]:
    """What is malformed behind a good request takes nothing away from it: first its answer, then 400."""
    shapes = [HIDDEN + head for head in HEADS[:4]]
    return await each_alone(defender.address, shapes)


ATTACKS = (
    Attack("two ways to tell where a body ends", answers("400 closed", "501 closed"), ambiguous_lengths),
    Attack("chunks that are none", answers("400 closed"), bad_chunks),
    Attack("other protocols, folded and bare lines", answers("400 closed", "505 closed"), other_protocols),
    Attack("malformed behind a good request", answers("200+400 closed"), behind_a_good_one),
)
