"""OpenAPI 3.0 and 3.1 to the model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from harness.contract import extensions
from harness.contract.model import (
    EMPTY,
    Lifecycle,
    Operation,
    Schema,
    SecurityScheme,
)
from harness.contract.node import Node, kind
from harness.contract.openapi_parts import Reader, body_of, parameters_of, responses_of

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True, slots=True)
class Http:
    """What an OpenAPI document says."""

    title: str = ""
    version: str = ""
    operations: Mapping[str, Operation] = EMPTY
    schemas: Mapping[str, Schema] = EMPTY
    lifecycles: Mapping[str, Lifecycle] = EMPTY
    security_schemes: Mapping[str, SecurityScheme] = EMPTY


def read_openapi(root: Node) -> Http:
    """An OpenAPI document, followed through its ``$ref``s. Raises ContractError."""
    version = root.text("openapi")
    if not version.startswith(("3.0", "3.1")):
        where = root.raw("openapi") or root
        found = f"OpenAPI version '{version or root.text('swagger') or 'none'}'"
        raise where.error(found, "openapi: 3.0.x or 3.1.x")
    reader = Reader(root, "openapi-3.0" if version.startswith("3.0") else "2020-12")
    components, info = root.get("components"), root.get("info")
    schemas = dict(_schemas(reader, components))
    lifecycles = dict(_lifecycles(components))
    operations = {}
    for id_, method, path, item, node in list(_operation_nodes(reader)):  # all ids first: links refer ahead
        operations[id_] = _operation(reader, id_, method, path, (item, node), lifecycles)
    return Http(
        title=info.text("title") if info else "",
        version=info.text("version") if info else "",
        operations=operations,
        schemas=schemas,
        lifecycles=lifecycles,
        security_schemes=dict(_security_schemes(components)),
    )


def _schemas(reader: Reader, components: Node | None) -> Iterator[tuple[str, Schema]]:
    listed = components.get("schemas") if components else None
    for name, node in listed.items() if listed else ():
        yield name, node.schema(reader.dialect)


def _lifecycles(components: Node | None) -> Iterator[tuple[str, Lifecycle]]:
    listed = components.get("schemas") if components else None
    for name, node in listed.items() if listed else ():
        if isinstance(node.value, dict):
            lifecycle = extensions.read_lifecycle(node.follow(), name)
            if lifecycle:
                yield name, lifecycle


def _operation_nodes(reader: Reader) -> Iterator[tuple[str, str, str, Node, Node]]:
    """operationId, method, path with base, path item and node of each operation, registered for links."""
    paths = reader.root.get("paths")
    taken: set[str] = set()
    for path, raw_item in paths.items() if paths else ():
        item = raw_item.follow()
        for method in METHODS:
            node = item.raw(method)
            if node is None:
                continue
            fallback = f"{method.upper()} {path}"
            id_ = node.text("operationId", fallback)
            id_ = fallback if id_ in taken else id_
            taken.add(id_)
            reader.ids[node.uri] = reader.ids[f"{raw_item.uri}/{method}"] = id_
            yield id_, method.upper(), _base(reader.root, item, node) + path, item, node


def _base(*owners: Node) -> str:
    """The path of the first server of the innermost owner that lists any."""
    for owner in reversed(owners):
        servers = owner.raw("servers")
        for server in servers.entries() if servers and servers.value else ():
            url = server.text("url")
            variables = server.get("variables")
            for name, variable in variables.items() if variables else ():
                url = url.replace(f"{{{name}}}", variable.text("default"))
            path = urlsplit(url).path.strip("/")
            return f"/{path}" if path else ""
    return ""


def _operation(
    reader: Reader,
    id_: str,
    method: str,
    path: str,
    nodes: tuple[Node, Node],
    lifecycles: Mapping[str, Lifecycle],
) -> Operation:
    item, node = nodes
    body, tags = node.get("requestBody"), node.raw("tags")
    operation = Operation(
        id=id_,
        method=method,
        path=path,
        summary=node.text("summary"),
        parameters=parameters_of(reader, item, node),
        body=body_of(reader, body) if body else None,
        responses=dict(responses_of(reader, node)),
        security=_security(node.raw("security") or reader.root.raw("security")),
        requires=extensions.read_requires(node),
        subject=node.text("x-subject") or None,
        access=extensions.read_access(node),
        tags=tags.texts() if tags else (),
        deprecated=node.flag("deprecated"),
        place=node.place,
    )
    key = default_key(operation)
    explicit = extensions.read_emits(node, key)
    emits = explicit + extensions.implied(lifecycles.values(), id_, key)
    return replace(operation, emits=emits)


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
    for name, entry in listed.items() if listed else ():
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
            ),
        )
