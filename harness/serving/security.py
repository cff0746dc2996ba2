"""Who is calling: credentials checked against an operation's ``security``, before anything else is read.

401 means that nobody could be told (missing, malformed, expired or forged credentials), 403 that
somebody known may not. Both say so in ``WWW-Authenticate`` (RFC 6750, section 3).
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import parse_qsl

from harness.contract.model import EMPTY, JSON, Contract, Operation, SecurityScheme
from harness.serving.access import Claims, actor_allowed
from harness.serving.credentials import misshapen
from harness.serving.problems import Denied, Problem

REALM = 'Bearer realm="portal"'
REMEMBERED = 4096
"""Tokens whose signature is known to be good, so that it is verified once and not per request."""

LONGEST = 4096
"""Characters of a token that is remembered; one with huge claims is verified anew each time."""

_TYPES = frozenset({"jwt", "at+jwt"})
"""What an access token may say that it is (RFC 7519, 5.1; RFC 9068, 2.1), if it says so at all."""


class Authenticator(Protocol):
    """Turns a bearer token into its claims; None for one that is not its to judge. Raises Problem 401."""

    def claims(self, token: str) -> Claims | None: ...


class Keys(Protocol):
    """Whose tokens a service takes. ``jwks`` is what it publishes of them (RFC 7517)."""

    def authenticator(self) -> Authenticator: ...

    def jwks(self) -> dict[str, JSON]: ...


class TokenAuthenticator:
    """JWTs of one issuer for one audience, signed by one key with one of ``algorithms``; leeway is 0.

    ``key`` is called when the first token comes: what reads keys takes 7 MiB, and not every service is asked.
    """

    def __init__(
        self, key: Callable[[], Any], algorithms: Sequence[str], *, issuer: str, audience: str
    ) -> None:
        self._key, self._algorithms = key, list(algorithms)
        self._issuer, self._audience = issuer, audience
        self._known: OrderedDict[str, tuple[float, Claims]] = OrderedDict()

    def claims(self, token: str) -> Claims:
        """The claims of a genuine token that has not expired."""
        known = self._known.get(token)
        if known is not None:
            expires, claims = known
            if expires <= time.time():
                raise unauthorized("The token has expired.")
            return claims
        claims = self._verified(token)
        if len(token) <= LONGEST:
            # As the library reads it: RFC 7519 wants a number, but digits in quotes pass there.
            self._known[token] = (float(claims["exp"]), claims)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return claims

    def _verified(self, token: str) -> Claims:
        import jwt

        try:
            if not _for_access(jwt.get_unverified_header(token)):
                raise jwt.InvalidTokenError
            return jwt.decode(
                token,
                self._key(),
                algorithms=self._algorithms,
                audience=self._audience,
                issuer=self._issuer,
                leeway=0,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.ExpiredSignatureError:
            raise unauthorized("The token has expired.") from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            # What exactly is wrong with it helps nobody but a forger.
            raise unauthorized("The token is not valid here.") from None


def _for_access(header: Mapping[str, Any]) -> bool:
    """Whether a token may be one for access: one that was made for something else is not (RFC 8725, 3.11)."""
    kind = header.get("typ")
    return kind is None or (isinstance(kind, str) and kind.lower().removeprefix("application/") in _TYPES)


def unauthorized(detail: str, *, missing: bool = False) -> Problem:
    """401; ``missing`` leaves out the error code, as RFC 6750, 3.1 asks where nothing was sent."""
    challenge = REALM if missing else f'{REALM}, error="invalid_token", error_description="{detail}"'
    return Problem(401, detail=detail, headers={"WWW-Authenticate": challenge})


def forbidden(
    detail: str, scopes: Sequence[str] = (), *, claims: Claims = EMPTY, patient: str | None = None
) -> Problem:
    """403; with ``scopes`` it says which ones would do. The rest is what ``Denied`` knows."""
    headers: Mapping[str, str] = EMPTY
    if scopes:
        headers = {"WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="{" ".join(scopes)}"'}
    return Denied(403, detail, headers, patient=patient, claims=claims)


class Gate:
    """One operation's security requirement, ready to be asked.

    Without an authenticator, credentials need only be there (contracts whose schemes are not ours); then
    neither scopes nor ``x-access`` are judged.
    """

    def __init__(self, operation: Operation, contract: Contract, authenticator: Authenticator | None) -> None:
        self._operation = operation
        self._authenticator = authenticator
        schemes = contract.security_schemes
        self._alternatives = tuple(
            tuple(
                (schemes.get(name, SecurityScheme(name, "unknown")), scopes) for name, scopes in each.items()
            )
            for each in operation.security
            if each
        )
        self._optional = any(not each for each in operation.security)
        self._one = len(self._alternatives) == 1 == len(self._alternatives[0])
        self._last: tuple[str, str, Claims] | None = None
        """The header, the credential in it and the claims that were admitted last where there is ``_one`` way
        in, for callers who come again."""

    def admit(self, scope: Mapping[str, Any], headers: Mapping[str, str]) -> Claims:
        """The caller's claims, empty for nobody in particular. Raises Problem 401 or 403."""
        if self._last is not None and self._authenticator is not None:
            header, known, admitted = self._last
            if headers.get("authorization") == header and self._authenticator.claims(known) is admitted:
                return admitted
        refusals: list[Problem] = []
        offered = False
        for alternative in self._alternatives:
            present = [_credential(scheme, scope, headers) for scheme, _ in alternative]
            if None in present:
                continue
            offered = True
            try:
                claims = self._admit(alternative, present)
                if self._one and claims is not EMPTY and _is_bearer(alternative[0][0]):
                    self._last = headers["authorization"], str(present[0]), claims
                return claims
            except Problem as refusal:
                refusals.append(refusal)
        if self._optional and not offered:
            return EMPTY
        if refusals:
            raise max(refusals, key=lambda refusal: refusal.status)
        if "authorization" in headers:
            raise self._unauthorized("The Authorization header is not one that is understood here.")
        raise self._unauthorized("This needs credentials.", missing=True)

    def _unauthorized(self, detail: str, *, missing: bool = False) -> Problem:
        """401 with the challenge of the first scheme that has one (RFC 9110, 11.6.1)."""
        schemes = [scheme for alternative in self._alternatives for scheme, _ in alternative]
        known = next((each for each in schemes if each.kind != "apiKey"), None)
        if known is None or known.kind != "http" or known.scheme == "bearer":
            return unauthorized(detail, missing=missing)
        challenge = f'{known.scheme.capitalize()} realm="portal"'
        return Problem(401, detail=detail, headers={"WWW-Authenticate": challenge})

    def _admit(
        self, alternative: Sequence[tuple[SecurityScheme, Sequence[str]]], present: Sequence[str | None]
    ) -> Claims:
        claims: Claims = EMPTY
        for (scheme, _), credential in zip(alternative, present, strict=True):
            if why := misshapen(scheme, credential or ""):
                raise self._unauthorized(why)
        if self._authenticator is None:
            return claims
        for (scheme, scopes), credential in zip(alternative, present, strict=True):
            if _is_bearer(scheme) and credential is not None:
                judged = self._authenticator.claims(credential)
                if judged is None:
                    return EMPTY
                claims = judged
                granted = _scopes(claims)
                if missing := [each for each in scopes if each not in granted]:
                    raise forbidden("The token lacks a scope that this needs.", missing, claims=claims)
        if not actor_allowed(self._operation, claims):
            raise forbidden("This is not for this kind of caller.", claims=claims)
        return claims


def _scopes(claims: Claims) -> frozenset[str]:
    scope: JSON = claims.get("scope")
    return frozenset(scope.split()) if isinstance(scope, str) else frozenset()


def _is_bearer(scheme: SecurityScheme) -> bool:
    kind = scheme.kind
    return kind in {"oauth2", "openIdConnect"} or (kind == "http" and scheme.scheme.lower() == "bearer")


def _credential(scheme: SecurityScheme, scope: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
    """What was sent for a scheme; None if nothing was. Mutual TLS is out of our sight, and of a scheme that
    nobody defines it is not known what would do: taken as sent."""
    if scheme.kind == "apiKey":
        return _api_key(scheme, scope, headers)
    if not _is_bearer(scheme) and scheme.kind != "http":
        return ""
    wanted = "bearer" if _is_bearer(scheme) else scheme.scheme.lower()
    sent, _, credential = headers.get("authorization", "").partition(" ")
    return credential.strip() or None if sent.lower() == wanted else None


def _api_key(scheme: SecurityScheme, scope: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
    if scheme.location == "header":
        return headers.get(scheme.parameter.lower()) or None
    if scheme.location == "query":
        return dict(parse_qsl(scope["query_string"].decode("latin-1"))).get(scheme.parameter) or None
    pairs = (pair.partition("=") for pair in headers.get("cookie", "").split(";"))
    return next((value for name, _, value in pairs if name.strip() == scheme.parameter), None) or None
