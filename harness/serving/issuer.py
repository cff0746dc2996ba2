"""Somebody else's tokens: the public keys of their issuer, a JWK set (RFC 7517) in a file.

Read once, at the start: a new key is a new file and a restart, one replica after the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from harness.contract.model import JSON
from harness.errors import UsageError
from harness.serving.access import Claims
from harness.serving.security import TokenAuthenticator, unauthorized

if TYPE_CHECKING:
    from jwt import PyJWK

    from harness.serving.security import Authenticator

MAX_BYTES = 256 * 1024
MAX_KEYS = 50

_ALGORITHMS = frozenset(
    {"ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"}
)
"""Those of key pairs (RFC 7518, 3.1; RFC 8037): with a shared secret whoever checks could sign, too."""

_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_EXPECTED = 'a JWK set of public keys, {"keys": [{"kty": "EC", …}]}'


class Issuer:
    """The keys of one issuer, and the only one whose tokens are taken."""

    def __init__(self, file: Path, issuer: str, audience: str) -> None:
        """Raises UsageError for a file that is no set of public keys; it never quotes what is in it."""
        self._public = [each for each in _keys_in(file) if each.get("use", "sig") == "sig"]
        self._checkers: dict[str | None, TokenAuthenticator] = {}
        for number, each in enumerate(self._public, 1):
            key = _usable(each, f"{file}: key {number}")
            name = each.get("kid")
            if name in self._checkers:
                raise UsageError(f"{file}: key {number}", "another key has the same kid", "a kid of its own")
            algorithms = (str(key.algorithm_name),)
            self._checkers[name] = TokenAuthenticator(
                partial(getattr, key, "key"), algorithms, issuer=issuer, audience=audience
            )
        if not self._checkers:
            raise UsageError(str(file), "there is no key for signatures in it", _EXPECTED)

    def authenticator(self) -> Authenticator:
        """What checks the issuer's tokens."""
        return next(iter(self._checkers.values())) if len(self._checkers) == 1 else _ByName(self._checkers)

    def jwks(self) -> dict[str, JSON]:
        """The keys, for whoever asks a service."""
        return {"keys": self._public}


class _ByName:
    """Asks the key that a token names."""

    def __init__(self, checkers: Mapping[str | None, TokenAuthenticator]) -> None:
        self._checkers = checkers

    def claims(self, token: str) -> Claims:
        """The claims of a genuine token that has not expired. Raises Problem 401."""
        import jwt

        try:
            name = jwt.get_unverified_header(token).get("kid")
        except (jwt.PyJWTError, ValueError, RecursionError):
            name = None
        checker = self._checkers.get(name)
        if checker is None:
            raise unauthorized("The token is not valid here.")
        return checker.claims(token)


def _keys_in(file: Path) -> Sequence[dict[str, Any]]:
    where = f"--jwks {file}"
    try:
        with file.open("rb") as opened:
            text = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(where, f"it cannot be read: {error.strerror or error}", _EXPECTED) from None
    if len(text) > MAX_BYTES:
        raise UsageError(where, f"it is larger than {MAX_BYTES // 1024} KiB", _EXPECTED)
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise UsageError(where, "this is not JSON", _EXPECTED) from None
    keys = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(keys, list) or not all(isinstance(each, dict) for each in keys):
        raise UsageError(where, "this is no JWK set", _EXPECTED, "portal token --jwks prints one")
    if len(keys) > MAX_KEYS:
        raise UsageError(where, f"there are {len(keys)} keys in it", f"{MAX_KEYS} at most")
    return keys


def _usable(jwk: Mapping[str, Any], where: str) -> PyJWK:
    import jwt

    if private := sorted(_PRIVATE & jwk.keys()):
        raise UsageError(
            where,
            f"this is a secret one: it has {', '.join(private)}",
            "the public half alone, which is all that checking a signature takes",
            "Take the file away from here; if others may have read it, the issuer needs a new key",
        )
    if not isinstance(jwk.get("kid", ""), str):
        raise UsageError(where, "its kid is no text", _EXPECTED)
    try:
        key = jwt.PyJWK(dict(jwk))
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, NotImplementedError):
        raise UsageError(where, "this is no key that can be used", _EXPECTED) from None
    if key.algorithm_name not in _ALGORITHMS:
        raise UsageError(
            where, "its signatures are not checked here", f"one of {', '.join(sorted(_ALGORITHMS))}"
        )
    return key
