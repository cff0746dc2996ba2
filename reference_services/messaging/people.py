"""Who writes and reads: the two sides of a thread."""

from __future__ import annotations

from harness.contract.model import JSON
from reference_services.platform.caller import caller_of
from reference_services.platform.work import Aggregate, Work

OTHER = {"patient": "care-team", "care-team": "patient"}
"""The side that a side writes to."""

UNSENT = frozenset({"preparation", "not-done"})
"""Nobody but who is on the side that wrote it sees what such a message says."""


def side_of(work: Work) -> str:
    """The caller's."""
    return "patient" if work.actor in {"patient", "proxy"} else "care-team"


def caller(work: Work, patient: str) -> dict[str, JSON]:
    """Who the token is about, to stand by what is written; a proxy's says for whom, too."""
    who = patient if work.actor == "patient" else caller_of(work)
    person: dict[str, JSON] = {"role": work.actor, "id": who}
    return {**person, "onBehalfOf": patient} if work.actor == "proxy" else person


def rename(work: Work, old: str, new: str) -> None:
    """A merged patient is the surviving one as a writer, as a proxy, and as one for whom others write."""
    for type in ("Message", "Attachment"):
        for name in ("id", "onBehalfOf"):
            for thing in _each(work, type, f"sender.{name}", old):
                work.save(thing, sender={**thing["sender"], name: new})
    for name in ("id", "onBehalfOf"):
        for thing in _each(work, "Message", f"readBy.{name}", old):
            work.save(thing, readBy={**thing["readBy"], name: new})


def _each(work: Work, type: str, name: str, value: str) -> list[Aggregate]:
    return work.find(type, {name: value}, internal=True)
