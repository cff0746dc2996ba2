"""What every service does whose data copies are made of: it hands over what it has of who wants one.

A service that receives ``exportChanged`` says ``exportChanged = HandingOver()`` among its handlers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from harness.contract.model import JSON
from reference_services.platform.aggregate import Aggregate
from reference_services.platform.discretion import PLAIN
from reference_services.platform.situation import IncomingMessage
from reference_services.platform.work import Work

Shown = Callable[[Aggregate, str], Aggregate]
"""Hides of a thing what the service does not show to a ``patient``, or to a ``proxy``, and returns it."""

DELIVERY = ("export-audit", "deliverPart")


def whole(thing: Aggregate, reader: str) -> Aggregate:
    return thing


@dataclass(frozen=True, slots=True)
class HandingOver:
    """The handler of ``exportChanged``: of an export that was asked for, all that the service would show.

    A patient's own copy holds everything and is restricted; a proxy's is not, and holds nothing that is.
    What is there when the event is heard is handed over; an empty part says that there is nothing.
    """

    shown: Shown = whole
    calls: ClassVar[tuple[tuple[str, str], ...]] = (DELIVERY,)

    def __call__(self, work: Work, message: IncomingMessage) -> None:
        asked = message.payload
        if asked["reason"] != "requested" or work.service not in asked["sources"]:
            return
        reader = "proxy" if asked["confidentiality"] in PLAIN else "patient"
        things = [
            self.shown(each, reader)
            for each in work.belongings(work.settled(asked["patientId"]), reader)
            if reader == "patient" or _confidentiality(each) in PLAIN
        ]
        path = {"exportId": asked["id"], "source": work.service}
        work.call(*DELIVERY, path, {"entries": [_entry(each) for each in things]})


def _entry(thing: Aggregate) -> dict[str, JSON]:
    return {
        "resourceType": thing.type,
        "resourceId": thing.id,
        "confidentiality": _confidentiality(thing),
        "resource": thing.shown(),
    }


def _confidentiality(thing: Aggregate) -> str:
    said: str = thing.get("confidentiality", "N")
    return said
