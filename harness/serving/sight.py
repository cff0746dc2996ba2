"""Who sees what that is stored: ``x-access`` held against each aggregate's subject."""

from __future__ import annotations

from dataclasses import dataclass

from harness.contract.model import Operation
from harness.serving.access import Claims, allowed
from harness.serving.problems import Denied, Problem


@dataclass(frozen=True, slots=True)
class Sight:
    """What one caller may see through one operation.

    ``people`` are the patients whose data is visible, None for everybody's. ``nobody`` says whether
    what has no subject is visible.
    """

    people: frozenset[str] | None
    nobody: bool = True

    def sees(self, subject: str | None) -> bool:
        if subject is None:
            return self.nobody
        return self.people is None or subject in self.people


EVERYTHING = Sight(None)


def sight_of(operation: Operation, claims: Claims) -> Sight:
    """What these claims let the caller see.

    Data that has no subject is everybody's, unless the operation says that the subject stands in the
    answer: then nobody can be named, and only relations that ask for nobody hold.
    """
    if not operation.access:
        return EVERYTHING
    unnamed = operation.subject is None or not operation.subject.startswith("$response.")
    if allowed(operation, claims, None):
        return EVERYTHING
    people = frozenset(each for each in _related(claims) if allowed(operation, claims, each))
    return Sight(people, nobody=unnamed)


def no_such_thing(patient: str | None = None) -> Problem:
    """404 in the same words where there is none and where the caller may not know that there is one.

    ``patient`` is whose it is, if there is one: for the record of who asked, never for the answer.
    """
    return Denied(404, "There is no such resource.", patient=patient)


def _related(claims: Claims) -> set[str]:
    """Every patient that the claims name in any relation."""
    named = {claims.get("patient")}
    for claim in ("proxy_for", "treats"):
        listed = claims.get(claim)
        if isinstance(listed, list):
            named.update(each for each in listed if isinstance(each, str))
    return {each for each in named if isinstance(each, str) and each}
