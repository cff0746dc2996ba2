"""What a contract keeps, and what each operation does to it: inferred from path shapes and ``x-lifecycle``.

``/things/{id}`` addresses a thing, ``/things`` is where they are listed and made, ``/things/{id}/<verb>``
acts on one, and ``/owners/{ownerId}/profile`` with GET and PUT is a thing that there is once for each owner.
``GET /things/{id}/<aspect>`` shows something else of a thing: where the contract says who may see it, that
is for whom the thing is.
What a thing is, its component schema says, else the path. Decided once, when a mock is built; an operation
that fits none of this has no role and is answered without state.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from harness.contract.aggregates import kept, subject_of_kind, unique_of_kind
from harness.contract.expressions import parse
from harness.contract.model import Contract, Lifecycle, Operation, Schema
from harness.contract.navigation import parts
from harness.contract.schema import Validator, compile_schema, properties, says
from mocks.representations import (
    Single,
    identifier,
    identifying,
    listed_by,
    nameable,
    plain,
    shown_by,
    successes,
)

Does = Literal["read", "list", "create", "replace", "patch", "delete", "act", "aspect"]

_PARAMETER = re.compile(r"\{([^{}]+)\}")
_WHOLE = re.compile(r"\{[^{}]+\}\Z")
_BY_METHOD: Mapping[str, Does] = {
    "GET": "read",
    "PUT": "replace",
    "PATCH": "patch",
    "DELETE": "delete",
    "POST": "patch",
}


@dataclass(frozen=True)
class Kind:
    """One kind of thing. ``schema`` is what shows the most of one; ``named`` are its properties.

    ``id`` is the property that identifies one, None where only the path does. ``single`` says that there is
    one for each owner: its key is the path's values. ``subject`` is the dotted name of the property that
    holds the patient. ``secret`` are properties that are taken and never answered, ``given`` those that only
    the service sets (``readOnly``), ``required`` those that no document lacks. ``numbered`` says that ids are
    numbers, ``unique`` names what no two of them share.
    """

    name: str
    schema: Schema
    named: Mapping[str, Schema]
    id: str | None
    single: bool = False
    lifecycle: Lifecycle | None = None
    subject: str | None = None
    secret: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    numbered: bool = False
    unique: tuple[str, ...] = ()

    @cached_property
    def validator(self) -> Validator:
        """Whether a document may be one of these; compiled when it is first asked for."""
        return compile_schema(self.schema, "response")

    @cached_property
    def key_validator(self) -> Validator | None:
        """Whether a value may be the id of one; None where nothing says so."""
        schema = self.named.get(self.id or "")
        return compile_schema(schema) if schema is not None else None

    @cached_property
    def timed(self) -> bool:
        """Whether there is a state that one of these leaves by time alone."""
        return self.lifecycle is not None and any(edge.timed for edge in self.lifecycle.transitions)

    @property
    def status(self) -> str | None:
        """The property that holds the lifecycle's state."""
        return self.lifecycle.status if self.lifecycle is not None else None


@dataclass(frozen=True, slots=True)
class Parent:
    """A path parameter that says to what a thing belongs: by a ``property`` of it, else by its scope.

    ``kind`` is what the parameter names, if the contract keeps that too.
    """

    parameter: str
    property: str | None
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """What an operation does to which kind.

    ``address`` is the path parameter that names the thing, ``by`` the property that it is compared with.
    ``parents`` are the other path parameters. ``made_unseen`` says that an operation without a role gives out
    ids of such things, so that there may be more of them than state knows.
    """

    operation: Operation
    does: Does
    kind: Kind
    address: str | None = None
    by: str | None = None
    parents: tuple[Parent, ...] = ()
    made_unseen: bool = False


@dataclass(frozen=True, slots=True)
class Resources:
    """Kinds by name, roles by operationId."""

    kinds: Mapping[str, Kind]
    roles: Mapping[str, Role]


def resources_of(contract: Contract) -> Resources:
    """Everything that a contract lets be inferred."""
    return _Survey(contract).resources()


class _Survey:
    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._kinds: dict[str, Kind] = {}
        self._roles: dict[str, Role] = {}
        self._at: dict[str, dict[str, Operation]] = {}
        self._items: dict[str, str] = {}  # item path → kind
        for operation in contract.operations.values():
            self._at.setdefault(operation.path, {})[operation.method.upper()] = operation

    def resources(self) -> Resources:
        for path, methods in self._at.items():
            if (
                _WHOLE.search(path.rpartition("/")[2])
                and len(_PARAMETER.findall(path.rpartition("/")[2])) == 1
            ):
                self._item(path, methods)
        for name in kept(self._contract):
            if name not in self._kinds:
                self._kind(name, self._contract.schemas[name], "id")
        for path, methods in self._at.items():
            self._collection(path, methods)
        for path, methods in self._at.items():
            self._single(path, methods)
        for operation in self._contract.operations.values():
            if operation.id not in self._roles:
                self._elsewhere(operation)
        unseen = {name for path, name in self._items.items() if self._is_made_unseen(path)}
        roles = {id: replace(each, made_unseen=each.kind.name in unseen) for id, each in self._roles.items()}
        return Resources(self._kinds, roles)

    def _is_made_unseen(self, path: str) -> bool:
        """Whether the POST above an item's path, which shows no such thing, gives out an id of one."""
        above = self._at.get(path.rpartition("/")[0], {}).get("POST")
        if above is None or above.id in self._roles:
            return False
        schemas = (each.schema for each in successes(above) if each.schema is not None)
        address = plain(_PARAMETER.findall(path)[-1])
        return any(plain(name) == address for schema in schemas for name in properties(schema))

    def _item(self, path: str, methods: Mapping[str, Operation]) -> None:
        """Operations of ``/things/{id}``."""
        if "GET" in methods and listed_by(methods["GET"]) is not None:
            return  # things that have something in common
        shown = self._shown(path, methods)
        if shown is None:
            return
        name = shown.schema.name or path
        address = _PARAMETER.findall(path)[-1]
        by = self._linked(path, address, shown.schema) or identifier(nameable(shown.schema), address)
        kind = self._kinds.get(name) or self._kind(name, shown.schema, by)
        self._items[path] = kind.name
        for method, operation in methods.items():
            if method in _BY_METHOD:
                self._play(operation, _BY_METHOD[method], kind, address, by)

    def _shown(self, path: str, methods: Mapping[str, Operation]) -> Single | None:
        """What an item path's things look like: what it answers, else what its collection does."""
        for method in ("GET", "PUT", "PATCH", "POST"):
            if method in methods and (single := shown_by(methods[method])) is not None:
                return single
        above = self._at.get(path.rpartition("/")[0], {})
        if "POST" in above and (single := shown_by(above["POST"])) is not None:
            return single
        many = listed_by(above["GET"]) if "GET" in above else None
        return Single(many.items) if many is not None and properties(many.items) else None

    def _collection(self, path: str, methods: Mapping[str, Operation]) -> None:
        """Operations of ``/things``, whether or not one of them can be addressed."""
        kind = self._of_collection(path, methods)
        if kind is None:
            return
        for method, operation in methods.items():
            if operation.id in self._roles:
                continue
            if method == "GET" and listed_by(operation) is not None:
                self._play(operation, "list", kind)
            elif method == "POST" and self._makes(operation, kind):
                self._play(operation, "create", kind)
            elif method == "PUT" and kind.id is not None and kind.id in _sent(operation):
                self._play(operation, "replace", kind)

    def _of_collection(self, path: str, methods: Mapping[str, Operation]) -> Kind | None:
        for item, name in self._items.items():
            if item.rpartition("/")[0] == path:
                return self._kinds[name]
        many = listed_by(methods["GET"]) if "GET" in methods else None
        if many is None:
            return None
        if many.items.name in self._kinds:
            return self._kinds[many.items.name]
        made = shown_by(methods["POST"]) if "POST" in methods else None
        if made is not None and made.schema.name == many.items.name and properties(many.items):
            return self._kind(made.schema.name or path, made.schema, identifying(nameable(made.schema)))
        return None

    def _makes(self, operation: Operation, kind: Kind) -> bool:
        """Whether a POST to a collection makes one of its things: it says so, or shows one."""
        if operation.body is None and not self._begins(operation, kind):
            return False
        shown = shown_by(operation)
        alike = shown is not None and (shown.schema.name == kind.name or kind.id in properties(shown.schema))
        return alike or (shown is None and "201" in operation.responses and kind.id is not None)

    def _single(self, path: str, methods: Mapping[str, Operation]) -> None:
        """Operations of what there is once for each owner, or once at all."""
        if (
            not ("GET" in methods and ("PUT" in methods or "PATCH" in methods))
            or "}" in path.rpartition("/")[2]
        ):
            return
        if any(operation.id in self._roles for operation in methods.values()):
            return
        shown = shown_by(methods["GET"])
        if shown is None:
            return
        name = shown.schema.name or path
        known = self._kinds.get(name)
        if known is not None and not known.single and name in self._items.values():
            return  # one of many that has an address of its own
        self._kinds.pop(name, None)
        owners = _PARAMETER.findall(path)
        by = self._linked(path, owners[-1], shown.schema) if owners else None
        if by is None and owners and plain(owners[-1]) in {plain(each) for each in properties(shown.schema)}:
            by = identifier(nameable(shown.schema), owners[-1])
        subject = subject_of_kind(self._contract, name, properties(shown.schema))
        kind = self._kind(name, shown.schema, by or (subject if subject == "id" else None), single=True)
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            if method in methods:
                self._play(methods[method], _BY_METHOD[method], kind, owners[-1] if owners else None, kind.id)

    def _elsewhere(self, operation: Operation) -> None:
        """A list, a beginning or a deed that stands under another path than its things."""
        method = operation.method.upper()
        if method == "GET":
            many = listed_by(operation)
            if many is not None and many.items.name in self._kinds:
                self._play(operation, "list", self._kinds[many.items.name])
            elif operation.access:
                self._below(operation, "aspect")
            return
        shown = shown_by(operation)
        kind = self._kinds.get(shown.schema.name or "") if shown is not None else None
        if method == "POST" and kind is not None and not kind.single:
            begins = self._begins(operation, kind)
            if begins or ("201" in operation.responses and not self._drives(operation, kind)):
                self._play(operation, "create", kind)
                return
        self._below(operation, "act", shown)

    def _below(self, operation: Operation, does: Does, shown: Single | None = None) -> None:
        """``/things/{id}/<word>``. A deed shows the thing, moves its lifecycle, or shows nothing."""
        for path, name in self._items.items():
            rest = operation.path.removeprefix(path)
            if rest == operation.path or not rest.startswith("/") or "{" in rest:
                continue
            kind = self._kinds[name]
            alike = shown is not None and _alike(shown.schema, kind)
            if does == "aspect" or alike or self._drives(operation, kind):
                address = _PARAMETER.findall(path)[-1]
                by = self._linked(path, address, kind.schema) or identifier(nameable(kind.schema), address)
                self._play(operation, does, kind, address, by)
            return

    def _play(
        self, operation: Operation, does: Does, kind: Kind, address: str | None = None, by: str | None = None
    ) -> None:
        if operation.id in self._roles:
            return
        others = [name for name in _PARAMETER.findall(operation.path) if name != address]
        parents = tuple(self._parent(operation.path, name, kind) for name in others)
        self._roles[operation.id] = Role(operation, does, kind, address, by, parents)

    def _parent(self, path: str, parameter: str, kind: Kind) -> Parent:
        owner = self._items.get(path[: path.index("{" + parameter + "}") + len(parameter) + 2])
        exact = next((name for name in kind.named if plain(name) == plain(parameter)), None)
        return Parent(parameter, exact if exact != kind.id or kind.single else None, owner)

    def _kind(self, name: str, schema: Schema, by: str | None, *, single: bool = False) -> Kind:
        named = properties(schema)
        lifecycle = self._contract.lifecycles.get(name)
        made = Kind(
            name=name,
            schema=schema,
            named=named,
            id=by if by in named else None,
            single=single,
            lifecycle=lifecycle,
            subject=subject_of_kind(self._contract, name, named),
            secret=frozenset(each for each, sub in named.items() if says(sub, "writeOnly") is True),
            given=frozenset(each for each, sub in named.items() if says(sub, "readOnly") is True),
            required=frozenset(each for part in parts(schema) for each in _required(part)),
            numbered=by is not None and by in named and says(named[by], "type") in ("integer", "number"),
            unique=tuple(unique_of_kind(named)),
        )
        self._kinds[name] = made
        return made

    def _begins(self, operation: Operation, kind: Kind) -> bool:
        edges = kind.lifecycle.transitions if kind.lifecycle is not None else ()
        return any(edge.by == operation.id and not edge.sources for edge in edges)

    def _drives(self, operation: Operation, kind: Kind) -> bool:
        edges = kind.lifecycle.transitions if kind.lifecycle is not None else ()
        return any(edge.by == operation.id and edge.sources and edge.id is None for edge in edges)

    def _linked(self, path: str, parameter: str, schema: Schema) -> str | None:
        """The property of such a thing that a link passes on to a path parameter."""
        for operation in self._at[path].values():
            for _, response, link in self._contract.links_to(operation.id):
                names = {each.schema.name for each in response.content.values() if each.schema is not None}
                value = link.parameters.get(parameter, link.parameters.get(f"path.{parameter}"))
                if schema.name not in names or not isinstance(value, str) or not value.startswith("$"):
                    continue
                expression = parse(value)
                if expression.source == "response.body" and len(expression.tokens) == 1:
                    return expression.tokens[0]
        return None


def _alike(schema: Schema, kind: Kind) -> bool:
    """Whether a schema shows things of a kind: by its name, or where it has none, by what they have."""
    if schema.name is not None:
        return schema.name == kind.name
    return set(properties(schema)) == set(kind.named)


def _required(schema: Schema) -> list[str]:
    needed = schema.raw.get("required") if isinstance(schema.raw, Mapping) else None
    return needed if isinstance(needed, list) else []


def _sent(operation: Operation) -> Iterator[str]:
    """The properties that a request's body may have."""
    for media in operation.body.content.values() if operation.body is not None else ():
        if media.schema is not None:
            yield from properties(media.schema)
