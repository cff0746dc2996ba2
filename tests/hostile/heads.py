"""Heads that are too many, too long, or not what they should be; paths and methods that play tricks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from tests.hostile.attack import Attack, answers
from tests.hostile.bodies import MEGABYTE
from tests.hostile.defender import Defender
from tests.hostile.raw import Connection, ask, each_alone, request

SLOTS = "/v1/slots?limit=1"


def _bearer(defender: Defender) -> tuple[str, str]:
    return ("Authorization", f"Bearer {defender.token()}")


def _gets(defender: Defender, paths: Iterable[str], *more: tuple[str, str] | bytes) -> list[bytes]:
    return [request("GET", path, [_bearer(defender), *more]) for path in paths]


async def many_headers(defender: Defender) -> Sequence[str]:
    who = _bearer(defender)
    floods: list[list[tuple[str, str] | bytes]] = [
        [(f"X-{at}", "y") for at in range(10_000)],
        [("X-Same", "y")] * 10_000,
        [("Cookie", f"c{at}=1") for at in range(10_000)],
        [b"a:"] * 20_000,
        [("Authorization", "Bearer x")] * 5_000,
    ]
    return await each_alone(defender.address, [request("GET", SLOTS, [who, *each]) for each in floods])


async def large_headers(defender: Defender) -> Sequence[str]:
    who = _bearer(defender)
    large = "a" * MEGABYTE
    shapes = [
        request("GET", SLOTS, [who, ("X-Large", large)]),
        request("GET", SLOTS, [who, (large, "x")]),
        request("GET", SLOTS, [("Authorization", f"Bearer {large}")]),
        request("GET", SLOTS, [who, ("Accept", "a/b," * 100_000)]),
        request("GET", f"/v1/slots?limit={large}", [who]),
        request("GET", f"/{large}", [who]),
        request("GET", "/a" * 100_000, [who]),
        request("GET", SLOTS + "&x=1" * 100_000, [who]),
    ]
    return await each_alone(defender.address, shapes)


async def endless_header(defender: Defender) -> Sequence[str]:
    """One header, one name or one target that never ends, as fast as it is taken."""
    piece = b"a" * (256 * 1024)
    starts = [
        b"GET /v1/slots HTTP/1.1\r\nHost: service\r\nX-Endless: ",
        b"GET /v1/slots HTTP/1.1\r\nHost: service\r\n",
        b"GET /",
    ]
    told = []
    for start in starts:
        connection = await Connection.open(defender.address)
        try:
            await connection.send(start)
            await connection.pour(piece for _ in range(400))
            told.append((await connection.listen()).told)
        finally:
            connection.abort()
    return told


async def strange_headers(defender: Defender) -> Sequence[str]:
    """Bytes that no header may hold."""
    who = _bearer(defender)
    lines = [
        b"X-Nul: a\x00b",
        b"X-N\x00ul: a",
        b"X Space: a",
        b"X-Colon : a",
        b": empty",
        b"no colon",
        b"X-Return: a\rb",
        b"X-\xff\xfe: a",
        b"(X): a",
        b"X-Control: \x01\x02\x7f",
    ]
    return await each_alone(defender.address, [request("GET", SLOTS, [who, line]) for line in lines])


async def header_values(defender: Defender) -> Sequence[str]:
    """Values that a header may hold and an operation must not take."""
    path = "/v1/slots/slt-99999999/hold"
    body = b'{"patientId": "pat-4k7m2q9x1a"}'
    kind = ("Content-Type", "application/json")
    shapes = []
    for name in ("X-Correlation-Id", "traceparent", "tracestate", "X-Forwarded-For", "Forwarded"):
        for value in (
            b"\xff\xfe\xc3",
            b"'; DROP TABLE aggregates; --",
            b"${jndi:ldap://a}",
            b"%0d%0aSet-Cookie: a=b",
        ):
            line = name.encode() + b": " + value
            shapes.append(request("POST", path, [_bearer(defender), kind, line], body))
    return await each_alone(defender.address, shapes)


NOWHERE = (
    "/v1/../v1/slots",
    "/v1/%2e%2e/v1/slots",
    "/v1/slots/../appointments",
    "/v1/..;/slots",
    "/v1/.;/slots",
    "//v1/slots",
    "/v1//slots",
    "/v1/slots/",
    "/v1/slots//",
    "/v1/./slots",
    "/v1%2fslots",
    "/v1%5cslots",
    "/v1\\slots",
    "/v1/slots;a=b",
    "/v1/slots%3flimit=1",
    "/v1/slots%23",
    "/v1/slots%00",
    "/v1/slots%00.json",
    "/v1/slots%20",
    "/v1/%c0%ae%c0%ae/slots",
    "/v1/%252e%252e/slots",
    "/%",
    "/v1/%zz",
    "/V1/SLOTS",
    "/etc/passwd",
    "/../../../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/.well-known/../.well-known/jwks.json",
    "/.well-known/jwks.json/",
    "/.well-known//jwks.json",
    "/openapi.json",
    "/ui/",
    "/states",
    "/reset",
    "/" + "a/" * 5_000,
    "/" + "a" * 20_000,
    "/v1/patients//appointments",
)
"""Paths at which there is nothing, however one looks at them."""

NOBODY = (
    "/v1/slots/%00",
    "/v1/slots/slt-10000001%00",
    "/v1/slots/slt-10000001%2F..%2F..",
    "/v1/slots/..%2f..%2fetc%2fpasswd",
    "/v1/slots/..",
    "/v1/slots/.",
    "/v1/slots/%2e%2e",
    "/v1/slots/%ff%fe",
    "/v1/slots/slt-1000%C0%B1",
    "/v1/slots/slt-%EF%BC%91%EF%BC%910000001",
    "/v1/slots/' OR 1=1 --".replace(" ", "%20"),
    "/v1/slots/slt-10000001;a=b",
    "/v1/slots/slt-10000001%0d%0aX:%20y",
    "/v1/slots/%252e%252e",
    "/v1/slots/slt-" + "0" * 20_000,
    "/v1/slots?limit=%00",
    "/v1/slots?limit=%ff",
    "/v1/slots?limit=1&limit=2",
    "/v1/slots?limit=1e3",
    "/v1/slots?limit=99999999999999999999999999",
    "/v1/slots?limit=-1",
    "/v1/slots?limit=NaN",
    "/v1/slots?%ff=1",
    "/v1/slots?status[$ne]=free",
    "/v1/slots?__proto__[x]=1",
    "/v1/slots?cursor=" + "A" * 513,
    "/v1/slots?" + "&".join(f"p{at}=1" for at in range(3_000)),
    "/v1/slots?" + "=&" * 10_000,
    "/v1/slots?startFrom=%2b275760-09-13T00:00:00Z",
)
"""Parameters that no contract takes."""

CURSORS = (
    "AAAA",
    "eyJhIjoxfQ",
    "WyIiLCIiLDFd",
    "bnVsbA",
    "W1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tb",
    "WzEsMiwzXQ",
    "A" * 512,
)
"""Cursors that nobody gave out: base64 of JSON that is none of ours."""


async def no_such_paths(defender: Defender) -> Sequence[str]:
    return await each_alone(defender.address, _gets(defender, NOWHERE))


async def bad_parameters(defender: Defender) -> Sequence[str]:
    return await each_alone(defender.address, _gets(defender, NOBODY))


async def bad_cursors(defender: Defender) -> Sequence[str]:
    return await each_alone(
        defender.address, _gets(defender, (f"/v1/slots?cursor={each}" for each in CURSORS))
    )


async def target_forms(defender: Defender) -> Sequence[str]:
    """Absolute form, and a path that is encoded for no reason: served as if they were plain."""
    host, port = defender.address
    paths = [
        f"http://{host}:{port}{SLOTS}",
        f"http://elsewhere.invalid{SLOTS}",
        f"https://user:secret@elsewhere.invalid:443{SLOTS}",
        "/%76%31/%73lots?limit=1",
    ]
    return await each_alone(defender.address, _gets(defender, paths))


async def no_targets(defender: Defender) -> Sequence[str]:
    who = _bearer(defender)
    raw = [
        b"GET  HTTP/1.1",
        b"GET v1/slots HTTP/1.1",
        b"GET * HTTP/1.1",
        b"GET \\v1\\slots HTTP/1.1",
        b"GET /v1/slots\x00 HTTP/1.1",
        b"GET /v1/\xff\xfe HTTP/1.1",
        b"GET /v1/sl ots HTTP/1.1",
        b"GET http:// HTTP/1.1",
        b"GET http://[::1/v1/slots HTTP/1.1",
        b"GET http://h:99999999/v1/slots HTTP/1.1",
        b"GET ?limit=1 HTTP/1.1",
        b"GET //// HTTP/1.1",
        b"CONNECT elsewhere.invalid:443 HTTP/1.1",
        b"CONNECT / HTTP/1.1",
    ]
    rest = f"\r\nHost: service\r\n{who[0]}: {who[1]}\r\n\r\n".encode()
    return await each_alone(defender.address, [line + rest for line in raw])


async def overrides(defender: Defender) -> Sequence[str]:
    """A GET stays one, whatever a header says."""
    names = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method")
    shapes = [request("GET", SLOTS, [_bearer(defender), (name, "DELETE")]) for name in names]
    moved = ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix", "X-Forwarded-Path", "X-Forwarded-Host")
    shapes += [request("GET", SLOTS, [_bearer(defender), (name, "/v1/appointments")]) for name in moved]
    return await each_alone(defender.address, shapes)


async def methods(defender: Defender) -> Sequence[str]:
    names = ("DELETE", "PUT", "PATCH", "TRACE", "PROPFIND", "LINK", "PURGE", "SEARCH")
    told = await each_alone(defender.address, [request(n, "/v1/slots", [_bearer(defender)]) for n in names])
    wrong = ("get", "FOO", "G" * 10_000, "GET\x00", "GE T", "", "PRI")
    return [*told, *await each_alone(defender.address, [request(n, SLOTS) for n in wrong])]


async def upgrades(defender: Defender) -> Sequence[str]:
    """Nothing is spoken here but HTTP/1.1."""
    who = _bearer(defender)
    kinds = ("websocket", "h2c", "TLS/1.0", "x" * 1000)
    shapes = [request("GET", SLOTS, [who, ("Connection", "Upgrade"), ("Upgrade", kind)]) for kind in kinds]
    return await each_alone(defender.address, shapes)


async def pipelines(defender: Defender) -> Sequence[str]:
    """Thousands of requests in one go; the answers come in their order, as far as the service goes along."""
    who = _bearer(defender)
    one = request("GET", "/v1/slots/slt-10000001", [who])
    heard = await asyncio.gather(
        ask(defender.address, one * 2_000),
        ask(defender.address, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 20_000),
    )
    return ["in order" if len({each.status for each in talk.replies}) == 1 else talk.told for talk in heard]


ATTACKS = (
    Attack("10,000 headers", answers("431 closed"), many_headers),
    Attack("a megabyte of header or target", answers("431 closed"), large_headers),
    Attack("a head without end", answers("431 closed"), endless_header),
    Attack("headers with forbidden bytes", answers("400 closed"), strange_headers),
    Attack("header values that inject", answers("404", "200", "400"), header_values),
    Attack("paths that climb, double or encode", answers("404"), no_such_paths),
    Attack("parameters that no contract takes", answers("400"), bad_parameters),
    Attack("cursors that nobody gave out", answers("200", "422"), bad_cursors),
    Attack("absolute and encoded targets", answers("200"), target_forms),
    Attack("targets that are none", answers("400 closed", "404", "404 closed"), no_targets),
    Attack("method and URL override headers", answers("200"), overrides),
    Attack("methods that are not documented", answers("405", "400 closed"), methods),
    Attack("upgrades to something else", answers("200", "200 closed"), upgrades),
    Attack("pipelines of thousands", answers("in order"), pipelines),
)
