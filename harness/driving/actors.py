"""Who calls: the claims of a token that an operation's ``x-access`` admits for a patient's data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.contract.model import JSON, Operation
from harness.target import Claims

PREFERENCE = ("patient", "proxy", "clinician", "staff", "service")
"""Whose claims are taken where several actors are admitted and the subject is known."""

_SCOPE_CONTEXT = {
    "patient": "patient/",
    "proxy": "patient/",
    "clinician": "user/",
    "staff": "user/",
    "service": "system/",
}
"""SMART App Launch 2.2, scope context by who asks."""


def claims_for(operation: Operation, subject: str | None, actor: str | None = None) -> Claims:
    """Claims that the contract admits to this operation for this patient.

    ``subject`` is None where the operation touches no particular patient: then the first admitted actor
    whose relation needs none is taken. ``actor`` takes this one, admitted or not. Scopes are those that
    one security alternative names, the one written for the actor's context if there is one.
    """
    chosen = actor or admitted(operation, subject)
    return related(chosen, subject, scopes_for(operation, chosen))


def admitted(operation: Operation, subject: str | None) -> str:
    """The actor taken when nobody asks for a particular one."""
    order = PREFERENCE if subject is not None else tuple(reversed(PREFERENCE))
    return next((each for each in order if each in operation.access), _fallback(operation, subject))


def related(actor: str, subject: str | None, scopes: Sequence[str]) -> Claims:
    """Claims of an actor who stands in the actor's own relation to this patient."""
    claims: dict[str, JSON] = {"actor": actor, "scope": " ".join(scopes), "sub": _name(actor, subject)}
    if subject is not None:
        if actor == "patient":
            claims["patient"] = subject
        elif actor == "proxy":
            claims["proxy_for"] = [subject]
        elif actor == "clinician":
            claims["treats"] = [subject]
    return claims


def scopes_for(operation: Operation, actor: str) -> tuple[str, ...]:
    """The scopes of the security alternative that suits the actor; empty if none is needed."""
    alternatives = [_scopes(each) for each in operation.security]
    context = _SCOPE_CONTEXT.get(actor, "")
    suited = [each for each in alternatives if each and all(s.startswith(context) for s in each)]
    return (suited or alternatives or [()])[0]


def needs_token(operation: Operation) -> bool:
    """Whether no security alternative lets an anonymous caller in."""
    return bool(operation.security) and all(operation.security)


def _scopes(alternative: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(scope for scopes in alternative.values() for scope in scopes)


def _fallback(operation: Operation, subject: str | None) -> str:
    """Without ``x-access`` the relation is nobody's business: staff, or the patient where one is named."""
    if operation.access:
        return next(iter(operation.access))
    return "staff" if subject is None else "patient"


def _name(actor: str, subject: str | None) -> str:
    return subject if actor == "patient" and subject is not None else f"{actor}-of-the-harness"
