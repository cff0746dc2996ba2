"""The documents that requests make: what was sent, what follows from it, and what only a service sets.

What follows is read from the contract's examples (``lessons``). A document is always one that its schema
allows: what would break it is left out, the least certain first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from math import floor

from harness.contract.model import EMPTY, JSON, Contract, Schema
from harness.contract.schema import compile_schema, complete, example_of, properties, says
from harness.errors import ContractError
from harness.serving.exchange import Request
from mocks.believable import exemplary
from mocks.known import Document, without
from mocks.lessons import Lesson, is_clock
from mocks.representations import single_in
from mocks.resources import Kind, Role
from mocks.things import State, Thing


@dataclass(slots=True)
class Intended:
    """A document as it should become. ``certain`` are the values that outweigh others where not all can be
    had, ``model`` is a document that is valid; ``known`` are properties that are right as they are,
    ``stated`` those whose values the request says."""

    wanted: dict[str, JSON]
    certain: Document
    model: Document
    known: frozenset[str] = frozenset()
    stated: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Making:
    """Makes the documents of one operation.

    ``sent`` are the properties that its body may have, ``defaults`` what they are otherwise; ``clocks`` those
    in which a service notes the time of a change, ``births`` that at which something was made.
    """

    contract: Contract
    role: Role
    sent: Mapping[str, Schema]
    wrapper: str | None
    seed: int
    defaults: Document
    clocks: frozenset[str]
    births: frozenset[str]

    def body(self, request: Request) -> Mapping[str, JSON]:
        """What the request says of the thing: its body, out of its wrapper, less what only a service sets."""
        body = request.body
        if self.wrapper is not None and isinstance(body, Mapping):
            body = body.get(self.wrapper)
        if not isinstance(body, Mapping):
            return EMPTY
        return without(body, self.role.kind.given) if self.role.kind.given else body

    def new(
        self, request: Request, state: State, key: JSON, lesson: Lesson | None, *, same: bool, now: datetime
    ) -> Intended:
        """A new thing. ``same``: the request is the lesson's own, so all is as it shows."""
        kind, body = self.role.kind, self.body(request)
        certain = {**self._belonging(request), **self._identity(key)}
        model = lesson.document if lesson is not None else self.model()
        served = {n: v for n, v in model.items() if n not in self.sent or n in kind.given}
        clocks = {} if same else self._clocks(model, now, at_start=True)
        follows = self._follows(request, state, lesson, EMPTY)
        wanted = {**self.defaults, **served, **clocks, **follows, **body, **certain}
        return Intended(wanted, {**body, **certain}, model, stated=frozenset((*follows, *body, *certain)))

    def acted(
        self, request: Request, state: State, before: Thing, lesson: Lesson | None, *, now: datetime
    ) -> Intended:
        """What a deed leaves: what the request says of the thing's properties, and what follows from it."""
        kind, body = self.role.kind, self.body(request)
        said = {name: value for name, value in body.items() if name in kind.named and name != kind.id}
        document, fixed = dict(before.document), Lesson(EMPTY).fixed
        if lesson is not None:
            document = without(document, lesson.gone)
            apart = {kind.status, "version", *self.sent}
            fixed = {n: v for n, v in lesson.fixed.items() if n not in apart and not is_clock(n)}
        follows = self._follows(request, state, lesson, before.document)
        clocks = self._clocks(document, now)
        known = {**fixed, **follows, **said, **clocks}
        stated = frozenset((*follows, *said))
        return Intended({**document, **known}, before.document, before.document, frozenset(known), stated)

    def replaced(self, request: Request, key: JSON, before: Thing | None, *, now: datetime) -> Intended:
        """What a PUT leaves: what was sent, with what only the service sets as it was."""
        kind, body = self.role.kind, self.body(request)
        held = before.document if before is not None else self.model()
        served = {n: v for n, v in held.items() if n not in self.sent or n in kind.given}
        certain = {**self._belonging(request), **self._identity(key)}
        clocks = self._clocks(held, now, at_start=before is None)
        wanted = {**self.defaults, **served, **clocks, **body, **certain}
        return Intended(wanted, {**body, **certain}, held, stated=frozenset((*body, *certain)))

    def kept(self, changed: Mapping[str, JSON], before: Thing, now: datetime) -> dict[str, JSON]:
        """A patched document, with what only the service sets as it was."""
        kind = self.role.kind
        own = {n: v for n, v in before.document.items() if n == kind.id or n in kind.given}
        return {**changed, **own, **self._clocks(changed, now)}

    def _follows(
        self, request: Request, state: State, lesson: Lesson | None, before: Document
    ) -> dict[str, JSON]:
        """What the lesson's copies make of this request."""
        found: dict[str, JSON] = {}
        if lesson is None:
            return found
        body = request.body if isinstance(request.body, Mapping) else EMPTY
        places = {"body": body, "path": request.path, "query": request.query, "before": before}
        for each in lesson.copied:
            if each.name in places[each.origin]:
                found[each.property] = places[each.origin][each.name]
        said = {**request.path, **body}
        for other in lesson.beside:
            thing = state.get(other.kind, str(said.get(other.named_by)))
            if thing is not None:
                found |= {n: thing.document[n] for n in other.properties if n in thing.document}
        return found

    def _identity(self, key: JSON) -> dict[str, JSON]:
        return {self.role.kind.id: key} if self.role.kind.id is not None and key is not None else {}

    def _belonging(self, request: Request) -> dict[str, JSON]:
        """What the path says of the thing's properties."""
        return {
            parent.property: request.path[parent.parameter]
            for parent in self.role.parents
            if parent.property is not None and parent.parameter in request.path
        }

    def _clocks(self, document: Document, now: datetime, *, at_start: bool = False) -> dict[str, JSON]:
        """The times that a service notes when it makes or changes something."""
        noted = self.clocks | self.births if at_start else self.clocks
        return dict.fromkeys((name for name in noted if name in document), timestamp(now)) if noted else {}

    def model(self) -> Document:
        """A made-up thing, for what no example shows; empty if none can be made."""
        try:
            made = exemplary(self.role.kind.schema, self.seed)
        except ContractError:
            return EMPTY
        return made if isinstance(made, dict) else EMPTY


def fitted(
    contract: Contract, kind: Kind, wanted: Document, certain: Document, model: Document
) -> dict[str, JSON]:
    """A valid document with as much of ``wanted`` as the schema allows, ``certain`` first.

    What is written only (``writeOnly``) is taken and not kept. Where nothing valid can be made, the document
    is what is wanted: whoever shows it will see.
    """
    wanted = without(wanted, kind.secret) if kind.secret else dict(wanted)
    valid = kind.validator.is_valid
    if valid(wanted):
        return wanted
    described = {name: value for name, value in wanted.items() if name in kind.named}
    if valid(described):
        return described
    for start in _starts(contract, kind, certain, model):
        if not valid(start):
            continue
        whole = dict(start)
        for name in (*(n for n in certain if n in described), *(n for n in described if n not in certain)):
            trial = {**whole, name: described[name]}
            if valid(trial):
                whole = trial
        return whole
    return described


def _starts(contract: Contract, kind: Kind, certain: Document, model: Document) -> Iterator[Document]:
    if kind.name in contract.schemas:
        asked = {name: value for name, value in certain.items() if name in kind.named}
        identity = {name: value for name, value in asked.items() if name == kind.id}
        for partial in (asked, identity):
            try:
                yield complete(contract, kind.name, partial)
            except ContractError:
                continue
    yield model
    try:
        yield example_of(kind.schema)
    except ContractError:
        return


def timestamp(now: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return _timestamp(floor(now.timestamp()))


@lru_cache(16)
def _timestamp(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def making_of(contract: Contract, role: Role, seed: int) -> Making:
    """Made ready from what the operation's body may have."""
    wrapper: str | None = None
    sent: Mapping[str, Schema] = {}
    for media in role.operation.body.content.values() if role.operation.body is not None else ():
        single = single_in(media.schema) if media.schema is not None else None
        if single is not None:
            wrapper, sent = single.wrapper, properties(single.schema)
            break
    stated = {name: says(schema, "default") for name, schema in sent.items() if name in role.kind.named}
    defaults = {name: value for name, value in stated.items() if value is not None}
    clocks, births = clocks_of(role.kind)
    return Making(contract, role, sent, wrapper, seed, defaults, clocks - sent.keys(), births - sent.keys())


def clocks_of(kind: Kind) -> tuple[frozenset[str], frozenset[str]]:
    """The properties in which a service notes when a thing was changed, and when it was made."""
    noted = [
        name
        for name, schema in kind.named.items()
        if is_clock(name) and says(schema, "format") == "date-time"
        if compile_schema(schema).is_valid("2031-03-03T09:00:00Z")
    ]
    births = frozenset(name for name in noted if name.lower().startswith(_ONCE))
    return frozenset(noted) - births, births


_ONCE = ("created", "registered", "submitted", "recorded")
