"""Finding what a request is about, for who may see it; and what is said where there is nothing."""

from __future__ import annotations

from collections.abc import Mapping

from harness.contract.lifecycles import is_last
from harness.contract.model import JSON
from harness.contract.schema import properties
from harness.serving.exchange import Request
from harness.serving.problems import Problem
from harness.serving.sight import Sight, no_such_thing, sight_of
from mocks.documented import asks_as_shown
from mocks.known import Document
from mocks.plans import Plan
from mocks.resources import Kind
from mocks.seeding import key_of
from mocks.things import State, Thing

PROBLEM = frozenset({"type", "title", "status", "detail", "instance", "errors"})
"""RFC 9457's members, and our list of what is wrong."""


def find_thing(plan: Plan, request: Request, state: State) -> Thing | None:
    """The thing that the path names, if it is there and this caller may see it."""
    role, kind = plan.role, plan.role.kind
    thing = addressed(plan, request, state)
    if thing is None or not belongs(plan, request, thing):
        return None
    sight = sight_for(plan, request)
    whose = subject_of(kind, thing.document) if sight is not None else None
    if sight is not None and not sight.sees(whose):
        if role.operation.subject is None and kind.subject is None:
            return thing
        raise no_such_thing(whose)
    _must_go_on(plan, thing)
    return thing


def _must_go_on(plan: Plan, thing: Thing) -> None:
    """Raises Problem 410 where a GET documents it and no transition leads on from where the thing has come.

    What the answer's schema has beside a problem's own members is the thing's: what it was replaced by.
    """
    lifecycle = plan.role.kind.lifecycle
    if plan.role.does not in ("read", "aspect") or lifecycle is None or not plan.documents(410):
        return
    if not is_last(lifecycle, thing.document.get(lifecycle.status)):
        return
    answer = plan.operation.response_for(410)
    schemas = [media.schema for media in answer.content.values() if media.schema] if answer else []
    named = {name for schema in schemas for name in properties(schema)} - PROBLEM
    members = {name: value for name, value in thing.document.items() if name in named}
    raise Problem(410, detail="It has come to its end.", members=members)


def addressed(plan: Plan, request: Request, state: State) -> Thing | None:
    """The thing that the path names, whoever asks."""
    role = plan.role
    key = asked_key(plan, request)
    if key is None:
        return None
    if role.kind.single or role.address is None or role.by in (role.kind.id, None):
        return state.get(role.kind.name, key)
    wanted = request.path[role.address]
    every = state.all(role.kind.name)
    return next((each for each in every if str(each.document.get(role.by or "")) == str(wanted)), None)


def asked_key(plan: Plan, request: Request) -> str | None:
    """The key of the thing that a request is about: by its path, else by what it sends."""
    role = plan.role
    if role.address is None and not role.kind.single:
        value = plan.making.body(request).get(role.kind.id or "")
        return None if value is None else str(value)
    return key_of(role, request.path)


def tell_nothing(plan: Plan, request: Request, state: State) -> None:
    """Raises Problem 404 or 410 where the contract documents one, or something was there.

    What the contract's own examples ask for there is, though nothing more be known of it; and so may anything
    be that state does not see made.
    """
    kind = plan.role.kind
    gone = state.is_gone(kind.name, asked_key(plan, request) or "")
    if gone and plan.documents(410):
        raise Problem(410, detail="It was deleted.")
    undocumented = plan.operation.response_for(404) is None
    if not gone and (undocumented or plan.unseen or asks_as_shown(plan.operation, request)):
        return
    if plan.operation.access:
        raise no_such_thing()
    there = ", ".join(thing.key for thing in state.all(kind.name)[:5])
    known = f" There is: {there}." if there else ""
    raise Problem(404, detail=f"There is no such {_spoken(kind)}.{known}")


def check_owners(plan: Plan, request: Request, state: State, kinds: Mapping[str, Kind]) -> None:
    """Raises Problem 404 where what a path belongs to is kept here too and not there, or somebody else's."""
    owners = [(each.parameter, each.kind) for each in plan.role.parents if each.kind is not None]
    if not owners or not plan.documents(404):
        return
    sight = sight_for(plan, request)
    for parameter, kind in owners:
        key = str(request.path.get(parameter))
        shown = not state.is_gone(kind, key) and asks_as_shown(plan.operation, request)
        owner = state.get(kind, key)
        if owner is None and not shown:
            raise no_such_thing()
        whose = subject_of(kinds[kind], owner.document) if owner is not None else None
        if sight is not None and whose is not None and not sight.sees(whose):
            raise no_such_thing(whose)


def sight_for(plan: Plan, request: Request) -> Sight | None:
    """What this caller may see through the operation; None for everything."""
    if not plan.operation.access:
        return None
    sight = sight_of(plan.operation, request.claims)
    return None if sight.people is None and sight.nobody else sight


def subject_of(kind: Kind, document: Document) -> str | None:
    """The patient whose data a document is."""
    value: JSON = document
    for part in kind.subject.split(".") if kind.subject else ():
        value = value.get(part) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else None


def belongs(plan: Plan, request: Request, thing: Thing) -> bool:
    """Whether a thing is where the path says: a seed whose document does not say is everywhere."""
    for parent in plan.role.parents:
        asked = str(request.path.get(parent.parameter))
        if parent.property is not None:
            held = thing.document.get(parent.property)
            if held is not None and str(held) != asked:
                return False
        elif thing.scope.get(parent.parameter, asked) != asked:
            return False
    return True


def _spoken(kind: Kind) -> str:
    return "resource" if "/" in kind.name else kind.name
