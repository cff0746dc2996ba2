"""Who writes and reads: the two sides of a thread, and proxies whose time is over."""

from __future__ import annotations

from collections.abc import Mapping

from harness.contract.model import JSON
from harness.serving.exchange import Request
from harness.serving.problems import Problem
from harness.serving.security import forbidden
from harness.serving.sight import no_such_thing
from reference_services.platform.discretion import discreet, of_patient
from reference_services.platform.work import Aggregate, Work

OTHER = {"patient": "care-team", "care-team": "patient"}
"""The side that a side writes to."""

UNSENT = frozenset({"preparation", "not-done"})
"""Nobody but who is on the side that wrote it sees what such a message says."""

_GRANT = "_Grant"
"""Bookkeeping: what proxy-consent has told of each grant."""

_ENDED = frozenset({"inactive", "entered-in-error"})
_LONGEST = 200


def side_of(work: Work) -> str:
    """The caller's."""
    return "patient" if work.actor in {"patient", "proxy"} else "care-team"


def caller(work: Work, patient: str) -> dict[str, JSON]:
    """Who the token is about, to stand by what is written; a proxy's says for whom, too."""
    who = patient if work.actor == "patient" else work.claims.get("sub")
    if not isinstance(who, str) or not 0 < len(who) <= _LONGEST or who != who.strip():
        raise Problem(403, detail="The token does not say who you are.")
    person: dict[str, JSON] = {"role": work.actor, "id": who}
    return {**person, "onBehalfOf": patient} if work.actor == "proxy" else person


def known(work: Work, thing: Aggregate) -> Aggregate:
    """The thing itself. Raises Problem 404 for a proxy who may not know of it, or is none any more."""
    if is_over(work, thing["patientId"]):
        raise no_such_thing()
    return discreet(work, thing)


def may_act(work: Work, patient: str) -> None:
    """Raises Problem 403 for a proxy of this patient who is none any more."""
    if is_over(work, patient):
        raise forbidden("The caller may not act for this patient.")


def listed(work: Work, request: Request, *compared: str) -> dict[str, JSON]:
    """The filter of a patient's list. Raises Problem as ``may_act``."""
    may_act(work, request.path["patientId"])
    return of_patient(work, request, *compared)


def is_over(work: Work, patient: str) -> bool:
    """Whether the caller is a proxy whose grants for this patient have ended, as far as they are known.

    A token may be older than the end of the grant that it was given for.
    """
    who = work.claims.get("sub")
    return work.actor == "proxy" and isinstance(who, str) and _has_lost(work, who, patient)


def note(work: Work, change: Mapping[str, JSON]) -> bool:
    """Keep what is told of a grant; whether its proxy has none for the patient any more."""
    told = {
        "patientId": work.settled(change["patientId"]),
        "proxyId": work.settled(change["proxyId"]),
        "status": change["to"],
    }
    grant = work.peek(_GRANT, change["id"])
    if grant is not None:
        work.save(grant, **told)
    else:
        work.create(_GRANT, told, id=change["id"])
    return _has_lost(work, told["proxyId"], told["patientId"])


def rename(work: Work, old: str, new: str) -> None:
    """A merged patient is the surviving one as a writer, as a proxy, and as one for whom others write."""
    for grant in _each(work, _GRANT, "patientId", old):
        work.save(grant, patientId=new)
    for grant in _each(work, _GRANT, "proxyId", old):
        work.save(grant, proxyId=new)
    for type in ("Message", "Attachment"):
        for name in ("id", "onBehalfOf"):
            for thing in _each(work, type, f"sender.{name}", old):
                work.save(thing, sender={**thing["sender"], name: new})
    for name in ("id", "onBehalfOf"):
        for thing in _each(work, "Message", f"readBy.{name}", old):
            work.save(thing, readBy={**thing["readBy"], name: new})


def _each(work: Work, type: str, name: str, value: str) -> list[Aggregate]:
    return work.find(type, {name: value}, internal=True)


def _has_lost(work: Work, proxy: str, patient: str) -> bool:
    grants = work.find(_GRANT, {"proxyId": proxy, "patientId": patient}, internal=True)
    told = {each["status"] for each in grants}
    return bool(told & _ENDED) and "active" not in told
