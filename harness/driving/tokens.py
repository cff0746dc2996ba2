"""Tokens that a service must refuse, made from one that it accepts."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from harness.contract.model import JSON
from harness.driving.calls import Caller
from harness.errors import TokenError
from harness.target import Claims

UNAUTHORIZED = frozenset({401})
REFUSED = frozenset({401, 403})
ELSEWHERE = "https://elsewhere.example"
NO_SCOPE = "system/Nothing.read"


@dataclass(frozen=True, slots=True)
class BadToken:
    """``token`` is sent as it is, None sends none; ``statuses`` are the right answers.

    ``missing`` says why such a token could not be made, None if it could.
    """

    name: str
    token: str | None
    statuses: frozenset[int] = UNAUTHORIZED
    missing: str | None = None


def bad_tokens(caller: Caller, claims: Claims) -> Iterator[BadToken]:
    """Tokens for the caller of ``claims`` that must not be accepted (RFC 8725, RFC 6750 section 3.1)."""
    good = caller.token(claims)
    yield BadToken("no token", None)
    yield BadToken("a token that is none", "not-a-token")
    parsed = _parse(good)
    if parsed is None:
        why = "the source's tokens are opaque, so none can be forged"
        yield BadToken("a forged token", None, missing=why)
    else:
        header, payload, signature = parsed
        yield BadToken("a token without signature (alg none)", _join({**header, "alg": "none"}, payload, b""))
        yield BadToken("a token signed with another key", _signed(header, payload))
        yield BadToken("a token changed after signing", _join(header, {**payload, "sub": "other"}, signature))
    yield from _minted(caller, claims)


def _minted(caller: Caller, claims: Claims) -> Iterator[BadToken]:
    """Tokens that the source itself must make; ``missing`` where it makes others than asked."""
    past = int(time.time()) - 3600
    wishes: list[tuple[str, str, JSON, frozenset[int]]] = [
        ("an expired token", "exp", past, UNAUTHORIZED),
        ("a token for another audience", "aud", ELSEWHERE, UNAUTHORIZED),
        ("a token of another issuer", "iss", ELSEWHERE, UNAUTHORIZED),
        ("a token with another scope", "scope", NO_SCOPE, REFUSED),
    ]
    for name, claim, value, statuses in wishes:
        try:
            token = caller.token({**claims, claim: value})
        except TokenError as error:
            yield BadToken(name, None, statuses, missing=error.found)
            continue
        parsed = _parse(token)
        if parsed is not None and parsed[1].get(claim) not in (value, [value]):
            yield BadToken(name, None, statuses, missing=f"the source of tokens does not take '{claim}'")
        else:
            yield BadToken(name, token, statuses)


def _parse(token: str) -> tuple[dict[str, Any], dict[str, Any], bytes] | None:
    """A JWT's header, payload and signature (RFC 7519), None for anything else."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        header, payload = (json.loads(_decode(part)) for part in parts[:2])
        return (header, payload, _decode(parts[2])) if isinstance(payload, dict) else None
    except (ValueError, binascii.Error):
        return None


def _join(header: Mapping[str, Any], payload: Mapping[str, Any], signature: bytes) -> str:
    parts = [json.dumps(dict(part), separators=(",", ":")).encode() for part in (header, payload)]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in [*parts, signature])


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _signed(header: Mapping[str, Any], payload: Mapping[str, Any]) -> str:
    """The same header, key id included, and payload, signed with a key of ours."""
    import jwt

    algorithm = str(header.get("alg", "RS256"))
    key = _own_key(algorithm[:2])
    extra = {name: value for name, value in header.items() if name not in {"alg", "typ"}}
    return jwt.encode(dict(payload), key, algorithm=algorithm, headers=extra)


@cache
def _own_key(family: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if family == "ES":
        return ec.generate_private_key(ec.SECP256R1())
    if family == "Ed":
        return ed25519.Ed25519PrivateKey.generate()
    if family == "HS":
        return "a-secret-that-is-not-the-services-own-at-all-0123456789-0123456789"
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)
