"""The extension words (``contracts/README.md``) to the model, and what is wrong with how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from harness.contract.durations import seconds_of
from harness.contract.model import EMPTY, Emission, Lifecycle, Relation, Transition
from harness.contract.nearest import did_you_mean, nearest
from harness.contract.node import Node, kind

WORDS = (
    "x-emits",
    "x-requires",
    "x-lifecycle",
    "x-subject",
    "x-access",
    "x-phi",
    "x-unique",
    "x-deadline",
    "x-retry",
    "x-dead-letter",
    "x-relation",
    "x-records",
)
RELATIONS: Mapping[str, tuple[str, ...]] = {
    "patient": ("own",),
    "proxy": ("granted",),
    "clinician": ("treating",),
    "staff": ("any",),
    "service": ("declared",),
}
"""Who may act, and the relations of which each can speak; ``any`` is open to all."""

TOLD = ("granted", "treating")
"""The relations of an actor to many patients, which come and go."""

_RELATION = ("relation", "actor", "subject", "begins", "ends")
_EMITS = ("operation", "on", "when", "key", "correlation", "count", "within")
_STATUS = re.compile(r"[1-5](\d\d|XX)\Z")


def misspelt(word: str) -> str | None:
    """The extension word that an unknown ``x-…`` key was probably meant to be, or None."""
    return None if word in WORDS else nearest(word, WORDS, closeness=0.85)


@dataclass(frozen=True, slots=True)
class Retry:
    """``backoff`` is seconds."""

    attempts: int = 3
    backoff: float = 0.1


def only(node: Node, keys: Iterable[str]) -> Node:
    """The node itself, if it is a mapping that has no other keys; else raises ContractError."""
    for key in node.mapping():
        if key not in keys:
            expected = f"only {', '.join(keys)}"
            found = f"'{key}' is not a key of {node.called}"
            raise node.child(key).error(found, expected, did_you_mean(key, keys))
    return node


def duration(node: Node) -> float:
    """Seconds of an ISO 8601 duration; raises ContractError."""
    try:
        return seconds_of(str(node.value))
    except ValueError:
        found = f"{node.called} is '{node.value}'"
        raise node.error(found, "an ISO 8601 duration such as PT10M, PT0.5S or P7D") from None


def _text(node: Node, key: str) -> str | None:
    return node.text(key) or None


def read_emits(owner: Node, default_key: str | None) -> tuple[Emission, ...]:
    """``x-emits`` of an HTTP operation, or of a receive operation (then without ``on``)."""
    listed = owner.raw("x-emits")
    return tuple(_emission(entry, default_key) for entry in listed.entries()) if listed else ()


def _emission(entry: Node, default_key: str | None) -> Emission:
    only(entry, _EMITS)
    if not _text(entry, "operation"):
        raise entry.error("this emission names no 'operation'", "the send operation that success causes")
    on, within, count = entry.raw("on"), entry.raw("within"), entry.mapping().get("count", 1)
    statuses = on.texts() if on else ()
    for status in statuses:
        if not _STATUS.match(status):
            raise entry.child("on").error(f"'on' has '{status}'", "statuses such as '201' or '2XX'")
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise entry.child("count").error(f"'count' is {kind(count)}", "a whole number from 0")
    return Emission(
        operation=entry.text("operation"),
        statuses=statuses,
        when=_text(entry, "when"),
        key=_text(entry, "key") or default_key,
        correlation=_text(entry, "correlation"),
        count=count,
        within=duration(within) if within else 5.0,
        place=entry.place,
    )


def read_lifecycle(schema: Node, name: str) -> Lifecycle | None:
    """``x-lifecycle`` of a component schema, or None."""
    node = schema.raw("x-lifecycle")
    if node is None:
        return None
    only(node, ("property", "emits", "states", "transitions"))
    transitions = node.raw("transitions")
    if not node.text("property") or transitions is None:
        raise node.error("this lifecycle is not complete", "'property' and 'transitions'")
    return Lifecycle(
        schema=name,
        status=node.text("property"),
        transitions=tuple(_transition(entry) for entry in transitions.entries()),
        emits=_text(node, "emits"),
        deadlines=_deadlines(node),
        place=node.place,
    )


def _deadlines(lifecycle: Node) -> Mapping[str, float]:
    states = lifecycle.raw("states")
    found: dict[str, float] = {}
    for state, node in states.items() if states else ():
        if node.value is None:
            continue
        limit = only(node, ("x-deadline",)).raw("x-deadline")
        if limit:
            found[state] = duration(limit)
    return found


def _transition(entry: Node) -> Transition:
    only(entry, ("from", "to", "by", "when", "id", "each"))
    source, cause = entry.raw("from"), entry.raw("by")
    if not entry.text("to") or cause is None:
        raise entry.error("this transition is not complete", "'to' and 'by'")
    edge = Transition(
        to=entry.text("to"),
        sources=source.texts() if source else (),
        when=_text(entry, "when"),
        id=_text(entry, "id"),
        place=entry.place,
        each=_each(entry),
    )
    return _timed(edge, entry, cause) if isinstance(cause.value, dict) else replace(edge, by=entry.text("by"))


def _each(entry: Node) -> tuple[str, str] | None:
    """The property and the expression whose values must be the same."""
    node = entry.raw("each")
    if node is None:
        return None
    named = list(node.mapping())
    if len(named) != 1 or not node.text(named[0]):
        raise node.error("'each' does not compare one property", "{property: expression}")
    if entry.raw("id") is not None or entry.raw("from") is None or isinstance(entry.mapping()["by"], dict):
        raise node.error("'each' stands where one aggregate moves", "'from' and an operation, and no 'id'")
    return named[0], node.text(named[0])


def _timed(edge: Transition, entry: Node, cause: Node) -> Transition:
    """The transition with the time at which it is made: its own, or that of another lifecycle's."""
    limit, at, other = only(cause, ("after", "at", "of")).raw("after"), _text(cause, "at"), cause.text("of")
    if at is not None and limit is None and not other:
        return replace(edge, at=at)
    if limit is None or at is not None:
        raise cause.error("'by' names no cause", "an operation, {after: duration} or {at: property}")
    if not other:
        return replace(edge, after=duration(limit))
    if not entry.text("id"):
        raise entry.error("this transition names no 'id'", f"which aggregate moves with the {other}")
    return replace(edge, follows=(other, duration(limit)))


def read_access(operation: Node) -> Mapping[str, str]:
    """``x-access``: who may act, and by which relation."""
    node = operation.raw("x-access")
    if node is None:
        return EMPTY
    only(node, RELATIONS)
    for actor in node.mapping():
        relation = node.text(actor)
        if relation not in (*RELATIONS[actor], "any"):
            known = (*RELATIONS[actor], "any")
            found = f"'{relation}' is no relation of a {actor}"
            raise node.child(actor).error(found, " or ".join(dict.fromkeys(known)))
    return {actor: node.text(actor) for actor in node.mapping()}


def read_requires(operation: Node) -> tuple[str, ...] | None:
    """``x-requires``: the services and topics that it cannot work without; None if it does not say."""
    node = operation.raw("x-requires")
    return node.texts() if node else None


def read_retry(operation: Node) -> Retry:
    """``x-retry`` of a receive operation."""
    node = operation.raw("x-retry")
    if node is None:
        return Retry()
    only(node, ("attempts", "backoff"))
    attempts, backoff = node.mapping().get("attempts", Retry().attempts), node.raw("backoff")
    if not isinstance(attempts, int) or isinstance(attempts, bool) or attempts < 1:
        raise node.error(f"'attempts' is {attempts!r}", "a whole number from 1")
    return Retry(attempts, duration(backoff) if backoff else Retry().backoff)


def read_relation(operation: Node) -> Relation | None:
    """``x-relation`` of a receive operation: what its messages tell of who stands in which relation."""
    node = operation.raw("x-relation")
    if node is None:
        return None
    only(node, (*_RELATION, "within"))
    for key in _RELATION:
        if not _text(node, key):
            raise node.error(f"this relation names no '{key}'", ", ".join(_RELATION))
    if node.text("relation") not in TOLD:
        found = f"'{node.text('relation')}' is no relation that a message tells of"
        raise node.child("relation").error(found, " or ".join(TOLD))
    said, within = {key: node.text(key) for key in _RELATION}, node.raw("within")
    return Relation(**said, within=duration(within) if within else 5.0, place=node.place)


def read_records(operation: Node) -> Literal["accesses"] | None:
    """``x-records`` of a send operation: of what its messages are the record."""
    node = operation.raw("x-records")
    if node is None:
        return None
    if node.value != "accesses":
        raise node.error(f"'x-records' is {node.value!r}", "accesses")
    return "accesses"


def implied(lifecycles: Iterable[Lifecycle], cause: str, default_key: str | None) -> tuple[Emission, ...]:
    """The emissions that an operation causes because it drives lifecycles that emit.

    One for each aggregate that it moves: transitions of one lifecycle that name the same ``id``, or the same
    ``each``, belong together. ``when`` is set if there is one transition only. Which aggregates ``each``
    moves no expression says, so that has no ``key``.
    """
    emissions = []
    for lifecycle in lifecycles:
        if lifecycle.emits is None:
            continue
        moved: dict[tuple[str | None, tuple[str, str] | None], list[Transition]] = {}
        for edge in lifecycle.transitions:
            if edge.by == cause:
                moved.setdefault((edge.id, edge.each), []).append(edge)
        for (aggregate, each), edges in moved.items():
            emissions.append(
                Emission(
                    operation=lifecycle.emits,
                    when=edges[0].when if len(edges) == 1 else None,
                    key=None if each is not None else aggregate or default_key,
                    transitions=tuple(edges),
                    place=edges[0].place,
                )
            )
    return tuple(emissions)
