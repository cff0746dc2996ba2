"""What a proxy may know of: not what is restricted, nor that there is any; alike for one thing and for lists.

Source: HL7 v3 Confidentiality (R is restricted, V very restricted), which every event and thing carries.
"""

from __future__ import annotations

from harness.contract.model import JSON
from harness.serving.exchange import Request
from harness.serving.sight import no_such_thing
from reference_services.platform.work import Aggregate, Work

PLAIN = ("U", "L", "M", "N")
"""What needs no grant by name."""


def may_know(work: Work, thing: Aggregate) -> bool:
    """Whether the caller may know that there is this thing."""
    return work.actor != "proxy" or thing["confidentiality"] in PLAIN


def discreet(work: Work, thing: Aggregate) -> Aggregate:
    """The thing itself. Raises Problem 404, the same as where there is none, for who may not know of it."""
    if not may_know(work, thing):
        raise no_such_thing(thing.subject)
    return thing


def of_patient(work: Work, request: Request, *compared: str) -> dict[str, JSON]:
    """The filter of a patient's list, by the query parameters named.

    By it a proxy is neither shown nor counted what is restricted.
    """
    asked = {name: request.query.get(name) for name in compared}
    shown = {"confidentiality": list(PLAIN)} if work.actor == "proxy" else {}
    return {"patientId": request.path["patientId"], **asked, **shown}
