"""Tokens of an issuer elsewhere: taken by its public keys alone, whatever a token says of itself."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from harness.cli.app import run
from harness.errors import UsageError
from harness.serving.issuer import MAX_BYTES, Issuer
from harness.serving.keys import KeyStore
from harness.serving.problems import Problem

ISSUER, AUDIENCE = "https://login.example", "clinic"
FIRST, SECOND = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)


def token(key: Any, algorithm: str, kid: str | None = None, **instead: Any) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "someone", "iat": now, "exp": now + 60, **instead}
    return jwt.encode(claims, key, algorithm, headers={"kid": kid} if kid else None)


def public(key: Any, **more: str) -> dict[str, Any]:
    kind = (
        jwt.algorithms.ECAlgorithm
        if isinstance(key, ec.EllipticCurvePrivateKey)
        else jwt.algorithms.RSAAlgorithm
    )
    return {**json.loads(kind.to_jwk(key.public_key())), **more}


def written(folder: Path, *keys: Any) -> Path:
    file = folder / "jwks.json"
    file.write_text(json.dumps({"keys": keys}))
    return file


def issuer(folder: Path, *keys: Any) -> Issuer:
    return Issuer(written(folder, *keys), ISSUER, AUDIENCE)


def test_one_key(tmp_path: Path) -> None:
    found = issuer(tmp_path, public(FIRST))
    claims = found.authenticator().claims(token(FIRST, "ES256"))
    assert claims is not None
    assert claims["sub"] == "someone"
    assert found.jwks() == {"keys": [public(FIRST)]}


def test_of_several_the_one_that_the_token_names(tmp_path: Path) -> None:
    checked = issuer(tmp_path, public(FIRST, kid="1"), public(SECOND, kid="2")).authenticator()
    assert checked.claims(token(FIRST, "ES256", "1"))
    assert checked.claims(token(SECOND, "RS256", "2"))
    for forged in (token(FIRST, "ES256", "2"), token(FIRST, "ES256", "3"), token(FIRST, "ES256"), "rubbish"):
        with pytest.raises(Problem) as refused:
            checked.claims(forged)
        assert refused.value.status == 401


@pytest.mark.parametrize(
    "instead", [{"iss": "https://portal.invalid/development"}, {"aud": "portal"}, {"exp": 1}]
)
def test_what_was_not_made_for_here_is_refused(tmp_path: Path, instead: dict[str, Any]) -> None:
    with pytest.raises(Problem):
        issuer(tmp_path, public(FIRST)).authenticator().claims(token(FIRST, "ES256", **instead))


def test_a_public_key_is_no_shared_secret(tmp_path: Path) -> None:
    """A forger who signs with the public key, as HMAC takes any bytes for one."""
    import base64
    import hashlib
    import hmac

    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in (
            {"alg": "HS256", "typ": "JWT"},
            {"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "iat": 1, "exp": int(time.time()) + 60},
        )
    )
    secret = json.dumps(public(FIRST)).encode()
    sign = base64.urlsafe_b64encode(hmac.digest(secret, head + b"." + body, hashlib.sha256)).rstrip(b"=")
    with pytest.raises(Problem):
        issuer(tmp_path, public(FIRST)).authenticator().claims(b".".join((head, body, sign)).decode())


def test_what_portal_token_prints_is_such_a_file(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps(store.jwks()))
    minted = store.mint({"iss": ISSUER, "aud": AUDIENCE})
    assert Issuer(file, ISSUER, AUDIENCE).authenticator().claims(minted)


def test_a_key_for_something_else_is_passed_over(tmp_path: Path) -> None:
    found = issuer(tmp_path, public(SECOND, kid="2", use="enc"), public(FIRST, kid="1"))
    assert [each["kid"] for each in found.jwks()["keys"]] == ["1"]


PRIVATE: dict[str, Any] = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(FIRST))


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ([PRIVATE], "this is a secret one"),
        ([{"kty": "oct", "k": "c2VjcmV0LXNlY3JldA"}], "this is a secret one"),
        ([{"kty": "oct", "alg": "HS256"}], "no key that can be used"),
        ([{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}], "no key that can be used"),
        ([{"kty": "EC", "crv": 7, "x": "AA", "y": "AA"}], "no key that can be used"),
        ([{"kty": "XY"}], "no key that can be used"),
        ([{}], "no key that can be used"),
        ([public(FIRST, alg="none")], "no key that can be used"),
        ([public(FIRST, kid=1)], "its kid is no text"),  # type: ignore[arg-type]
        ([public(FIRST, kid="1"), public(SECOND, kid="1")], "the same kid"),
        ([public(FIRST), public(SECOND)], "the same kid"),
        ([public(FIRST, use="enc")], "no key for signatures"),
        ([], "no key for signatures"),
        (["key"], "no JWK set"),
        ([public(FIRST, kid=str(each)) for each in range(51)], "51 keys"),
    ],
)
def test_what_is_no_set_of_public_keys_is_refused(tmp_path: Path, keys: list[Any], told: str) -> None:
    with pytest.raises(UsageError, match=told) as refused:
        issuer(tmp_path, *keys)
    assert "\n" not in str(refused.value)
    assert PRIVATE["d"] not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "not JSON"),
        ("[]", "no JWK set"),
        ('{"keys": {}}', "no JWK set"),
        (" " * (MAX_BYTES + 1), "larger than"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: str, told: str) -> None:
    file = tmp_path / "jwks.json"
    file.write_text(content)
    with pytest.raises(UsageError, match=told):
        Issuer(file, ISSUER, AUDIENCE)


def test_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        Issuer(tmp_path / "none.json", ISSUER, AUDIENCE)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--issuer", ISSUER], "--issuer: it is said of no keys"),
        (["--audience", AUDIENCE], "--audience: it is said of no keys"),
        (["--jwks", "jwks.json"], "whose keys these are is not said"),
        (["--jwks", "none.json", "--issuer", ISSUER], "cannot be read"),
    ],
)
def test_options_belong_together(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "coverage", *arguments]) == 2
    assert told in " ".join(capsys.readouterr().err.split())
