"""The half of a mock that remembers: requests, messages, time and tests on one store, under one lock.

Whatever changes a state is published under the same lock, so that the order of versions is the order on
the topic and a GET shows what an event tells.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.contract.expressions import Context
from harness.contract.model import EMPTY, JSON, Contract, MessageOperation, Transition
from harness.serving.claims import claim_of
from harness.serving.exchange import Answer, Request
from harness.serving.problems import Problem, Reason
from harness.serving.sight import no_such_thing, sight_of
from harness.serving.wire import encode_json
from mocks.clock import Clock
from mocks.engine import Engine, Outcome
from mocks.finding import addressed, subject_of
from mocks.instances import Instances
from mocks.known import Document, Known
from mocks.lessons import AllLooks
from mocks.moves import Group, Moved, followers, groups_of
from mocks.plans import Plan, Way, plan_of
from mocks.preferences import acceptable
from mocks.resources import Kind, resources_of
from mocks.seeding import Seeds
from mocks.sessions import Sessions
from mocks.shifting import Shifting
from mocks.things import State, Thing
from mocks.uniqueness import Shared, brought, of_its_own

LOG = logging.getLogger("portal.mocks")


@dataclass(slots=True)
class Told:
    """What a request came to: the answer and what moved. ``thing`` is what explicit events speak of.

    ``complete`` is False if the answer's body could not be shown as documented, or is wanted in another form
    than JSON: it then comes from the contract's examples.
    """

    answer: Answer
    moved: tuple[Moved, ...] = ()
    complete: bool = True


class Stateful:
    """Holds ``sessions``; hold ``lock`` around what changes one and what is told of it."""

    def __init__(self, contract: Contract, known: Known, clock: Clock, seed: int) -> None:
        self.contract, self.clock = contract, clock
        self.lock = threading.RLock()
        self._resources = resources = resources_of(contract)
        self.kinds: Mapping[str, Kind] = resources.kinds
        self._seeds = Seeds(contract, resources, seed)
        self._seed = seed
        self.sessions = Sessions(self._seeds)
        looks = AllLooks(contract, resources.kinds, self._shown)
        self._shifting = Shifting(contract, looks, clock.now)
        self._engine = Engine(contract, resources, looks, clock.now, seed)
        self._known = known
        self._instances = Instances(contract, known)
        self._plans: dict[str, Plan | None] = {}
        self._received = {
            each.id: groups_of(contract, each.id, resources.kinds) for each in contract.receives.values()
        }

    def plays(self, operation: str) -> bool:
        """Whether an operation is one that state can answer."""
        return operation in self._resources.roles

    def reads(self, operation: str) -> bool:
        """Whether an operation changes nothing, so that it needs no lock."""
        return self._resources.roles[operation].does in ("read", "list", "aspect")

    def answer(self, request: Request, state: State) -> Told | None:
        """What state makes of a request; None where it cannot say. Raises Problem for every refusal."""
        plan = self._plan(request.operation.id)
        if plan is None:
            return None
        claim = claim_of(request) if plan.idempotent else None
        if claim is not None and (before := state.answers.recall(claim, plan.operation)) is not None:
            self._must_see(plan, request, before)
            return Told(before)
        outcome = self._engine.act(plan, request, state)
        if outcome is None:
            return None
        told = _told(plan, request, outcome)
        if claim is not None and told.complete:
            state.answers.keep(claim, told.answer)
        self.sessions.changed(state)
        return told

    def whose(self, request: Request) -> str | None:
        """The patient whose thing the path names, before anything becomes of it; None if none is there, or
        if an answer need not say whose it is."""
        if not (request.operation.subject or "").startswith("$response."):
            return None
        plan = self._plan(request.operation.id)
        if plan is None or plan.role.address is None:
            return None
        try:
            thing = addressed(plan, request, self.sessions.of(request.headers))
        except Problem:  # of a session with no name that is one: whoever answers says so
            return None
        return subject_of(plan.role.kind, thing.document) if thing is not None else None

    def _plan(self, operation: str) -> Plan | None:
        """The plan of an operation, compiled when it is first called: most of a large contract never are."""
        if operation not in self._plans:
            role = self._resources.roles.get(operation)
            made = plan_of(self.contract, self._resources, role, self._seeds, self._seed) if role else None
            self._plans[operation] = made
        return self._plans[operation]

    def _shown(self, kind: Kind) -> Iterator[Document]:
        """Every example of a kind: what it begins with, and what the answers to changes show."""
        seen: list[Document] = []
        for document in (*self._seeds[kind.name].values(), *self._known.of(kind.name).values()):
            if document not in seen:
                seen.append(document)
                yield document

    def _must_see(self, plan: Plan, request: Request, before: Answer) -> None:
        """What was answered before is for whom may still see it."""
        subject = plan.operation.subject or ""
        if plan.operation.access and subject.startswith("$response.") and isinstance(before.body, Mapping):
            named = subject_of(plan.role.kind, before.body)
            if not sight_of(plan.operation, request.claims).sees(named):
                raise no_such_thing(named)

    def received(
        self, operation: MessageOperation, context: Context, cause: str, state: State
    ) -> tuple[Moved, ...]:
        """What a message does to what is kept; ``cause`` is its id. What finds nothing moves nothing.

        Raises Problem 409 for one that brings what another thing has (``x-unique``); nothing has moved then.
        """
        moved: list[Moved] = []
        try:
            for each in self._moved_by(operation, context, cause, state):
                moved.append(each)
        except Shared as shared:
            for each in reversed(moved):
                _undo(each, state)
            raise Problem(409, errors=[Reason(f"/{shared.name}", "another one has this")]) from None
        return tuple(moved)

    def _moved_by(
        self, operation: MessageOperation, context: Context, cause: str, state: State
    ) -> Iterator[Moved]:
        for group in self._received.get(operation.id, ()):
            beginning = group.beginning(EMPTY, context) if group.begins else None
            if beginning is not None:
                yield from self._begun(operation, group.kind, beginning, context, cause, state)
                continue
            for thing in _named(group, context, state):
                edge = group.step(thing.document.get(group.lifecycle.status), thing.document, context)
                if edge is not None:
                    payload = context.message_payload
                    yield self._shifting.shift(state, group.kind, thing, edge, cause=payload)

    def _begun(
        self,
        operation: MessageOperation,
        kind: Kind,
        edge: Transition,
        context: Context,
        cause: str,
        state: State,
    ) -> Iterator[Moved]:
        made = self._instances.begun(operation, kind.name, edge, context, f"{state.name}/{cause}")
        if made is None:
            return
        key, document = made
        own = of_its_own(state, kind, key, document, brought(document, context.message_payload))
        yield Moved(kind, edge, None, state.put(Thing(kind.name, key, own)))

    def elapsed(self, kind: str, key: str, edge: Transition, state: State) -> tuple[Moved, ...]:
        """What time does to a thing and to those that follow it; nothing if it has left that state."""
        found = self.kinds.get(kind)
        thing = state.get(kind, key)
        if found is None or thing is None or thing.document.get(found.status or "") not in edge.sources:
            return ()
        first = self._shifting.shift(state, found, thing, edge, by_time=True)
        moved = [first]
        for other, following, name in followers(self.kinds, first, edge.after):
            beside = state.get(other.name, name)
            if beside is not None and beside.document.get(other.status or "") in following.sources:
                moved.append(self._shifting.shift(state, other, beside, following, by_time=True))
        return tuple(moved)


def _undo(moved: Moved, state: State) -> None:
    """As if it had not moved."""
    if moved.before is not None:
        state.put(moved.before)
    elif moved.after is not None:
        state.remove(moved.after)


def _named(group: Group, context: Context, state: State) -> list[Thing]:
    """What is there of what a message names: one thing, or all that have a property's value."""
    key = group.named(context)
    if key is None:
        return []
    if group.each is not None:
        return [each for each in state.all(group.kind.name) if str(each.document.get(group.each)) == key]
    thing = state.get(group.kind.name, key)
    return [] if thing is None else [thing]


def _told(plan: Plan, request: Request, outcome: Outcome) -> Told:
    """The answer that an outcome is given."""
    way, thing = outcome.way, outcome.thing
    if outcome.unchanged and thing is not None:
        return Told(Answer(304, None, _headers(plan, way, request, thing, None)))
    if way.success.media is None:
        return Told(Answer(way.status, None, _headers(plan, way, request, thing, None)), outcome.moved)
    body = _body(way, request, outcome)
    headers = _headers(plan, way, request, thing, body)
    if outcome.page is not None and way.form is not None:
        way.form.say(headers, request, outcome.page)
    complete = body is not None and _is_liked(way, request)
    text = encode_json(body) if plan.idempotent else None  # it is kept as well as said
    return Told(Answer(way.status, body, headers, way.content_type, text), outcome.moved, complete)


def _is_liked(way: Way, request: Request) -> bool:
    """Whether the caller likes no other documented form of this answer better, such as a picture's bytes."""
    offered = way.success.response.content
    liked = acceptable(request.headers.get("accept", ""), offered) if len(offered) > 1 else None
    return liked is None or way.success.media is None or liked == way.success.media.content_type


def _body(way: Way, request: Request, outcome: Outcome) -> JSON:
    if outcome.page is not None and way.form is not None and way.items is not None:
        items = [way.items.of(thing) for thing in outcome.page.items]
        if None in items:
            return None
        return way.form.body(request, outcome.page, items, way.like)
    if way.view is None or outcome.thing is None:
        return None
    return way.view.of(outcome.thing)


def _headers(plan: Plan, way: Way, request: Request, thing: Thing | None, body: JSON) -> dict[str, str]:
    headers = way.headers.of(request, body)
    if thing is None:
        return headers
    tag = way.tag.of(thing.version) if way.tag is not None else None
    if tag is not None:
        headers["ETag"] = tag
    if way.headers.location is not None and not way.headers.links:
        found = plan.location(request, thing)
        if found is not None:
            headers[way.headers.location] = way.headers.place(found)
    return headers
