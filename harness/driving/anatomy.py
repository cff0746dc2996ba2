"""What an operation acts on, read out of one contract: aggregates addressed, answered and named beside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from harness.contract.aggregates import unique_of_kind
from harness.contract.model import (
    JSON,
    Contract,
    Lifecycle,
    Link,
    MediaType,
    MessageOperation,
    Operation,
    Response,
    Schema,
    Transition,
)
from harness.contract.schema import expand, items_of, properties, says
from harness.driving.placing import split, tokens

Origin = Literal["request", "response", "message"]


@dataclass(frozen=True, slots=True)
class Address:
    """A path parameter that names an aggregate: the value at ``pointer`` of component ``schema``."""

    parameter: str
    schema: str
    pointer: str


@dataclass(frozen=True, slots=True)
class Driven:
    """An aggregate whose lifecycle an operation moves.

    ``expression`` says where the cause names it, None if it is the one that the operation itself
    addresses or answers. ``origin`` is where the expression looks. ``each`` is the property whose value the
    expression names, where all that have it move; None where it names one aggregate's id.
    """

    lifecycle: Lifecycle
    edges: tuple[Transition, ...]
    expression: str | None = None
    origin: Origin = "response"
    each: str | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """The states that the operation accepts, in order; empty if it only begins lives."""
        return tuple(dict.fromkeys(state for edge in self.edges for state in edge.sources))

    @property
    def begins(self) -> bool:
        """Whether the operation makes the aggregate."""
        return any(not edge.sources for edge in self.edges)


class Anatomy:
    """Answers about one contract."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract

    def success(self, operation: Operation) -> tuple[Response, MediaType | None] | None:
        """The first documented 2xx and its JSON media type; None if no success is documented."""
        for response in operation.successes:
            kinds = [m for kind, m in response.content.items() if "json" in kind.lower()]
            return response, (kinds[0] if kinds else None)
        return None

    def answers(self, operation: Operation) -> str | None:
        """The component schema that success answers with, or None."""
        success = self.success(operation)
        media = success[1] if success else None
        return media.schema.name if media and media.schema else None

    def addresses(self, operation: Operation) -> tuple[Address, ...]:
        """What each path parameter names, in order of the path; those that name no aggregate are left out.

        A link to the operation decides (``appointmentId: $response.body#/id`` of an operation that
        answers Appointment); else a parameter named like a component (``slotId``, Slot); else the last
        parameter is the ``id`` of the schema that success answers with.
        """
        names = re.findall(r"\{([^}]+)\}", operation.path)
        found = [self._address(operation, name, name == names[-1]) for name in names]
        return tuple(address for address in found if address is not None)

    def acts_on(self, operation: Operation) -> Address | None:
        """The aggregate that the operation addresses: that of its last path parameter.

        A POST that answers 201, or with which a lifecycle begins, makes one; what its path names is what
        the new one belongs to.
        """
        addresses = self.addresses(operation)
        last = re.findall(r"\{([^}]+)\}", operation.path)[-1:]
        if not addresses or [addresses[-1].parameter] != last:
            return None
        makes = operation.method.lower() == "post" and (
            "201" in operation.responses or self._begins(operation)
        )
        return None if makes and self.answers(operation) == addresses[-1].schema else addresses[-1]

    def _begins(self, operation: Operation) -> bool:
        """Whether what the operation answers comes into being by it, at once or (202) in the end."""
        caused = self.contract.caused_by(operation.id)
        answered = self.answers(operation)
        return any(lifecycle.schema == answered and not edge.sources for lifecycle, edge in caused)

    def driven(self, cause: Operation | MessageOperation) -> tuple[Driven, ...]:
        """The lifecycles that an operation moves, one entry for each aggregate that it names."""
        groups: dict[tuple[str, str | None, str | None], tuple[Lifecycle, list[Transition]]] = {}
        for lifecycle, edge in self.contract.caused_by(cause.id):
            each, named = edge.each or (None, None if self._is_own(cause, lifecycle, edge.id) else edge.id)
            groups.setdefault((lifecycle.schema, named, each), (lifecycle, []))[1].append(edge)
        return tuple(
            Driven(lifecycle, tuple(edges), named, _origin(named), each)
            for (_, named, each), (lifecycle, edges) in groups.items()
        )

    def own(self, operation: Operation) -> Driven | None:
        """The lifecycle of the aggregate that the operation itself addresses or answers, if it moves it.

        Where it moves both (a reply moves its thread, and begins a message), that of the one addressed.
        """
        own = [each for each in self.driven(operation) if each.expression is None]
        address = self.acts_on(operation)
        addressed = (d for d in own if address is not None and d.lifecycle.schema == address.schema)
        return next(addressed, next(iter(own), None))

    def reader(self, schema: str) -> tuple[Operation, Mapping[str, str]] | None:
        """A GET that answers one aggregate of this schema, with path parameter → pointer into it."""
        return self._readers.get(schema)

    def creators(self, schema: str) -> Iterator[Operation]:
        """POST and PUT operations that answer a new aggregate of this schema and need none to exist."""
        for operation in self.contract.operations.values():
            own = self.own(operation)
            begins = own is not None and own.begins and own.lifecycle.schema == schema
            plain = own is None and self.answers(operation) == schema and "201" in operation.responses
            if operation.method.lower() in {"post", "put"} and (begins or plain):
                yield operation

    def status_values(self, lifecycle: Lifecycle) -> tuple[str, ...]:
        """Every state: those that transitions name and those that only the status's enum names."""
        named = list(lifecycle.states)
        schema = self.contract.schemas.get(lifecycle.schema)
        status = properties(schema).get(lifecycle.status) if schema else None
        listed = says(status, "enum") if status else None
        return tuple(dict.fromkeys([*named, *(each for each in listed or () if isinstance(each, str))]))

    def id_pointer(self, schema: str) -> str:
        """Where an aggregate's own id stands: what its reader's last parameter points to, else ``/id``."""
        reader = self.reader(schema)
        return list(reader[1].values())[-1] if reader else "/id"

    def unique(self, schema: str) -> Mapping[str, Schema]:
        """The properties of which a contract says that no two of a kind share them."""
        component = self.contract.schemas.get(schema)
        return unique_of_kind(properties(component)) if component is not None else {}

    def property_schema(self, schema: str, pointer: str) -> Schema | None:
        """The schema of what stands at a pointer of a component's instances."""
        return self.schema_at(self.contract.schemas.get(schema), pointer)

    def schema_at(self, schema: Schema | None, pointer: str) -> Schema | None:
        """The schema at a pointer into the instances of a schema, or None."""
        for token in tokens(pointer):
            if schema is None:
                return None
            inner = items_of(schema) if token.isdigit() else None
            schema = inner or properties(schema).get(token)
        return schema

    @cached_property
    def _readers(self) -> dict[str, tuple[Operation, Mapping[str, str]]]:
        readers: dict[str, tuple[Operation, Mapping[str, str]]] = {}
        for operation in self.contract.operations.values():
            schema = self.answers(operation)
            names = re.findall(r"\{([^}]+)\}", operation.path)
            if operation.method.lower() != "get" or schema is None or not names or schema in readers:
                continue
            addresses = {a.parameter: a for a in self.addresses(operation)}
            pointers = {n: self._pointer(n, addresses.get(n), schema) for n in names}
            if all(pointers.values()):
                readers[schema] = operation, {n: p for n, p in pointers.items() if p}
        return readers

    def _pointer(self, name: str, address: Address | None, schema: str) -> str | None:
        """Where an aggregate of ``schema`` holds the value of a path parameter."""
        if address is not None and address.schema == schema:
            return address.pointer
        return f"/{name}" if self.property_schema(schema, f"/{name}") else None

    def _address(self, operation: Operation, name: str, last: bool) -> Address | None:
        for _, response, link in self.contract.links_to(operation.id):
            address = self._linked(response, link, name, self.answers(operation))
            if address is not None:
                return address
        stem = re.sub(r"[_-]?id$", "", name, flags=re.IGNORECASE)
        for schema in self.contract.schemas:
            if schema.lower() == stem.lower().replace("_", "") and self.property_schema(schema, "/id"):
                return Address(name, schema, "/id")
        answered = self.answers(operation)
        if last and answered and self.property_schema(answered, "/id"):
            return Address(name, answered, "/id")
        return None

    def _linked(self, response: Response, link: Link, name: str, answered: str | None) -> Address | None:
        """The aggregate whose id a link passes on, or a property that the operation's own answer has."""
        value = link.parameters.get(name, link.parameters.get(f"path.{name}"))
        if not isinstance(value, str):
            return None
        origin, pointer = split(value)
        if origin != "$response.body":
            return None
        media = next((m for kind, m in response.content.items() if "json" in kind.lower()), None)
        *parents, last = tokens(pointer) or [""]
        holder = self.schema_at(media.schema if media else None, "".join(f"/{p}" for p in parents))
        schema = expand(holder).name if holder is not None else None
        if schema is None or schema not in self.contract.schemas:
            return None
        return Address(name, schema, f"/{last}") if last == "id" or schema == answered else None

    def _is_own(self, cause: Operation | MessageOperation, lifecycle: Lifecycle, named: str | None) -> bool:
        """Whether ``id`` names what the operation addresses or answers anyway, or is not given."""
        if named is None:
            return True
        if isinstance(cause, MessageOperation):
            return False
        source, pointer = split(named)
        address = self.acts_on(cause)
        if source.startswith("$request.path.") and address is not None:
            return source == f"$request.path.{address.parameter}"
        return (
            source == "$response.body"
            and self.answers(cause) == lifecycle.schema
            and pointer == self.id_pointer(lifecycle.schema)
        )


def ids_in(document: JSON) -> set[str]:
    """Every text in a document that could be an id: no blanks, six characters or more."""
    if isinstance(document, str):
        return {document} if len(document) >= 6 and not re.search(r"\s", document) else set()
    if isinstance(document, Mapping):
        return {each for value in document.values() for each in ids_in(value)}
    if isinstance(document, list):
        return {each for value in document for each in ids_in(value)}
    return set()


def _origin(expression: str | None) -> Origin:
    if expression is None or expression.startswith("$response"):
        return "response"
    return "message" if expression.startswith("$message") else "request"
