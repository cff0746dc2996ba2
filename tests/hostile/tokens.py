"""Tokens that nobody gave out, and genuine ones that say what no token should."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.hostile.attack import Attack, answers
from tests.hostile.defender import Defender
from tests.hostile.raw import ask, each_alone, request

PATH = "/v1/slots?limit=1"


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _part(value: Any) -> str:
    return _b64(value if isinstance(value, bytes) else json.dumps(value).encode())


def _gets(tokens: Iterable[str], scheme: str = "Bearer") -> list[bytes]:
    return [request("GET", PATH, [("Authorization", f"{scheme} {token}")]) for token in tokens]


def _whole(defender: Defender, **more: Any) -> dict[str, Any]:
    """The claims of a genuine token."""
    return {**jwt.decode(defender.token(), options={"verify_signature": False}), **more}


def _signed(defender: Defender, claims: Mapping[str, Any], **header: Any) -> str:
    """A token with a genuine signature, whatever it says."""
    first = (
        _part({"alg": "ES256", "typ": "JWT", "kid": defender.keys.kid, **header}) + "." + _part(dict(claims))
    )
    algorithm = jwt.get_algorithm_by_name("ES256")
    return f"{first}.{_b64(algorithm.sign(first.encode(), defender.keys._private))}"


def _keyed(header: Mapping[str, Any], claims: Mapping[str, Any], key: bytes, digest: str = "sha256") -> str:
    first = f"{_part(dict(header))}.{_part(dict(claims))}"
    return f"{first}.{_b64(hmac.new(key, first.encode(), digest).digest())}"


async def none_at_all(defender: Defender) -> Sequence[str]:
    """``alg: none`` in every spelling, with and without a signature."""
    claims, genuine = _part(_whole(defender)), defender.token().split(".")
    headers: list[dict[str, Any]] = [
        {"alg": name, "typ": "JWT"} for name in ("none", "None", "NONE", "nOnE", "", " none", "null")
    ]
    headers += [{"typ": "JWT"}, {"alg": None}, {"alg": ["none"]}, {"alg": 0}, {"alg": {"a": 1}}]
    tokens = [f"{_part(each)}.{claims}." for each in headers]
    tokens += [f"{_part(each)}.{claims}.{genuine[2]}" for each in headers]
    tokens += [f"{genuine[0]}.{claims}.", f"{genuine[0]}.{claims}.AAAA"]
    tokens += [
        f"{genuine[0]}.{genuine[1]}.{_b64(bytes(64))}",
        f"{genuine[0]}.{genuine[1]}.{_b64(bytes([255]) * 64)}",
    ]
    return await each_alone(defender.address, _gets(tokens))


async def key_confusion(defender: Defender) -> Sequence[str]:
    """HMACs keyed with what everybody knows: the public key, in every form in which it is published."""
    public = defender.keys.public
    jwks = defender.keys.jwks()
    keys = [
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).strip(),
        public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        json.dumps(jwks).encode(),
        json.dumps(jwks["keys"][0]).encode(),
        defender.keys.kid.encode(),
        b"",
        b"\x00",
    ]
    claims = _whole(defender)
    tokens = [_keyed({"alg": "HS256", "typ": "JWT", "kid": defender.keys.kid}, claims, key) for key in keys]
    tokens += [_keyed({"alg": "ES256", "typ": "JWT"}, claims, keys[0])]
    tokens += [_keyed({"alg": "HS512", "typ": "JWT"}, claims, keys[0], "sha512")]
    another = rsa.generate_private_key(65537, 2048)
    curve = ec.generate_private_key(ec.SECP384R1())
    tokens += [jwt.encode(claims, another, "RS256"), jwt.encode(claims, another, "PS256")]
    tokens += [
        jwt.encode(claims, curve, "ES384"),
        jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), "ES256"),
    ]
    return await each_alone(defender.address, _gets(tokens))


KEY_IDS: tuple[Any, ...] = (
    "../../../../dev/null",
    "/dev/null",
    "file:///etc/passwd",
    "x' UNION SELECT 'secret' --",
    "'; DROP TABLE aggregates; --",
    "http://169.254.169.254/latest/meta-data",
    "| sleep 10",
    "\x00",
    "a" * 5_000,
    "",
    None,
    7,
    True,
    ["a"],
    {"a": {"b": "c"}},
)


async def key_ids(defender: Defender) -> Sequence[str]:
    """``kid`` as a path, as SQL, as a URL, as no text: signed with what it would lead to."""
    tokens = [
        _keyed({"alg": "HS256", "typ": "JWT", "kid": kid}, _whole(defender), key)
        for kid in KEY_IDS
        for key in (b"", b"secret")
    ]
    return await each_alone(defender.address, _gets(tokens))


async def keys_of_their_own(defender: Defender) -> Sequence[str]:
    """Keys that the token brings along, or says where to fetch: nobody is called, nothing is believed."""
    called: list[str] = []

    async def caught(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.append("called")
        writer.close()

    server = await asyncio.start_server(caught, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/keys"
    theirs = ec.generate_private_key(ec.SECP256R1())
    numbers = theirs.public_key().public_numbers()
    x, y = (_b64(part.to_bytes(32, "big")) for part in (numbers.x, numbers.y))
    jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    headers: list[dict[str, Any]] = [
        {"jku": url},
        {"x5u": url},
        {"jwk": jwk},
        {"x5c": ["AAAA"]},
        {"kid": url},
    ]
    headers += [
        {"jku": url, "jwk": jwk, "x5u": url, "crit": ["jku"]},
        {"jku": "file:///etc/passwd"},
        {"url": url},
    ]
    tokens = [jwt.encode(_whole(defender), theirs, "ES256", headers=each) for each in headers]
    async with server:
        told = await each_alone(defender.address, _gets(tokens))
    return [*told, *called]


TIMES: tuple[Mapping[str, Any], ...] = (
    {"exp": 0},
    {"exp": -1},
    {"exp": "tomorrow"},
    {"exp": None},
    {"exp": []},
    {"exp": {"a": 1}},
    {"exp": float("-inf")},
    {"exp": float("nan")},
    {"exp": True},
    {"nbf": 2**40},
    {"nbf": "later"},
    {"nbf": float("inf")},
    {"iat": 2**40},
    {"iat": "now"},
    {"iat": []},
    {"iss": "https://elsewhere.invalid"},
    {"iss": ["https://portal.invalid/development"]},
    {"iss": None},
    {"aud": "another"},
    {"aud": ["another"] * 1000},
    {"aud": {"portal": True}},
    {"aud": []},
    {"sub": None},
    {"sub": 7},
    {"sub": {"a": 1}},
)
"""Claims under a genuine signature that make a token none for here and now."""


async def wrong_claims(defender: Defender) -> Sequence[str]:
    tokens = [_signed(defender, _whole(defender, **claims)) for claims in TIMES]
    lacking = [
        {k: v for k, v in _whole(defender).items() if k != name}
        for name in ("exp", "iat", "iss", "aud", "sub")
    ]
    tokens += [_signed(defender, each) for each in lacking]
    return await each_alone(
        defender.address, _gets([*tokens, *tokens])
    )  # a second time: nothing was remembered


async def odd_times(defender: Defender) -> Sequence[str]:
    """Times that are no plain numbers: refused or taken, twice the same, never a failure."""
    later = time.time() + 600
    odd = (f"{later:.0f}", later, 10**30, float("inf"), f"{10**30}")
    tokens = [_signed(defender, _whole(defender, exp=each)) for each in odd]
    first = await each_alone(defender.address, _gets(tokens))
    again = await each_alone(defender.address, _gets(tokens))
    return [
        *first,
        *(
            told if told == before else f"{before}, then {told}"
            for before, told in zip(first, again, strict=True)
        ),
    ]


WRONG_TYPES: tuple[Mapping[str, Any], ...] = (
    {"typ": "JWE"},
    {"typ": "logout+jwt"},
    {"typ": "secevent+jwt"},
    {"typ": "dpop+jwt"},
    {"typ": ["JWT"]},
    {"typ": 1},
    {"crit": ["exp"]},
    {"crit": []},
    {"crit": ["nonsense"], "nonsense": 1},
    {"b64": False, "crit": ["b64"]},
)
"""Headers under a genuine signature: a token for something else, or with words that must be understood."""


async def wrong_types(defender: Defender) -> Sequence[str]:
    tokens = [_signed(defender, _whole(defender), **each) for each in WRONG_TYPES]
    return await each_alone(defender.address, _gets(tokens))


STRANGE_ACTORS: tuple[Mapping[str, Any], ...] = (
    {"actor": "root"},
    {"actor": ["patient"]},
    {"actor": {"patient": 1}},
    {"actor": None},
    {"scope": ["patient/Slot.read"]},
    {"scope": {"patient/Slot.read": 1}},
    {"scope": "patient/*.*"},
    {"scope": ""},
)


async def strange_claims(defender: Defender) -> Sequence[str]:
    """A genuine signature over claims of the wrong shape: nobody is taken for somebody."""
    tokens = [_signed(defender, _whole(defender, **each)) for each in STRANGE_ACTORS]
    told = await each_alone(defender.address, _gets(tokens))
    people: tuple[Any, ...] = (
        ["pat-9c5e2j7l4f"],
        {"pat-9c5e2j7l4f": 1},
        "*",
        "%",
        "pat-9c5e2j7l4f ",
        "pat",
        None,
        7,
    )
    claims = [_whole(defender, patient=each) for each in people]
    proxies: tuple[Any, ...] = ("pat-9c5e2j7l4f", {"pat-9c5e2j7l4f": 1}, [[]])
    claims += [_whole(defender, actor="proxy", proxy_for=each) for each in proxies]
    path = "/v1/patients/pat-9c5e2j7l4f/appointments"
    who = [("Authorization", f"Bearer {_signed(defender, each)}") for each in claims]
    return [*told, *await each_alone(defender.address, [request("GET", path, [each]) for each in who])]


async def huge_claims(defender: Defender) -> Sequence[str]:
    """Genuine and large: up to the bound of a head they are read, beyond it refused."""
    shapes: list[Any] = [
        "x" * 15_000,
        ["pat-9c5e2j7l4f"] * 900,
        {f"k{at}": at for at in range(1_200)},
        10**4_000,
    ]
    tokens = [_signed(defender, _whole(defender, more=each)) for each in shapes]
    tokens += [_signed(defender, _whole(defender, more="x" * 100_000))]
    return await each_alone(defender.address, _gets([*tokens, *tokens]))


async def nested_claims(defender: Defender) -> Sequence[str]:
    """JSON as deep as a head allows, in the header and in the claims, forged and genuine."""
    whole = json.dumps(_whole(defender))
    bombs = [
        b"[" * 12_000,
        b"[" * 8_000 + b"]" * 8_000,
        b'{"a":' * 3_000 + b"1" + b"}" * 3_000,
        b"\xff" * 50,
        b"",
        b"7",
    ]
    bombs += [whole[:-1].encode() + b', "more": ' + each + b"}" for each in bombs[1:3]]
    first = _part({"alg": "ES256", "typ": "JWT"})
    algorithm = jwt.get_algorithm_by_name("ES256")
    tokens = []
    for bomb in bombs:
        signed = f"{first}.{_b64(bomb)}"
        tokens += [
            f"{signed}.AAAA",
            f"{signed}.{_b64(algorithm.sign(signed.encode(), defender.keys._private))}",
        ]
        tokens += [f"{_b64(bomb)}.{_part(_whole(defender))}.AAAA"]
    return await each_alone(defender.address, _gets(tokens))


async def no_tokens(defender: Defender) -> Sequence[str]:
    """What is no compact JWS, and headers that are no bearer token."""
    token = defender.token()
    tokens = [
        "",
        ".",
        "..",
        "...",
        "." * 20_000,
        "a.b.c",
        "a" * 20_000,
        f"{token}.x.y",
        f"{token}=",
        token[:-1],
    ]
    tokens += [
        f"{token} {token}",
        f'"{token}"',
        f"{token},{token}",
        "\xff\xfe",
        f" {token[:20]} {token[20:]}",
    ]
    tokens += ['{"payload":"","signatures":[]}', "null", "undefined", token.replace(".", ","), token.upper()]
    shapes = [*_gets(tokens), *_gets([token], "Basic"), *_gets([token], "Token"), *_gets([token], "BearerX")]
    twice = [("Authorization", f"Bearer {token}"), ("Authorization", "Bearer x")]
    shapes += [
        request("GET", PATH, twice),
        request("GET", PATH, twice[::-1]),
        request("GET", PATH, [("Cookie", token)]),
    ]
    shapes += [
        request("GET", f"{PATH}&access_token={token}"),
        request("GET", PATH, [("X-Authorization", token)]),
    ]
    return await each_alone(defender.address, shapes)


async def many_keys(defender: Defender) -> Sequence[str]:
    """A thousand different forged tokens, as fast as they are refused."""
    first = defender.token().rpartition(".")[0]
    tokens = [f"{first}.{_b64(hashlib.sha512(str(at).encode()).digest())}" for at in range(1_000)]
    one = b"".join(_gets(tokens[:100]))
    heard = await asyncio.gather(*(ask(defender.address, one) for _ in range(10)))
    return [str(reply.status) for talk in heard for reply in talk.replies]


ATTACKS = (
    Attack("tokens without a signature (alg none)", answers("401"), none_at_all),
    Attack("key confusion (HS256 with the public key)", answers("401"), key_confusion),
    Attack("kid that is a path, SQL, a URL", answers("401"), key_ids),
    Attack("keys that a token brings (jku, x5u, jwk)", answers("401"), keys_of_their_own),
    Attack("expired, not yet, for others, without claims", answers("401"), wrong_claims),
    Attack("expiry that is no plain number", answers("200", "401"), odd_times),
    Attack("tokens for something else (typ, crit, b64)", answers("401"), wrong_types),
    Attack("claims of the wrong shape", answers("403"), strange_claims),
    Attack("huge claims", answers("200", "431 closed"), huge_claims),
    Attack("claims nested thousands deep", answers("200", "401"), nested_claims),
    Attack("what is no token", answers("401"), no_tokens),
    Attack("a thousand forged tokens", answers("401"), many_keys),
)
