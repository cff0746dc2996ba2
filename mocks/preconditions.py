"""``If-Match`` and ``If-None-Match``: nobody changes what they have not read (RFC 9110, section 13)."""

from __future__ import annotations

from harness.serving.exchange import Request
from harness.serving.problems import Problem
from mocks.plans import Plan, Way
from mocks.things import Thing

FIRST = 0
"""The version of what is not there yet: a tag of it is one with which the first can be made."""


def check(plan: Plan, request: Request, thing: Thing | None) -> None:
    """Raises Problem 428 if the operation asks for ``If-Match`` and none came, 412 if one is stale.

    The version of a thing that is to be made (None) is 0.
    """
    unless = request.headers.get("if-none-match")
    if (
        unless is not None
        and plan.documents(412)
        and thing is not None
        and _matches(unless, plan.done, thing.version)
    ):
        raise Problem(412, detail="It is there already.")
    if not plan.matched:
        return
    sent = request.headers.get("if-match")
    if sent is None:
        if plan.documents(428):
            raise Problem(428, detail="Send the ETag as If-Match.")
        return
    version = thing.version if thing is not None else FIRST
    if sent.strip() == "*" and thing is None and not plan.role.kind.single:
        raise _stale()
    if not _matches(sent, plan.done, version):
        raise _stale()


def fresh(way: Way, request: Request, thing: Thing) -> bool:
    """Whether the caller has this version already (``If-None-Match``)."""
    sent = request.headers.get("if-none-match")
    return sent is not None and _matches(sent, way, thing.version)


def _matches(sent: str, way: Way, version: int) -> bool:
    tags = {tag.strip().removeprefix("W/") for tag in sent.split(",")}
    own = way.tag.of(version) if way.tag is not None else None
    return "*" in tags or f'"{version}"' in tags or (own is not None and own.removeprefix("W/") in tags)


def _stale() -> Problem:
    return Problem(412, detail="It has changed since. Read it again.")
