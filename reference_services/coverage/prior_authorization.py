"""The rules of prior authorization: how long the payer has, what an answer must be, what it comes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from harness.contract.model import JSON
from harness.serving.problems import Reason
from reference_services.platform.values import timestamp

FIRST: Mapping[str, timedelta] = {"urgent": timedelta(hours=72), "standard": timedelta(days=7)}
"""How long the payer has (42 CFR 422.572(a), 422.568(b)(1))."""

AGAIN: Mapping[str, timedelta] = {"urgent": timedelta(hours=72), "standard": timedelta(days=30)}
"""How long the payer has for an appeal (42 CFR 422.590)."""

UNDECIDED: Mapping[str, JSON] = {
    "decision": "pended",
    **dict.fromkeys(("answers", "preAuthRef", "decidedAt", "overdue")),
}


def due(now: datetime, priority: str, allowed: Mapping[str, timedelta] = FIRST) -> str:
    """When the payer must have decided."""
    return timestamp(now + allowed[priority])


def confidentiality_of(asked: str, items: Iterable[Mapping[str, JSON]]) -> str:
    """At least restricted where an item treats substance use or the mind: HCPCS codes that begin with H."""
    tells = any(str(each.get("code", "")).startswith("H") for each in items)
    return "R" if tells and asked != "V" else asked


def twice(items: Sequence[Mapping[str, JSON]], place: str) -> Iterator[Reason]:
    """Each item whose sequence occurred before."""
    seen: Counter[int] = Counter()
    for position, each in enumerate(items):
        if seen[each["sequence"]]:
            yield Reason(f"{place}/{position}/sequence", "occurs twice")
        seen[each["sequence"]] += 1


def wrong(decision: Mapping[str, JSON], items: Sequence[Mapping[str, JSON]]) -> Iterator[Reason]:
    """What is wrong with a payer's answers to these items; nothing with that nothing could be decided."""
    if decision["outcome"] == "error":
        return
    answers = decision["answers"]
    asked = {each["sequence"] for each in items}
    for position, each in enumerate(answers):
        if each["sequence"] not in asked:
            yield Reason(f"/answers/{position}/sequence", "was not asked for")
    yield from twice(answers, "/answers")
    if not asked.issubset(each["sequence"] for each in answers):
        yield Reason("/answers", "leaves out an item that was asked for")
    if (decision["outcome"] == "partial") != (whole(answers) == "pended"):
        yield Reason("/outcome", "is partial if an item is pended, and only then")


def whole(answers: Iterable[Mapping[str, JSON]]) -> str:
    """What single answers come to: something is open, or something is denied, or all is approved."""
    said = {each["decision"] for each in answers}
    return next((each for each in ("pended", "denied") if each in said), "approved")
