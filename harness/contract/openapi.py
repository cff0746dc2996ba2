"""OpenAPI 3.0, 3.1 and what 3.2 adds to the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, count

from harness.contract import extensions
from harness.contract.model import (
    EMPTY,
    Callback,
    Lifecycle,
    Operation,
    Schema,
    SecurityScheme,
)
from harness.contract.node import Node, kind
from harness.contract.openapi_parts import Reader, body_of, fixed, parameters_of, responses_of
from harness.contract.openapi_paths import METHODS, Found, bases, inherited, operations_in, taken_apart

__all__ = ["METHODS", "Http", "default_key", "read_openapi"]

_VERSIONS = ("3.0", "3.1", "3.2")


@dataclass(frozen=True, slots=True)
class Http:
    """What an OpenAPI document says."""

    title: str = ""
    version: str = ""
    operations: Mapping[str, Operation] = EMPTY
    schemas: Mapping[str, Schema] = EMPTY
    lifecycles: Mapping[str, Lifecycle] = EMPTY
    security_schemes: Mapping[str, SecurityScheme] = EMPTY
    webhooks: Mapping[str, Operation] = EMPTY


@dataclass(frozen=True, slots=True)
class _Entry:
    """An operation to be read: ``key`` is the path, the webhook's name or the callback's expression."""

    id: str
    key: str
    found: Found
    is_served: bool = True


def read_openapi(root: Node) -> Http:
    """An OpenAPI document, followed through its ``$ref``s. Raises ContractError."""
    version = root.text("openapi")
    if not version.startswith(_VERSIONS):
        where = root.raw("openapi") or root
        found = f"OpenAPI version '{version or root.text('swagger') or 'none'}'"
        raise where.error(found, "openapi: 3.0.x, 3.1.x or 3.2.x")
    reader = Reader(root, "openapi-3.0" if version.startswith("3.0") else "2020-12")
    components, info = root.get("components"), root.get("info")
    schemas = dict(_schemas(reader, components))
    lifecycles = dict(_lifecycles(components))
    paths = list(_entries(reader, root.get("paths")))  # all ids first: links refer ahead
    hooks = list(_entries(reader, root.get("webhooks"), "webhook "))
    return Http(
        title=info.text("title") if info else "",
        version=info.text("version") if info else "",
        operations={each.id: _operation(reader, each, lifecycles) for each in paths},
        schemas=schemas,
        lifecycles=lifecycles,
        security_schemes=dict(_security_schemes(components)),
        webhooks={each.id: _operation(reader, each, lifecycles) for each in hooks},
    )


def _schemas(reader: Reader, components: Node | None) -> Iterator[tuple[str, Schema]]:
    listed = components.get("schemas") if components else None
    for name, node in listed.items(named=True) if listed else ():
        yield name, node.schema(reader.dialect)


def _lifecycles(components: Node | None) -> Iterator[tuple[str, Lifecycle]]:
    listed = components.get("schemas") if components else None
    for name, node in listed.items(named=True) if listed else ():
        if isinstance(node.value, dict):
            lifecycle = extensions.read_lifecycle(node.follow(), name)
            if lifecycle:
                yield name, lifecycle


def _entries(reader: Reader, listed: Node | None, called: str = "") -> Iterator[_Entry]:
    """The operations of a mapping of path items, each with an id of its own, registered for links."""
    for key, item in listed.items() if listed else ():
        for found in operations_in(item):
            id_ = _free_id(reader, found, f"{called}{found.method} {key}")
            reader.ids.update(dict.fromkeys(found.uris, id_))
            yield _Entry(id_, key, found, is_served=not called)


def _free_id(reader: Reader, found: Found, derived: str) -> str:
    """The operationId if there is one that nobody has, else one derived from method and path."""
    tries = chain((found.node.text("operationId") or derived,), _numbered(derived))
    free = next(each for each in tries if each not in reader.taken)
    reader.taken.add(free)
    return free


def _numbered(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name} ({number})" for number in count(2))


def _operation(reader: Reader, entry: _Entry, lifecycles: Mapping[str, Lifecycle]) -> Operation:
    found, node = entry.found, entry.found.node
    path, query = taken_apart(entry.key) if entry.is_served else (entry.key, [])
    roots = [""]
    if entry.is_served:
        roots = bases(reader.root.raw("servers"), inherited(found.items, "servers"), node.raw("servers"))
    body, tags = node.get("requestBody"), node.raw("tags")
    summary, description = inherited(found.items, "summary"), inherited(found.items, "description")
    operation = Operation(
        id=entry.id,
        method=found.method,
        path=roots[0] + path,
        summary=node.text("summary", str(summary.value) if summary else ""),
        parameters=fixed(reader, parameters_of(reader, *reversed(found.items), node), query, node),
        body=body_of(reader, body) if body else None,
        responses=dict(responses_of(reader, node)),
        security=_security(node.raw("security") or reader.root.raw("security")),
        requires=extensions.read_requires(node),
        subject=node.text("x-subject") or None,
        access=extensions.read_access(node),
        tags=tags.texts() if tags else (),
        deprecated=node.flag("deprecated"),
        place=node.place,
        description=node.text("description", str(description.value) if description else ""),
        callbacks=tuple(_callbacks(reader, entry, lifecycles)),
        also=tuple(each + path for each in roots[1:]),
    )
    key = default_key(operation)
    explicit = extensions.read_emits(node, key)
    emits = explicit + extensions.implied(lifecycles.values(), entry.id, key)
    return replace(operation, emits=emits)


def _callbacks(reader: Reader, entry: _Entry, lifecycles: Mapping[str, Lifecycle]) -> Iterator[Callback]:
    """The requests that an operation has the service send; one inside itself is read once."""
    listed = entry.found.node.raw("callbacks")
    for name, node in listed.items(named=True) if listed else ():
        whole = node.follow()
        if whole.uri in reader.open:
            continue
        inside = replace(reader, open=reader.open | {whole.uri})
        for below in _entries(inside, whole, f"{entry.id} callback {name} "):
            yield Callback(name, below.key, _operation(inside, below, lifecycles))


def default_key(operation: Operation) -> str:
    """Where the id of the aggregate stands: in the answer, or in the path if success has no body."""
    path = [each.name for each in operation.parameters if each.location == "path"]
    if path and operation.successes and not any(each.content for each in operation.successes):
        return f"$request.path.{path[-1]}"
    return "$response.body#/id"


def _security(node: Node | None) -> tuple[Mapping[str, tuple[str, ...]], ...]:
    if node is None:
        return ()
    return tuple(
        {name: scopes.texts() for name, scopes in alternative.items()} for alternative in node.entries()
    )


def _security_schemes(components: Node | None) -> Iterator[tuple[str, SecurityScheme]]:
    listed = components.get("securitySchemes") if components else None
    for name, entry in listed.items(named=True) if listed else ():
        node = entry.follow()
        flows = node.get("flows")
        scopes: dict[str, None] = {}
        for _, flow in flows.items() if flows else ():
            offered = flow.get("scopes")
            if offered is not None and not isinstance(offered.value, dict):
                raise offered.error(f"'scopes' is {kind(offered.value)}", "a mapping")
            scopes.update(dict.fromkeys(offered.mapping() if offered else ()))
        yield (
            name,
            SecurityScheme(
                name=name,
                kind=node.text("type"),
                scheme=node.text("scheme").lower(),
                location=node.text("in"),
                parameter=node.text("name"),
                scopes=tuple(scopes),
                place=entry.place,
                format=node.text("bearerFormat"),
            ),
        )
