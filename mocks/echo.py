"""Which parts of an answer repeat the request: the ids it addressed, and what it asked to be stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from harness.contract.expressions import parse
from harness.contract.model import JSON, Contract, MediaType, Operation
from harness.contract.schema import Validator, compile_schema, properties, says
from harness.serving.exchange import Request
from mocks.documented import RequestExample, last_path_parameter

Pointer = tuple[str, ...]

_STORING = frozenset({"POST", "PUT", "PATCH"})


@dataclass(frozen=True)
class Echo:
    """What one kind of answer repeats, decided when the mock is built.

    ``ids`` pairs a path parameter with its place in the answer; ``stored`` are the top-level properties
    that a request body and the answer share.
    """

    media: MediaType
    ids: tuple[tuple[str, Pointer], ...] = ()
    stored: frozenset[str] = frozenset()

    def applied(self, value: JSON, request: Request, matched: RequestExample | None) -> JSON:
        """The answer with the request's values in it, or as it was where that would not be valid.

        What the matched request example says already is left alone: the pair's answer to it is documented.
        """
        identified = _assigned(value, self._ids(request)) if self.ids else value
        whole = self._storing(identified, request, matched) if self.stored else identified
        for candidate in (whole, identified):
            if candidate is value or self.valid(candidate):
                return candidate
        return value

    def agrees(self, value: JSON, request: Request) -> bool:
        """Whether the value is of the very thing that the request addresses; False without ids."""
        if not self.ids:
            return False
        if len(self.ids) == 1:
            (name, pointer), path = self.ids[0], request.path
            return name in path and found(value, pointer) == path[name]
        wanted = dict(self._ids(request))
        return bool(wanted) and all(found(value, pointer) == each for pointer, each in wanted.items())

    def _ids(self, request: Request) -> Iterator[tuple[Pointer, JSON]]:
        return ((pointer, request.path[name]) for name, pointer in self.ids if name in request.path)

    def _storing(self, value: JSON, request: Request, matched: RequestExample | None) -> JSON:
        """The answer with what the request asks to be stored; itself if it says all of that."""
        body = request.body
        if not _is_object(body) or not _is_object(value):
            return value
        known = matched.body if matched and isinstance(matched.body, Mapping) else {}
        names = [name for name in self.stored if name in body and name not in known]
        new = {name: body[name] for name in names if name not in value or value[name] != body[name]}
        return {**value, **new} if new else value

    def valid(self, value: JSON) -> bool:
        """Whether the answer may be this."""
        return self._validator is None or self._validator.is_valid(value)

    @cached_property
    def _validator(self) -> Validator | None:
        return compile_schema(self.media.schema, "response") if self.media.schema is not None else None


def echo_of(contract: Contract, operation: Operation, status: int, media: MediaType) -> Echo:
    """What an answer of this status and media type repeats."""
    if media.schema is None or status >= 300:
        return Echo(media)
    named = properties(media.schema)
    described = frozenset(n for n, each in named.items() if says(each, "writeOnly") is not True)
    ids = dict(_ids_by_name(operation, status, described)) | dict(_linked_ids(contract, operation, media))
    stored = _storable(operation) & described if operation.method.upper() in _STORING else frozenset()
    statuses = {c.status for c in contract.lifecycles.values() if c.schema == media.schema.name}
    taken = {pointer[0] for pointer in ids.values()}
    return Echo(media, tuple(ids.items()), frozenset(stored) - statuses - taken)


def _linked_ids(contract: Contract, operation: Operation, media: MediaType) -> Iterator[tuple[str, Pointer]]:
    """Where path parameters stand, by the links to this operation from answers of the same schema."""
    for _, response, link in contract.links_to(operation.id):
        sources = {each.schema.name for each in response.content.values() if each.schema is not None}
        if media.schema is None or media.schema.name is None or media.schema.name not in sources:
            continue
        for name, value in link.parameters.items():
            path_name = name.removeprefix("path.")
            pointer = _in_body(value)
            if pointer and operation.parameter("path", path_name):
                yield path_name, pointer


def _ids_by_name(
    operation: Operation, status: int, described: frozenset[str]
) -> Iterator[tuple[str, Pointer]]:
    """Path parameters named as the answer's properties; else the last is ``id``, unless a new one is made."""
    names = [p.name for p in operation.parameters if p.location == "path"]
    for name in names:
        if name in described:
            yield name, (name,)
    last = last_path_parameter(operation)
    creates = status == 201 and not operation.path.rstrip("/").endswith("}")
    if last is not None and last.name not in described and "id" in described and not creates:
        yield last.name, ("id",)


def _storable(operation: Operation) -> frozenset[str]:
    if operation.body is None:
        return frozenset()
    schemas = (media.schema for media in operation.body.content.values() if media.schema is not None)
    return frozenset(name for schema in schemas for name in properties(schema))


def _in_body(value: JSON) -> Pointer:
    """Where a link's value stands in the body that it starts from; empty if it stands elsewhere."""
    if not isinstance(value, str) or not value.startswith("$"):
        return ()
    expression = parse(value)
    return expression.tokens if expression.source == "response.body" else ()


def found(value: JSON, pointer: Pointer) -> JSON:
    """What stands at a pointer through objects, or None."""
    for token in pointer:
        if not _is_object(value):
            return None
        value = value.get(token)
    return value


def _assigned(value: JSON, changes: Iterator[tuple[Pointer, JSON]]) -> JSON:
    """A copy of ``value`` with the changes made where parents are objects; itself if nothing changes."""
    for pointer, new in changes:
        value = _with(value, pointer, new)
    return value


def _is_object(value: JSON) -> bool:
    """As ``Mapping`` has it, which takes long to ask."""
    return type(value) is dict or isinstance(value, Mapping)


def _with(value: JSON, pointer: Pointer, new: JSON) -> JSON:
    if not _is_object(value):
        return value
    head, *rest = pointer
    inner = _with(value.get(head), tuple(rest), new) if rest else new
    if head in value and value[head] == inner:
        return value
    return {**value, head: inner} if not rest or head in value else value
