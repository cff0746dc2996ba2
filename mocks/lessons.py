"""What a contract's examples teach: where an answer's values come from, and what things in a state look like.

A contract says that holding a slot makes it ``busy-tentative``; only its example shows that ``heldFor`` then
holds the request's ``patientId``. Read once, when a mock is built.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from harness.contract.model import EMPTY, JSON, Contract, Operation
from harness.contract.schema import expand
from harness.serving.exchange import Request
from mocks.documented import RequestExample, request_examples
from mocks.known import Document
from mocks.representations import Success, plain, single_in, successes
from mocks.resources import Kind, Resources, Role

Origin = Literal["body", "path", "query", "before"]

_CLOCK = re.compile(
    r"(created|updated|modified|changed|registered|submitted|recorded|last_?modified|timestamp)"
)


@dataclass(frozen=True, slots=True)
class Copied:
    """A property takes the value that stands under another name in the request, or stood in the thing."""

    property: str
    origin: Origin
    name: str


@dataclass(frozen=True, slots=True)
class Beside:
    """Another thing that the request names, in its path or by a property of its body, and what the answer
    takes over."""

    kind: str
    named_by: str
    properties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one example of an answer shows.

    ``document`` is the thing that it shows; ``fixed`` are the properties that neither the request nor what
    was there before explains, with their values; ``gone`` those that the thing had before.
    """

    document: Document
    pair: RequestExample | None = None
    copied: tuple[Copied, ...] = ()
    beside: tuple[Beside, ...] = ()
    fixed: Document = field(default=EMPTY)
    gone: frozenset[str] = frozenset()


def lessons_of(
    operation: Operation, role: Role, resources: Resources, seeds: Mapping[str, Mapping[str, Document]]
) -> tuple[Lesson, ...]:
    """One lesson for each example of a success that shows the role's thing.

    ``seeds`` are documents by kind and key.
    """
    pairs = {pair.name: pair for pair in request_examples(operation)}
    found = []
    for success in successes(operation):
        for name, document in _shown(success, role.kind):
            pair = pairs.get(name) or (next(iter(pairs.values())) if len(pairs) == 1 else None)
            before = seeds.get(role.kind.name, {}).get(str(document.get(role.kind.id or "")))
            found.append(_lesson(role, resources, seeds, document, pair, before if role.address else None))
    return tuple(found)


def _shown(success: Success, kind: Kind) -> Iterator[tuple[str, Document]]:
    single = single_in(success.schema) if success.schema is not None else None
    for example in success.media.examples if success.media is not None and single is not None else ():
        value = example.value
        if single is not None and single.wrapper is not None and isinstance(value, Mapping):
            value = value.get(single.wrapper)
        if isinstance(value, Mapping) and kind.validator.is_valid(value):
            yield example.name, value


def _lesson(
    role: Role,
    resources: Resources,
    seeds: Mapping[str, Mapping[str, Document]],
    document: Document,
    pair: RequestExample | None,
    before: Document | None,
) -> Lesson:
    body = pair.body if pair is not None and isinstance(pair.body, Mapping) else {}
    given = (
        {location: {n: v for at, n, v in pair.parameters if at == location} for location in ("path", "query")}
        if pair
        else {}
    )
    beside = tuple(_beside(role, resources, seeds, document, {**given.get("path", EMPTY), **body}))
    taken = {name for each in beside for name in each.properties}
    copied, fixed = [], {}
    for name, value in document.items():
        if name == role.kind.id or name in taken or (before is not None and before.get(name) == value):
            continue
        if name in body and body[name] == value:
            continue
        source = _source(name, value, body, given, before)
        if source is not None:
            copied.append(source)
        else:
            fixed[name] = value
    gone = frozenset(before) - frozenset(document) if before is not None else frozenset[str]()
    return Lesson(document, pair, tuple(copied), beside, fixed, gone)


def _source(
    name: str,
    value: JSON,
    body: Mapping[str, JSON],
    given: Mapping[str, Mapping[str, JSON]],
    before: Document | None,
) -> Copied | None:
    """Where a value that stands for one thing alone came from, under another name."""
    if not _telling(value):
        return None
    origins: tuple[tuple[Origin, Mapping[str, JSON]], ...] = (
        ("body", body),
        ("path", given.get("path", EMPTY)),
        ("query", given.get("query", EMPTY)),
        ("before", before or EMPTY),
    )
    for origin, values in origins:
        for other, held in values.items():
            if held == value and (other != name or origin != "before"):
                return Copied(name, origin, other)
    return None


def _telling(value: JSON) -> bool:
    """Whether a value is one that hardly stands twice by chance."""
    return isinstance(value, str) and len(value) >= 6 and bool(re.search(r"\d", value))


def _beside(
    role: Role,
    resources: Resources,
    seeds: Mapping[str, Mapping[str, Document]],
    document: Document,
    said: Mapping[str, JSON],
) -> Iterator[Beside]:
    for named_by, value in said.items():
        kind = referred(named_by, resources)
        other = seeds.get(kind.name, {}).get(str(value)) if kind is not None else None
        if kind is None or other is None or kind is role.kind:
            continue
        apart = {kind.id, kind.status, role.kind.status, "version"}
        same = tuple(
            name
            for name, held in other.items()
            if name in role.kind.named
            and name not in apart
            and name not in said
            and document.get(name) == held
        )
        if any(_telling(other[name]) for name in same):
            yield Beside(kind.name, named_by, same)


def referred(name: str, resources: Resources) -> Kind | None:
    """The kind that a property such as ``slotId`` or ``slot_id`` names one of."""
    bare = plain(name)
    if not bare.endswith("id") or bare == "id":
        return None
    return next((kind for key, kind in resources.kinds.items() if plain(key) == bare[:-2]), None)


def best(lessons: Sequence[Lesson], request: Request) -> tuple[Lesson | None, bool]:
    """The lesson whose request half the request repeats most, and whether it is that very request."""
    found, most, same = (lessons[0] if lessons else None), 0, False
    for lesson in lessons:
        weight = lesson.pair.weight(request) if lesson.pair is not None else 0
        if weight > most:
            body = lesson.pair.body if lesson.pair is not None else None
            found, most, same = lesson, weight, body == request.body
    return found, same


def is_clock(name: str) -> bool:
    """Whether a property of this name tells when something was done to the thing."""
    return bool(_CLOCK.match(name.lower()))


class Looks:
    """What the things of one kind look like in each state of their lifecycle, as the examples show them."""

    def __init__(self, contract: Contract, kind: Kind, shown: Sequence[Document]) -> None:
        self._kind = kind
        self._by_state: dict[str, list[Document]] = {}
        for document in shown:
            state = document.get(kind.status or "")
            if isinstance(state, str):
                self._by_state.setdefault(state, []).append(document)
        self._events = tuple(_events(contract, kind))
        coded = (name for name, schema in kind.named.items() if _is_coded(expand(schema).raw))
        self._coded = frozenset(coded) - {kind.status, kind.id}
        edges = kind.lifecycle.transitions if kind.lifecycle is not None else ()
        self._moments = frozenset(edge.at for edge in edges)
        self._bound = frozenset(self._bound_to_states()) - self._moments

    def entering(self, document: Document, state: str, keep: frozenset[str]) -> dict[str, JSON]:
        """The document as a thing in this state looks: without what none there has, with what all there have.

        ``keep`` are the properties that are known to be right as they are. What is added is taken from the
        example in that state that has most in common with the document; never the moment at which it leaves
        the state by itself, which is each one's own.
        """
        there = self._by_state.get(state)
        if not there or self._kind.status is None:
            return dict(document)
        held = {name for each in there for name in each} | keep | self._kind.required
        always = set(there[0]).intersection(*there) - self._moments
        changed = {name: value for name, value in document.items() if name in held or name not in self._bound}
        model = max(there, key=lambda each: (self._same_person(each, document), _agreement(each, document)))
        for name, value in model.items():
            if name not in changed and name not in keep and (name in always or name in self._bound):
                changed[name] = value
        return changed

    def told(
        self, state: str, before: str | None, document: Document, cause: JSON, *, by_time: bool
    ) -> Lesson:
        """What an event's example says that a transition into ``state`` sets: its coded properties.

        ``cause`` is the message that caused it, if one did.
        """
        fitting = [
            (payload, timed)
            for payload, timed in self._events
            if payload.get("to") == state and payload.get("from") in (None, before)
        ]
        if not fitting:
            return Lesson(EMPTY)
        said = cause if isinstance(cause, Mapping) else {}

        def weight(each: tuple[Document, bool]) -> tuple[bool, int, bool, int]:
            payload, timed = each
            return (
                timed == by_time,
                _common(payload, said, state),
                self._same_person(payload, document),
                _agreement(payload, document),
            )

        payload, _ = max(fitting, key=weight)
        if (
            state != before
            and not _common(payload, said, state)
            and self._knows_better(payload, document, state)
        ):
            return Lesson(EMPTY)
        fixed = {name: value for name, value in payload.items() if name in self._coded}
        could = {name for each, _ in self._events for name in each}
        return Lesson(payload, fixed=fixed, gone=frozenset((self._coded & could) - payload.keys()))

    def _knows_better(self, payload: Document, document: Document, state: str) -> bool:
        """Whether an event is about somebody else, while a thing in that state is about this very person."""
        there = self._by_state.get(state, ())
        return not self._same_person(payload, document) and any(self._same_person(e, document) for e in there)

    def _same_person(self, one: Document, other: Document) -> bool:
        """So that the same person means the same everywhere."""
        name = self._kind.subject or ""
        return name in one and one[name] == other.get(name)

    def _bound_to_states(self) -> Iterator[str]:
        """The properties that a thing has because of its state: coded ones, and those that all things have
        in whatever state any of them has it."""
        every = self._by_state.values()
        for name in {name for held in every for each in held for name in each}:
            having = [held for held in every if any(name in each for each in held)]
            if name in self._coded or all(name in each for held in having for each in held):
                yield name


def _events(contract: Contract, kind: Kind) -> Iterator[tuple[Document, bool]]:
    """The examples of the event that tells of a kind, each with whether time was its cause."""
    send = contract.sends.get(kind.lifecycle.emits or "") if kind.lifecycle is not None else None
    for message in send.messages if send is not None else ():
        for example in message.examples:
            if isinstance(example.payload, Mapping):
                cause = example.headers.get("ce_causationid")
                yield example.payload, cause is not None and cause == example.payload.get("id")


def _is_coded(raw: JSON) -> bool:
    return isinstance(raw, Mapping) and ("enum" in raw or raw.get("type") == "boolean")


def _common(payload: Document, said: Mapping[str, JSON], state: str) -> int:
    """How many words of a message an event repeats: ``eligible``, say."""
    words = {value for value in said.values() if isinstance(value, str)} - {state}
    return sum(1 for value in payload.values() if isinstance(value, str) and value in words)


def _agreement(one: Document, other: Document) -> int:
    return sum(1 for name, value in one.items() if name in other and other[name] == value)


class AllLooks:
    """The looks of every kind that has a lifecycle, read when they are first asked for."""

    def __init__(
        self,
        contract: Contract,
        kinds: Mapping[str, Kind],
        shown: Callable[[Kind], Iterable[Document]],
    ) -> None:
        self._contract, self._kinds, self._shown = contract, kinds, shown
        self._made: dict[str, Looks] = {}

    def get(self, name: str) -> Looks | None:
        """Those of a kind; None without a lifecycle."""
        found = self._made.get(name)
        kind = self._kinds.get(name)
        if found is None and kind is not None and kind.lifecycle is not None:
            found = self._made[name] = Looks(self._contract, kind, tuple(self._shown(kind)))
        return found
