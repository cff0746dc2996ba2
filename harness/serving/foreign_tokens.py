"""Credentials of contracts that are not Portal's own: who made them is not known here."""

from __future__ import annotations

from harness.contract.model import Contract
from harness.serving.access import Claims
from harness.serving.credentials import jwt_part
from harness.serving.security import Authenticator

OWN_SCHEME = "portal"
"""The security scheme under which a contract asks for Portal's tokens."""


def asks_for_ours(contract: Contract) -> bool:
    """Whether a contract speaks of Portal's tokens: by the scheme's name, or by rules over their claims."""
    ruled = any(each.access for each in contract.operations.values())
    return ruled or OWN_SCHEME in contract.security_schemes


class AnyIssuer:
    """Judges the tokens of one issuer, and leaves all others unjudged: a mock does not know their keys."""

    def __init__(self, own: Authenticator, issuer: str) -> None:
        self._own, self._issuer = own, issuer

    def claims(self, token: str) -> Claims | None:
        """The claims of a token of ours; None for somebody else's. Raises Problem 401 as ``own`` does."""
        payload = jwt_part(token, 1)
        return self._own.claims(token) if payload and payload.get("iss") == self._issuer else None
