"""Bodies that are too large, too deep, too wide, or no JSON."""

from __future__ import annotations

import asyncio
import gzip
import uuid
from collections.abc import Iterator, Sequence

from tests.hostile.attack import Attack, answers
from tests.hostile.defender import PATIENT, Defender
from tests.hostile.raw import Connection, ask, each_alone, request

MEGABYTE = 1024 * 1024
HUGE = 100 * MEGABYTE
BOOK = "/v1/appointments"

_PIECE = b"x" * (256 * 1024)


def booking(defender: Defender, body: bytes, *more: tuple[str, str] | bytes, **claims: str) -> bytes:
    """A request that books, whole but for what its body says."""
    headers = [
        ("Authorization", f"Bearer {defender.token(**claims)}"),
        ("Idempotency-Key", str(uuid.uuid4())),
        ("Content-Type", "application/json"),
    ]
    named = {each[0].lower() for each in more if isinstance(each, tuple)}
    return request("POST", BOOK, [*(h for h in headers if h[0].lower() not in named), *more], body)


def _with_reason(reason: bytes) -> bytes:
    return b'{"patientId": "%s", "slotId": "slt-99999999", "reason": "%s"}' % (PATIENT.encode(), reason)


async def not_utf8(defender: Defender) -> Sequence[str]:
    bodies = [
        _with_reason(b"\xff"),
        _with_reason(b"\xc0\xaf"),  # overlong
        _with_reason(b"\xed\xa0\x80"),  # a surrogate, encoded
        _with_reason(b"\\ud800"),  # a surrogate, escaped
        _with_reason(b"\xf4\x90\x80\x80"),  # beyond Unicode
        _with_reason(b"caf\xe9"),
        b'{"\xff": 1}',
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf" + _with_reason(b"x"),
        _with_reason(b"x").decode().encode("utf-16"),
        _with_reason(b"x").decode().encode("utf-32"),
        b"\x80" * 1000,
    ]
    return await each_alone(defender.address, [booking(defender, each) for each in bodies])


async def nul_bytes(defender: Defender) -> Sequence[str]:
    bodies = [
        _with_reason(b"\x00"),
        b"\x00",
        b"\x00" * 1000,
        b'{"patientId": "pat-4k7m2q9x1a", "slotId": "slt-\\u0000"}',
    ]
    return await each_alone(defender.address, [booking(defender, each) for each in bodies])


async def deep(defender: Defender) -> Sequence[str]:
    levels = 100_000
    bodies = [
        b"[" * levels,
        b"[" * levels + b"]" * levels,
        b'{"a":' * levels + b"1" + b"}" * levels,
        b'[{"a":' * (levels // 2) + b"1" + b"}]" * (levels // 2),
        b'{"patientId": ' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"reason": ' + b"[" * 65 + b"]" * 65 + b"}",
    ]
    return await each_alone(defender.address, [booking(defender, each) for each in bodies])


async def wide(defender: Defender) -> Sequence[str]:
    """Just within the bound of a body, and as much work as possible to judge."""
    many = MEGABYTE - 1024
    bodies = [
        b"[" + b"0," * (many // 2 - 1) + b"0]",
        b"{" + b",".join(b'"k%d":0' % at for at in range(many // 12)) + b"}",
        b"{" + b",".join(b'"same":0' for _ in range(many // 9)) + b"}",
        b'{"patientId": [' + b"{}," * (many // 3 - 10) + b"{}]}",
        _with_reason(b"x" * (many - 200)),
        _with_reason(b"\\u00e9" * ((many - 200) // 6)),
        b'{"patientId": 1' + b"0" * 500_000 + b"}",
        b'{"patientId": 1e' + b"9" * 1000 + b"}",
        b'{"patientId": 0.' + b"1" * 500_000 + b"}",
        b'{"slotId": "' + b"slt-" * 100_000 + b'"}',
    ]
    return await each_alone(defender.address, [booking(defender, each) for each in bodies], at_once=2)


async def wrong_kind(defender: Defender) -> Sequence[str]:
    """Compressed bombs, other charsets, other types."""
    bomb = gzip.compress(b"0" * (10 * MEGABYTE))
    body = _with_reason(b"x")
    shapes = [
        booking(defender, bomb, ("Content-Encoding", "gzip")),
        booking(defender, bomb, ("Content-Encoding", "gzip, gzip, gzip")),
        booking(defender, body, ("Content-Encoding", "br")),
        booking(defender, body, ("Content-Encoding", "x" * 1000)),
        booking(defender, body, ("Content-Type", "application/json; charset=utf-16")),
        booking(defender, body, ("Content-Type", "application/json; charset=utf-7")),
        booking(defender, body, ("Content-Type", "text/plain")),
        booking(defender, body, ("Content-Type", "application/xml")),
        booking(
            defender, b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>", ("Content-Type", "text/xml")
        ),
        booking(defender, body, ("Content-Type", "multipart/form-data; boundary=x")),
        booking(defender, body, ("Content-Type", "a" * 10_000)),
    ]
    return await each_alone(defender.address, shapes)


def _pieces(total: int) -> Iterator[bytes]:
    yield from (_PIECE for _ in range(total // len(_PIECE)))


def _chunks(total: int) -> Iterator[bytes]:
    yield from (b"%x\r\n%s\r\n" % (len(_PIECE), _PIECE) for _ in range(total // len(_PIECE)))


async def _poured(defender: Defender, head: bytes, pieces: Iterator[bytes]) -> str:
    connection = await Connection.open(defender.address)
    try:
        await connection.send(head)
        await connection.pour(pieces)
        return (await connection.listen()).told
    finally:
        connection.abort()


async def huge_with_length(defender: Defender) -> Sequence[str]:
    head = booking(defender, b"", ("Content-Length", str(HUGE)))
    return [await _poured(defender, head, _pieces(HUGE))]


async def huge_chunked(defender: Defender) -> Sequence[str]:
    head = booking(defender, b"", ("Transfer-Encoding", "chunked"))
    return [await _poured(defender, head, _chunks(HUGE))]


async def huge_without_either(defender: Defender) -> Sequence[str]:
    """Without Content-Length there is no body (RFC 9112, 6.3): what follows is no request."""
    return [await _poured(defender, booking(defender, b""), _pieces(HUGE))]


async def huge_by_a_stranger(defender: Defender) -> Sequence[str]:
    head = booking(defender, b"", ("Content-Length", str(HUGE)), ("Authorization", "Bearer nobody"))
    return [await _poured(defender, head, _pieces(HUGE))]


async def huge_to_a_read(defender: Defender) -> Sequence[str]:
    """A body that nobody documented is not read."""
    who = ("Authorization", f"Bearer {defender.token()}")
    shapes = {"Content-Length": (str(HUGE), _pieces(HUGE)), "Transfer-Encoding": ("chunked", _chunks(HUGE))}
    told = []
    for name, (value, pieces) in shapes.items():
        head = request("GET", "/v1/slots?limit=1", [who, (name, value)])
        told.append(await _poured(defender, head, pieces))
    return told


async def many_huge(defender: Defender) -> Sequence[str]:
    """As many bodies of nearly a megabyte as may be worked on, none of them complete."""
    head = booking(defender, b"", ("Content-Length", str(MEGABYTE)))
    connections = [await Connection.open(defender.address) for _ in range(200)]
    try:
        for each in connections:
            await each.send(head)
            await each.pour(_pieces(MEGABYTE - len(_PIECE)))
        for each in connections:
            await each.pour(_pieces(len(_PIECE)))
        return [talk.told for talk in await asyncio.gather(*(each.listen() for each in connections))]
    finally:
        for each in connections:
            each.abort()


async def announced(defender: Defender) -> Sequence[str]:
    """Lengths that are announced and never sent."""
    lengths = [str(HUGE), str(2**31), str(2**63), "9" * 30]
    shapes = [booking(defender, b"", ("Content-Length", n), ("Expect", "100-continue")) for n in lengths]
    shapes += [booking(defender, b"", ("Content-Length", n)) for n in lengths]
    return await each_alone(defender.address, shapes)


async def chunk_floods(defender: Defender) -> Sequence[str]:
    """Chunks of one byte, chunks with endless extensions, trailers without end."""
    head = booking(defender, b"", ("Transfer-Encoding", "chunked"))
    tiny = b"1\r\nx\r\n" * 200_000 + b"0\r\n\r\n"
    extended = b"1;%s\r\nx\r\n" % (b"a" * 1000) * 20_000 + b"0\r\n\r\n"
    trailers = b"0\r\n" + b"X-Trailer: y\r\n" * 100_000
    shapes = [tiny, extended, b"1;" + b"a" * (4 * MEGABYTE), trailers]
    return [(await ask(defender.address, head, each, patience=40)).told for each in shapes]


ATTACKS = (
    Attack("body that is not UTF-8", answers("400"), not_utf8),
    Attack("NUL bytes in a body", answers("400"), nul_bytes),
    Attack("JSON 100,000 levels deep", answers("400"), deep),
    Attack("JSON of a megabyte to judge", answers("400", "403"), wide),
    Attack("compressed, foreign and misnamed bodies", answers("415"), wrong_kind),
    Attack("100 MB with Content-Length", answers("413 closed"), huge_with_length),
    Attack("100 MB in chunks", answers("413 closed"), huge_chunked),
    Attack("100 MB without a length", answers("400+400 closed"), huge_without_either),
    Attack("100 MB from a stranger", answers("401 closed"), huge_by_a_stranger),
    Attack("100 MB to a GET", answers("200 closed"), huge_to_a_read),
    Attack("200 unfinished megabytes at once", answers("400", "503", "503 closed"), many_huge),
    Attack("lengths announced, never sent", answers("413 closed", "400 closed"), announced),
    Attack("floods of chunks", answers("400", "408 closed", "431 closed"), chunk_floods, waits=True),
)
