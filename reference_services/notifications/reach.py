"""Where a notice goes: the first channel that is on and leads to the patient, or to a proxy who may know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from harness.contract.model import JSON
from reference_services.platform.discretion import PLAIN
from reference_services.platform.work import Aggregate, Work

ADDRESSES = ("email", "phone")


@dataclass(frozen=True, slots=True)
class Reach:
    """A channel, ``none`` if there is none, and the proxy whom it leads to; None: it is the patient."""

    channel: str = "none"
    proxy: str | None = None


def reach_of(work: Work, patient: str, confidentiality: str) -> Reach:
    """Where a notice of this confidentiality goes now.

    Who asked for confidential communication (45 CFR 164.522(b)) is reached on registered devices only: an
    e-mail address or a phone number may be somebody else's too.
    """
    preferences = work.peek("Preferences", patient)
    if preferences is None:
        return Reach()

    def whose(things: Iterable[Aggregate]) -> list[str | None]:
        """Those among them whom it may lead to, the patient first."""
        found = {each.get("proxyId") for each in things}
        return sorted((each for each in found if _may(work, each, patient, confidentiality)), key=bool)

    leads: Mapping[str, Callable[[], list[str | None]]] = {
        "push": lambda: whose(work.find("Device", {"patientId": patient}, internal=True)),
        "email": lambda: whose([preferences] if "email" in preferences else []),
        "sms": lambda: whose([preferences] if "phone" in preferences else []),
    }
    allowed = {"push"} if preferences["confidentialCommunication"] else set(leads)
    for channel in preferences["channels"]:
        if channel in allowed and (people := leads[channel]()):
            return Reach(channel, people[0])
    return Reach()


def still_leads(work: Work, delivery: Aggregate) -> bool:
    """Whether whom a delivery leads to may still know of it, for all that was told."""
    return _may(work, delivery.get("proxyId"), delivery["patientId"], delivery["confidentiality"])


def _may(work: Work, proxy: str | None, patient: str, confidentiality: str) -> bool:
    return proxy is None or (confidentiality in PLAIN and work.holds("granted", proxy, patient))


def set_by_proxy(before: Aggregate | None, asked: Mapping[str, JSON], proxy: str) -> str | None:
    """The proxy whom address and number lead to once this one has set preferences; None: to the patient.

    Who leaves them as they were has not made them their own.
    """
    if before is not None and all(asked.get(name) == before.get(name) for name in ADDRESSES):
        same: str | None = before.get("proxyId")
        return same
    return proxy if any(name in asked for name in ADDRESSES) else None
