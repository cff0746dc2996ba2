"""What can be told of a credential without knowing who made it: its shape."""

from __future__ import annotations

import base64
import binascii
import json
import re

from harness.contract.model import SecurityScheme

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""``b64token`` (RFC 6750, section 2.1)."""


def jwt_part(token: str, index: int) -> dict[str, object] | None:
    """A JWT's header (0) or payload (1), unverified; None for what is none."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        text = parts[index]
        value = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def misshapen(scheme: SecurityScheme, credential: str) -> str:
    """Why a credential cannot be one of its scheme; ``""`` if it may be."""
    if scheme.kind == "http" and scheme.scheme == "basic":
        try:
            plain = base64.b64decode(credential, validate=True)
        except (binascii.Error, ValueError):
            return "The Basic credentials are not base64."
        return "" if b":" in plain else "The Basic credentials are not a name and a password."
    if scheme.kind == "http" and scheme.scheme == "bearer" and scheme.format.upper() == "JWT":
        return "" if jwt_part(credential, 0) else "The token is no JWT."
    if scheme.kind in ("oauth2", "openIdConnect") or scheme.scheme == "bearer":
        return "" if _TOKEN.fullmatch(credential) else "The token holds what no bearer token can."
    return ""
