"""The development key pair: made on first use, shared by every process, never to be trusted elsewhere."""

from __future__ import annotations

import hashlib
import os
import secrets
import sys
import time
from base64 import b64decode, urlsafe_b64encode
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from harness.contract.model import JSON
from harness.errors import TokenError
from harness.serving.access import Claims

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey, EllipticCurvePublicKey

    from harness.serving.security import TokenAuthenticator

ISSUER = "https://portal.invalid/development"
AUDIENCE = "portal"
ALGORITHM = "ES256"
KEY_FILE = "development-key.pem"

_PEM = b"-----BEGIN PRIVATE KEY-----"
_P256 = bytes.fromhex("308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b0201010420")
"""How a P-256 key with its public half begins in PKCS #8 (RFC 5958, section 2; RFC 5915, section 3)."""

JWKS_PATH = "/.well-known/jwks.json"


def default_state_dir() -> Path:
    """``$PORTAL_STATE``, else the platform's cache directory for Portal."""
    if named := os.environ.get("PORTAL_STATE"):
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "portal"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", str(Path.home()))) / "portal"
    return Path(os.environ.get("XDG_CACHE_HOME", "") or Path.home() / ".cache") / "portal"


class KeyStore:
    """One P-256 key pair in one directory. Nothing is read or written before it is first used."""

    def __init__(self, state_dir: Path | None = None) -> None:
        self.state_dir = state_dir or default_state_dir()

    @property
    def path(self) -> Path:
        return self.state_dir / KEY_FILE

    def mint(self, claims: Claims, lifetime: float = 3600) -> str:
        """A signed token of these claims; ``iss``, ``aud``, ``sub``, ``iat`` and ``exp`` are filled in
        where they are not given. ``lifetime`` is seconds."""
        import jwt

        now = int(time.time())
        filled: dict[str, JSON] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(claims.get("patient") or claims.get("actor") or "nobody"),
            "iat": now,
            "exp": now + int(lifetime),
            **claims,
        }
        return jwt.encode(filled, self._private, algorithm=ALGORITHM, headers={"kid": self.kid})

    def jwks(self) -> dict[str, JSON]:
        """The public half as a JWK set (RFC 7517)."""
        return {"keys": [{**self._jwk, "kid": self.kid, "use": "sig", "alg": ALGORITHM}]}

    def authenticator(self, *, issuer: str = ISSUER, audience: str = AUDIENCE) -> TokenAuthenticator:
        """What checks the tokens that this store mints. Raises TokenError for a key that is none."""
        from harness.serving.security import TokenAuthenticator

        if not _begins_as_ours(self._pem):
            self._private  # noqa: B018 - it may be one all the same, or says why not
        return TokenAuthenticator(lambda: self.public, (ALGORITHM,), issuer=issuer, audience=audience)

    @property
    def public(self) -> EllipticCurvePublicKey:
        return self._private.public_key()

    @cached_property
    def kid(self) -> str:
        """The key's thumbprint (RFC 7638)."""
        canonical = orjson.dumps(self._jwk, option=orjson.OPT_SORT_KEYS)
        return _base64(hashlib.sha256(canonical).digest())

    @cached_property
    def _jwk(self) -> dict[str, str]:
        numbers = self.public.public_numbers()
        x, y = (_base64(part.to_bytes(32, "big")) for part in (numbers.x, numbers.y))
        return {"crv": "P-256", "kty": "EC", "x": x, "y": y}

    @cached_property
    def _pem(self) -> bytes:
        pem = self._read()
        return self._create() if pem is None else pem

    @cached_property
    def _private(self) -> EllipticCurvePrivateKey:
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(self._pem, password=None)
        except (ValueError, TypeError):
            key = None
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise TokenError(
                str(self.path),
                "this is not the development key that Portal makes",
                "a P-256 private key in PEM",
                "Delete the file; a new key is made at the next start, and older tokens end.",
            )
        return key

    def _read(self) -> bytes | None:
        try:
            mode = self.path.stat().st_mode
            pem = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(error) from error
        if os.name == "posix" and mode & 0o077:
            raise TokenError(
                str(self.path),
                f"the development key may be read by others (mode {mode & 0o777:04o})",
                "mode 0600",
                f"Run chmod 600 {self.path}, or delete the file if others may have read it.",
            )
        return pem

    def _create(self) -> bytes:
        """Write a whole new key beside its place and link it in: the first process wins, the rest read."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        draft = self.state_dir / f".{KEY_FILE}.{secrets.token_hex(8)}"
        try:
            self.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(pem)
            try:
                os.link(draft, self.path)
            except FileExistsError:
                winner = self._read()
                return pem if winner is None else winner
            finally:
                draft.unlink()
        except OSError as error:
            raise self._unusable(error) from error
        return pem

    def _unusable(self, error: OSError) -> TokenError:
        return TokenError(
            str(self.path),
            f"the development key cannot be kept there ({error.strerror or error})",
            "a directory that this user may write to",
            "Set PORTAL_STATE to such a directory.",
        )


def _begins_as_ours(pem: bytes) -> bool:
    """Whether a file begins as those that Portal writes: that is told without the library that reads keys."""
    lines = pem.split(b"\n")
    try:
        return lines[0] == _PEM and b64decode(lines[1], validate=True).startswith(_P256)
    except (ValueError, IndexError):
        return False


def _base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
