"""What requests do to a mock's state: each role an operation may have, over one session's things.

Refusals come in the order in which the contracts' conventions decide them (``contracts/README.md``): what is
not there or not to be seen (404), what was not read in its current version (428, 412), what its lifecycle
forbids or what is not there beside it (409, 422). Whoever calls ``act`` holds the mock's lock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from harness.contract.expressions import Context, parse
from harness.contract.model import EMPTY, JSON, Contract, Transition
from harness.serving.admission import context_of
from harness.serving.exchange import Request
from harness.serving.problems import Problem, Reason
from mocks.finding import asked_key, belongs, check_owners, find_thing, sight_for, subject_of, tell_nothing
from mocks.identity import new_id
from mocks.known import Document
from mocks.lessons import AllLooks, Lesson, best
from mocks.making import Intended, fitted
from mocks.moves import Group, Moved, answered
from mocks.paging import Page
from mocks.patches import patched
from mocks.plans import Plan, Way
from mocks.preconditions import check, fresh
from mocks.resources import Kind, Resources
from mocks.shifting import Shifting
from mocks.things import State, Thing
from mocks.uniqueness import Shared, of_its_own


@dataclass(slots=True)
class Outcome:
    """What came of a request: the way in which to answer, what to show, and what moved.

    ``unchanged`` answers 304. Without a thing or page the answer has no body.
    """

    way: Way
    thing: Thing | None = None
    page: Page | None = None
    moved: tuple[Moved, ...] = ()
    unchanged: bool = False


class Engine:
    """Does what operations do. ``looks`` are those of every kind."""

    def __init__(
        self,
        contract: Contract,
        resources: Resources,
        looks: AllLooks,
        now: Callable[[], datetime],
        seed: int,
    ) -> None:
        self._contract, self._resources, self._seed, self._now = contract, resources, seed, now
        self._shifting = Shifting(contract, looks, now)
        self._doing: Mapping[str, Callable[[Plan, Request, State], Outcome | None]] = {
            "read": self._read,
            "list": self._list,
            "create": self._create,
            "replace": self._replace,
            "patch": self._patch,
            "delete": self._delete,
            "act": self._deed,
            "aspect": self._aspect,
        }

    def act(self, plan: Plan, request: Request, state: State) -> Outcome | None:
        """Raises Problem for every refusal; nothing has changed then.

        None where state cannot say: what is asked for never was, and the contract documents no answer to
        that.
        """
        return self._doing[plan.role.does](plan, request, state)

    def _read(self, plan: Plan, request: Request, state: State) -> Outcome | None:
        thing = find_thing(plan, request, state)
        if thing is None and plan.role.kind.single and not plan.documents(404):
            thing = self._implied(plan, request)
        if thing is None:
            tell_nothing(plan, request, state)
            return None
        if plan.done.tag is not None and plan.documents(304) and fresh(plan.done, request, thing):
            return Outcome(plan.done, thing, unchanged=True)
        return Outcome(plan.done, thing)

    def _aspect(self, plan: Plan, request: Request, state: State) -> None:
        """What is shown the contract's examples say; here only whether the thing is there for this caller."""
        if find_thing(plan, request, state) is None:
            tell_nothing(plan, request, state)

    def _list(self, plan: Plan, request: Request, state: State) -> Outcome | None:
        if plan.paging is None or plan.done.form is None:
            return None
        check_owners(plan, request, state, self._resources.kinds)
        sight = sight_for(plan, request)
        tests = [
            each.test(request.query[each.parameter])
            for each in plan.filters
            if each.parameter in request.query
        ]
        things = [
            thing
            for thing in state.all(plan.role.kind.name)
            if belongs(plan, request, thing)
            and (sight is None or sight.sees(subject_of(plan.role.kind, thing.document)))
            and all(test(thing.document) for test in tests)
        ]
        ordered = plan.sorting.ordered(request, things) if plan.sorting is not None else things
        return Outcome(plan.done, page=plan.paging.page(request, ordered))

    def _create(self, plan: Plan, request: Request, state: State) -> Outcome:
        check_owners(plan, request, state, self._resources.kinds)
        kind, context = plan.role.kind, context_of(request)
        said = plan.making.body(request)
        beside = self._named(plan, context, state)
        lesson, same = best(plan.lessons, request)
        key = self._new_key(plan, said, state, lesson if same else None)
        intended = plan.making.new(
            request, state, key, lesson, same=same and self._is_model(kind, key, lesson), now=self._now()
        )
        edge = None
        if plan.own is not None and plan.own.begins:
            edge = plan.own.beginning({n: v for n, v in said.items() if n == kind.status}, context)
            if edge is None:
                raise _conflict(plan)
        document = self._settled(kind, intended, edge, 1)
        shown = lesson.document if lesson is not None and same else None
        document = _alone(plan, state, str(key), document, intended, shown)
        thing = state.put(Thing(kind.name, str(key), document, scope=_scope(plan, request)))
        moved = [Moved(kind, edge, None, thing), *self._beside(state, beside)]
        moved += self._late(plan, context, thing.document, state)
        return Outcome(plan.made, thing, moved=tuple(moved))

    def _replace(self, plan: Plan, request: Request, state: State) -> Outcome | None:
        kind, now = plan.role.kind, self._now()
        before = find_thing(plan, request, state)
        if before is None:
            makes = plan.documents(201) or kind.single or not plan.documents(404)
            if not makes or (
                state.is_gone(kind.name, asked_key(plan, request) or "") and plan.documents(404)
            ):
                tell_nothing(plan, request, state)
                return None
            check_owners(plan, request, state, self._resources.kinds)
        check(plan, request, before)
        key: JSON = request.path.get(plan.role.address or "", plan.making.body(request).get(kind.id or ""))
        if kind.single:
            key = before.document.get(kind.id or "") if before is not None else key
        intended = plan.making.replaced(request, key, before, now=now)
        text = asked_key(plan, request) or str(key)
        way = plan.made if before is None and plan.documents(201) else plan.done
        return self._changed(plan, request, state, before, intended, way, text)

    def _patch(self, plan: Plan, request: Request, state: State) -> Outcome | None:
        kind = plan.role.kind
        before = find_thing(plan, request, state)
        if before is None and kind.single and not plan.documents(404):
            before = self._implied(plan, request)
        if before is None:
            tell_nothing(plan, request, state)
            return None
        check(plan, request, before)
        refusal = 422 if plan.documents(422) else 400
        change = request.body if isinstance(request.body, list) else plan.making.body(request)
        changed = plan.making.kept(
            patched(before.document, change, request.content_type, refusal), before, self._now()
        )
        if violations := kind.validator.violations(changed):
            raise Problem(refusal, errors=[Reason(each.pointer, each.detail) for each in violations])
        every = frozenset(changed)
        intended = Intended(changed, changed, before.document, every, every)
        return self._changed(plan, request, state, before, intended, plan.done, before.key)

    def _delete(self, plan: Plan, request: Request, state: State) -> Outcome | None:
        before = find_thing(plan, request, state)
        if before is None:
            tell_nothing(plan, request, state)
            kind, key = plan.role.kind.name, asked_key(plan, request) or ""
            if state.get(kind, key) is None:
                state.leave(kind, key)  # it may have been there
            return None
        if plan.own is not None and plan.own.moves:
            return self._deed(plan, request, state)
        check(plan, request, before)
        context = context_of(request)
        beside = self._named(plan, context, state)
        state.remove(before)
        moved = [Moved(plan.role.kind, None, before, None), *self._beside(state, beside)]
        moved += self._late(plan, context, before.document, state)
        return Outcome(plan.left, before, moved=tuple(moved))

    def _deed(self, plan: Plan, request: Request, state: State) -> Outcome | None:
        before = find_thing(plan, request, state)
        if before is None:
            tell_nothing(plan, request, state)
            return None
        check(plan, request, before)
        lesson, _ = best(plan.lessons, request)
        intended = plan.making.acted(request, state, before, lesson, now=self._now())
        way = plan.done if plan.done.view is not None else plan.left
        return self._changed(plan, request, state, before, intended, way, before.key)

    def _changed(
        self,
        plan: Plan,
        request: Request,
        state: State,
        before: Thing | None,
        intended: Intended,
        way: Way,
        key: str,
    ) -> Outcome:
        """Put a thing's new document in its place, with whatever moves beside it."""
        kind, context = plan.role.kind, context_of(request)
        edge = self._edge(plan, before, intended, context)
        beside = self._named(plan, context, state)
        version = (before.version if before is not None else 0) + 1
        document = self._settled(kind, intended, edge, version, before)
        document = _alone(plan, state, key, document, intended)
        scope = before.scope if before is not None else _scope(plan, request)
        thing = state.put(Thing(kind.name, key, document, version, scope=scope))
        moved = [Moved(kind, edge, before, thing), *self._beside(state, beside)]
        moved += self._late(plan, context, thing.document, state)
        return Outcome(way, thing, moved=tuple(moved))

    def _edge(
        self, plan: Plan, before: Thing | None, intended: Intended, context: Context
    ) -> Transition | None:
        """The transition that the operation makes of its own thing. Raises Problem 409 if none is legal."""
        status = plan.role.kind.status
        if status is None:
            return None
        stood = before.document.get(status) if before is not None else None
        asks = (
            plan.role.does in ("replace", "patch")
            and status in intended.wanted
            and status in plan.making.sent
        )
        wanted = intended.wanted[status] if asks else None
        if plan.own is None:
            if before is not None and wanted not in (None, stood):
                raise _conflict(plan)
            return None
        if before is None:
            return plan.own.beginning({status: wanted} if wanted is not None else {}, context)
        if asks and wanted in (None, stood) and plan.own.step(stood, intended.wanted, context, stood) is None:
            return None  # something else about it changes
        edge = plan.own.step(stood, intended.wanted, context, wanted)
        if edge is None:
            raise _conflict(plan)
        return edge

    def _settled(
        self,
        kind: Kind,
        intended: Intended,
        edge: Transition | None,
        version: int,
        before: Thing | None = None,
    ) -> dict[str, JSON]:
        document = dict(intended.wanted)
        if edge is not None and kind.status is not None:
            stood = before.document.get(kind.status) if before is not None else None
            document[kind.status] = edge.to
            if before is not None and stood != edge.to:
                document = self._shifting.entering(kind, document, edge.to, intended.known)
        if "version" in kind.named and (before is not None or version > 1 or "version" in document):
            document["version"] = version
        certain = {**intended.certain}
        if edge is not None and kind.status is not None:
            certain[kind.status] = edge.to
        return fitted(self._contract, kind, document, certain, intended.model)

    def _named(self, plan: Plan, context: Context, state: State) -> list[tuple[Group, Thing, Transition]]:
        """What the request names beside, each with the transition that it makes. Raises Problem 422, 409."""
        found = []
        for group in plan.named:
            key = group.named(context)
            thing = state.get(group.kind.name, key) if key is not None else None
            if key is None:
                continue
            if thing is None:
                raise self._names_nothing(plan, group)
            edge = group.step(thing.document.get(group.lifecycle.status), thing.document, context)
            if edge is None:
                raise _conflict(plan)
            found.append((group, thing, edge))
        return found

    def _beside(self, state: State, found: list[tuple[Group, Thing, Transition]]) -> list[Moved]:
        return [self._shifting.shift(state, group.kind, thing, edge) for group, thing, edge in found]

    def _names_nothing(self, plan: Plan, group: Group) -> Problem:
        status = next((each for each in (422, 409, 404, 400) if plan.documents(each)), 422)
        expression = parse(group.names or "$request.body")
        where = "" if expression.source == "request.body" else f"/{expression.source.rpartition('.')[2]}"
        pointer = f"{where}/{expression.name}" if expression.name else f"{where}{expression.pointer}"
        return Problem(status, errors=[Reason(pointer, f"names no {group.kind.name}")])

    def _late(self, plan: Plan, cause: Context, shown: Document, state: State) -> list[Moved]:
        """What only the answer names: it moves if it is there and may."""
        if not plan.late:
            return []
        moved, context = [], answered(cause, shown)
        for group in plan.late:
            key = group.named(context)
            thing = state.get(group.kind.name, key) if key is not None else None
            if thing is None:
                continue
            edge = group.step(thing.document.get(group.lifecycle.status), thing.document, context)
            if edge is not None:
                moved.append(self._shifting.shift(state, group.kind, thing, edge))
        return moved

    def _new_key(self, plan: Plan, said: Document, state: State, lesson: Lesson | None) -> JSON:
        """What was sent, else what the example of this very request shows, else a fresh one."""
        kind = plan.role.kind
        sent = said.get(kind.id or "")
        if sent is not None and not isinstance(sent, dict | list):
            if state.get(kind.name, str(sent)) is not None and plan.documents(409):
                raise Problem(409, detail=f"There is one with the same {kind.id} already.")
            return sent
        shown = lesson.document.get(kind.id or "") if lesson is not None else None
        free = shown is not None and state.get(kind.name, str(shown)) is None
        if free and not state.is_gone(kind.name, str(shown)):
            return shown
        return new_id(kind, state, self._seed)

    def _is_model(self, kind: Kind, key: JSON, lesson: Lesson | None) -> bool:
        return lesson is not None and lesson.document.get(kind.id or "") == key

    def _implied(self, plan: Plan, request: Request) -> Thing | None:
        """What holds for an owner of whom nothing was ever said: as little as the schema allows."""
        kind, key = plan.role.kind, asked_key(plan, request)
        if key is None:
            return None
        model = plan.making.model()
        owner = request.path.get(plan.role.address or "")
        certain = {kind.id: owner} if kind.id is not None and owner is not None else {}
        needed = {name: value for name, value in model.items() if name in kind.required}
        document = fitted(self._contract, kind, {**needed, **certain}, certain, model)
        return Thing(kind.name, key, document, 0)


def _scope(plan: Plan, request: Request) -> Mapping[str, str]:
    """What the path says of a new thing that its document does not show."""
    apart = [parent.parameter for parent in plan.role.parents if parent.property is None]
    return {name: str(request.path[name]) for name in apart} if apart else EMPTY


def _alone(
    plan: Plan,
    state: State,
    key: str,
    document: Document,
    intended: Intended,
    example: Document | None = None,
) -> dict[str, JSON]:
    """The document, sharing nothing that no two may share. Raises Problem 409 if the request says so."""
    try:
        return of_its_own(state, plan.role.kind, key, document, intended.stated, example=example)
    except Shared as shared:
        raise _conflict(plan, f"There is one with the same {shared.name} already.") from None


def _conflict(plan: Plan, detail: str = "Its status does not allow this.") -> Problem:
    status = next((each for each in (409, 422, 400) if plan.documents(each)), 409)
    return Problem(status, detail=detail)
