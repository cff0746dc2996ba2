"""Relations that come and go: what messages tell of them (``x-relation``), and what is left of a token's.

A token says in whose name its holder may act, as of when it was made. What a message has said since then
counts: where something is known of the two and nothing of it holds, the token's word does not either.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harness.contract.expressions import Context, evaluate, holds
from harness.contract.model import JSON, Contract, MessageOperation
from harness.serving.access import Claims
from harness.serving.security import Authenticator

CLAIMS: Mapping[str, str] = {"granted": "proxy_for", "treating": "treats"}
"""The claim that lists the patients to whom a relation ties the token's ``sub``."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one message says: ``thing`` (a grant, say) ties the actor to the subject, or no longer does."""

    thing: str
    relation: str
    actor: str
    subject: str
    holds: bool


Holds = Callable[[str, str, str], bool]
"""Whether a relation of an actor to a subject holds, for all that is known."""


def told(operation: MessageOperation, context: Context) -> Told | None:
    """What a message says of a relation; None where that neither begins nor ends, or it names no two."""
    said = operation.relation
    if said is None:
        return None
    actor, subject = evaluate(said.actor, context), evaluate(said.subject, context)
    begins = holds(said.begins, context)
    if (
        not isinstance(actor, str)
        or not isinstance(subject, str)
        or not (begins or holds(said.ends, context))
    ):
        return None
    thing = context.message_key or f"{actor} {subject}"
    return Told(thing, said.relation, actor, subject, begins)


def told_in(contract: Contract) -> frozenset[str]:
    """The relations of which the messages that a service receives tell."""
    return frozenset(each.relation.relation for each in contract.receives.values() if each.relation)


class StillRelated:
    """An authenticator whose claims leave out the relations that have ended since the token was made."""

    def __init__(self, authenticator: Authenticator, holds: Holds) -> None:
        self._authenticator, self._holds = authenticator, holds

    def claims(self, token: str) -> Claims | None:
        """The authenticator's, without what does not hold any more. Raises Problem 401."""
        claims = self._authenticator.claims(token)
        if claims is None:
            return None
        ended = {
            claim: kept
            for relation, claim in CLAIMS.items()
            if claim in claims
            if (kept := self._kept(relation, claims.get("sub"), claims[claim])) != claims[claim]
        }
        return {**claims, **ended} if ended else claims

    def _kept(self, relation: str, actor: JSON, people: JSON) -> JSON:
        if not isinstance(people, list) or not isinstance(actor, str):
            return people
        return [each for each in people if isinstance(each, str) and self._holds(relation, actor, each)]
