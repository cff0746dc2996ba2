"""Who may act on whose data: pure functions over ``x-access``, ``x-subject`` and a token's claims.

The relations come from the token: ``patient`` (own), ``proxy_for`` (granted), ``treats`` (treating).
``any`` asks for no relation; ``declared`` leaves it to the scopes that a service was given. What is not
known is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.contract.extensions import RELATIONS
from harness.contract.model import JSON, Operation

Claims = Mapping[str, JSON]


def _listed(claims: Claims, claim: str, subject: str) -> bool:
    people = claims.get(claim)
    return isinstance(people, list) and subject in people


_RELATIONS: Mapping[str, Callable[[Claims, str], bool]] = {
    "own": lambda claims, subject: claims.get("patient") == subject,
    "granted": lambda claims, subject: _listed(claims, "proxy_for", subject),
    "treating": lambda claims, subject: _listed(claims, "treats", subject),
}
_WITHOUT_SUBJECT = frozenset({"any", "declared"})


def actor_allowed(operation: Operation, claims: Claims) -> bool:
    """Whether this kind of actor may call the operation at all, on anybody."""
    return not operation.access or _relation(operation, claims) is not None


def allowed(operation: Operation, claims: Claims, subject: JSON) -> bool:
    """Whether these claims permit the operation on this patient's data.

    ``subject`` is the patient's id; None (nobody could be named) satisfies only relations that ask for
    nobody. An operation without ``x-access`` is open to every actor.
    """
    if not operation.access:
        return True
    relation = _relation(operation, claims)
    return relation is not None and _stands(relation, claims, subject)


def stands_for(claims: Claims, patient: str) -> bool:
    """Whether the caller stands in the relation of its kind of actor to this patient, or needs none.

    For what no ``x-access`` decides: parts of an answer. A patient's token that says whom its owner treats
    is still a patient's.
    """
    actor = claims.get("actor")
    relations = RELATIONS.get(actor, ()) if isinstance(actor, str) else ()
    return any(_stands(each, claims, patient) for each in relations)


def _stands(relation: str, claims: Claims, subject: JSON) -> bool:
    if relation in _WITHOUT_SUBJECT:
        return True
    holds = _RELATIONS.get(relation)
    return holds is not None and isinstance(subject, str) and bool(subject) and holds(claims, subject)


def _relation(operation: Operation, claims: Claims) -> str | None:
    actor = claims.get("actor")
    return operation.access.get(actor) if isinstance(actor, str) else None


def request_subject(operation: Operation) -> str | None:
    """The ``x-subject`` expression, if the request alone answers it."""
    subject = operation.subject
    return subject if subject is not None and subject.startswith("$request.") else None
