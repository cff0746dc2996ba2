"""Who may call an operation and who may not: every actor in every relation to the subject."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from harness.contract.model import JSON, Operation
from harness.driving.actors import PREFERENCE, claims_for, scopes_for
from harness.driving.calls import Exchange
from harness.target import Claims

TIED = {"own": "patient", "granted": "proxy", "treating": "clinician"}
"""Relations that tie an actor to one patient, with the actor whose claims say so."""

_VARYING = {"instance", "correlationid", "correlation_id", "traceid", "trace_id", "timestamp", "requestid"}
_PASSING = {
    "date",
    "content-length",
    "x-correlation-id",
    "traceparent",
    "tracestate",
    "server",
    "x-request-id",
    "connection",
    "keep-alive",
    "x-ratelimit-remaining",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Somebody who calls: ``name`` says who, ``allowed`` what ``x-access`` says of it."""

    name: str
    actor: str
    claims: Claims
    allowed: bool


def standings(operation: Operation, subject: str | None, stranger: str | None) -> list[Standing]:
    """Each actor in the relation of its kind, and each tied one in none, or in another's.

    Where the operation has no subject, relations mean nothing and only the actor counts.
    """
    found = []
    for actor in PREFERENCE:
        relation = operation.access.get(actor)
        related = claims_for(operation, subject, actor)
        named = f"{actor}, {relation}" if relation else f"{actor}, who is not named"
        found.append(Standing(named, actor, related, relation is not None))
        if relation in TIED and subject is not None and stranger is not None:
            scopes = " ".join(scopes_for(operation, actor))
            unrelated = {**claims_for(operation, stranger, actor), "scope": scopes}
            found.append(Standing(f"{actor} of somebody else", actor, unrelated, False))
            crossed = {**_everything(subject), **unrelated}
            found.append(Standing(f"{actor} with another actor's relation", actor, crossed, False))
    return found


def refusal_status(operation: Operation, actor: str) -> int:
    """403 where the request or the actor decides, 404 where the stored thing does."""
    by_stored = (operation.subject or "").startswith("$response")
    return 404 if by_stored and actor in operation.access else 403


def _everything(subject: str) -> dict[str, JSON]:
    return {"patient": subject, "proxy_for": [subject], "treats": [subject]}


def difference(one: Exchange, other: Exchange, names: Mapping[str, str]) -> str | None:
    """How two refusals can be told apart, None if they cannot.

    ``names`` maps the ids that each request named to one word, so that an echo is no difference.
    """
    if one.status != other.status:
        return f"{one.status} and {other.status}"
    shown, hidden = _shape(one, names), _shape(other, names)
    if shown != hidden:
        return f"the bodies {shown} and {hidden}"
    mine, theirs = (set(each.headers) - _PASSING for each in (one, other))
    if mine != theirs:
        return f"the headers {', '.join(sorted(mine ^ theirs))}"
    return None


def _shape(exchange: Exchange, names: Mapping[str, str]) -> str:
    text = json.dumps(_steady(exchange.body), sort_keys=True) if exchange.body is not None else ""
    for name, word in names.items():
        text = text.replace(name, word)
    return text


def _steady(value: JSON) -> JSON:
    if isinstance(value, Mapping):
        return {k: _steady(v) for k, v in value.items() if k.lower().replace("-", "") not in _VARYING}
    return [_steady(each) for each in value] if isinstance(value, list) else value


def leaked(exchange: Exchange, document: JSON, request: str) -> set[str]:
    """Texts of a document that a refusal repeats although the request did not say them."""
    text = exchange.raw.decode("utf-8", "replace")
    return {each for each in _texts(document) if each in text and each not in request}


def _texts(value: JSON) -> set[str]:
    if isinstance(value, str):
        return {value} if len(value) >= 6 else set()
    if isinstance(value, Mapping):
        return {text for each in value.values() for text in _texts(each)}
    if isinstance(value, list):
        return {text for each in value for text in _texts(each)}
    return set()
