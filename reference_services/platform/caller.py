"""Who the token is about, for what somebody stands by: a message written, a glass broken, a copy taken."""

from __future__ import annotations

from harness.serving.problems import Problem
from reference_services.platform.work import Work

_LONGEST = 200


def caller_of(work: Work) -> str:
    """The token's ``sub`` (RFC 7519, 4.1.2). Raises Problem 403 for a token that says none."""
    who = work.claims.get("sub")
    if not isinstance(who, str) or not 0 < len(who) <= _LONGEST or who != who.strip():
        raise Problem(403, detail="The token does not say who you are.")
    return who
