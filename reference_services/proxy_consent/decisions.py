"""Who may see what of a patient: the table that every other service keeps to. What is not known is denied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from harness.contract.model import JSON
from reference_services.platform.aggregate import Aggregate
from reference_services.platform.work import Work

SENSITIVE = frozenset({"substance-use", "hiv", "psychiatric", "reproductive"})
BILLING = frozenset({"Account", "Claim", "ExplanationOfBenefit", "Invoice", "PaymentNotice"})
"""Resources that tell of money; what a bill says of the sensitive is as sensitive."""

OF_TEENAGERS = frozenset({"Appointment", "Immunization", "Slot"})
"""What a teenager's proxy may be given."""

Question = Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``sensitive`` are the categories that may be seen; ``basis`` is the grant, or what was opened."""

    permitted: bool
    reason: str
    sensitive: frozenset[str] = frozenset()
    basis: str | None = None


def verdict(work: Work, asked: Question) -> Verdict:
    """The answer to a question about a patient who is settled. Of a category, only who may see that may."""
    found = _TABLE[asked["actor"]](work, asked)
    category = asked.get("sensitivity")
    if found.permitted and category is not None and category not in found.sensitive:
        return Verdict(False, "sensitive")
    return found if found.permitted else Verdict(False, found.reason)


def resource(scope: str) -> str:
    """``patient/Appointment.read`` → ``Appointment``."""
    return scope.partition("/")[2].partition(".")[0]


def is_over(thing: Aggregate | Question, now: datetime) -> bool:
    """Whether its end has come, whatever its status says: time may not have been told yet.

    An end that no calendar knows (a leap second) has come.
    """
    try:
        return "endsAt" in thing and datetime.fromisoformat(str(thing["endsAt"]).upper()) <= now
    except ValueError:
        return True


def _patient(work: Work, asked: Question) -> Verdict:
    own = work.settled(asked["actorId"]) == asked["patientId"]
    return Verdict(True, "own", SENSITIVE) if own else Verdict(False, "not-own")


def _proxy(work: Work, asked: Question) -> Verdict:
    grants = _in_force(work, "ProxyGrant", asked, proxyId=work.settled(asked["actorId"]))
    if not grants:
        return Verdict(False, "no-grant")
    covering = [grant for grant in grants if _covers(grant, asked["scope"])]
    if not covering:
        return Verdict(False, "not-granted")
    others = [grant for grant in covering if grant["level"] != "teenager"]
    named = frozenset(each for grant in others for each in grant.get("sensitive", ()))
    return Verdict(True, "granted", named, covering[0].id)


def _covers(grant: Aggregate, scope: str) -> bool:
    if grant["level"] == "child":
        return True
    if grant["level"] == "teenager":
        if resource(scope) in BILLING:
            return True
        return resource(scope) in OF_TEENAGERS and scope in grant["scopes"]
    return scope in grant["scopes"]


def _clinician(work: Work, asked: Question) -> Verdict:
    if resource(asked["scope"]) in BILLING:
        return Verdict(False, "no-billing")
    opened = _in_force(work, "BreakGlass", asked, openedBy=asked["actorId"])
    if opened:
        return Verdict(True, "break-glass", SENSITIVE, opened[0].id)
    if asked.get("treats") is not True:
        return Verdict(False, "no-relationship")
    return Verdict(True, "treating", _consented(work, asked))


def _consented(work: Work, asked: Question) -> frozenset[str]:
    """What a clinician's patient permits and does not forbid her to see."""
    said: dict[str, set[str]] = {"permit": set(), "deny": set()}
    for consent in _in_force(work, "Consent", asked):
        if consent.get("recipientId") in (None, asked["actorId"]):
            said[consent["provision"]].update(consent["categories"])
    return frozenset(said["permit"] - said["deny"])


def _staff(work: Work, asked: Question) -> Verdict:
    return Verdict(True, "minimum-necessary")


def _service(work: Work, asked: Question) -> Verdict:
    return Verdict(True, "declared", SENSITIVE)


_TABLE: Mapping[str, Callable[[Work, Question], Verdict]] = {
    "patient": _patient,
    "proxy": _proxy,
    "clinician": _clinician,
    "staff": _staff,
    "service": _service,
}

_HOLDING = {"ProxyGrant": "active", "Consent": "active", "BreakGlass": "in-progress"}


def _in_force(work: Work, type: str, asked: Question, **also: JSON) -> list[Aggregate]:
    where = {"patientId": asked["patientId"], "status": _HOLDING[type], **also}
    found = work.find(type, where, internal=True)
    return [each for each in found if not is_over(each, work.now)]
