"""Operations have names of their own, parameters that fit their paths, and security that exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import cast

from harness.contract.extensions import WORDS
from harness.contract.nearest import did_you_mean
from harness.contract.node import Node
from harness.errors import ContractError
from harness.findings import Finding, Severity
from harness.lint.http import operations_of
from harness.lint.rule import Rule, finding
from harness.lint.source import Source

_TEMPLATE = re.compile(r"\{([^{}]*)\}")


def ids_are_there_and_differ(source: Source) -> Iterator[Finding]:
    """HTTP and Kafka together, for they name the handlers."""
    taken: dict[str, str] = {}
    if source.contract is not None:
        kafka = source.contract.message_operations.items()
        taken = {id_: f"the message operation in {each.place}" for id_, each in kafka}
    # Handlers, lifecycles and causes name operations by it; the format itself can do without.
    severity: Severity = "error" if source.says(*WORDS) else "warning"
    for operation in operations_of(source, callbacks=True):
        id_, node = operation.id, operation.node
        if not id_ and operation.is_callback:
            continue
        if not id_:
            yield finding(
                "operation-id",
                source,
                node.place,
                f"{operation.called} has no operationId",
                received="no operationId",
                documented="an operationId: links, lifecycles and handlers name the operation by it",
                operation=operation.called,
                severity=severity,
            )
        elif id_ in taken:
            yield finding(
                "operation-id",
                source,
                node.child("operationId").place,
                f"the operationId '{id_}' is taken",
                received=f"{operation.called} and {taken[id_]} have the same",
                documented="an operationId of its own for each operation of a service",
                operation=id_,
            )
        taken.setdefault(id_, f"the operation in {node.place}")


def path_parameters_fit(source: Source) -> Iterator[Finding]:
    """Each ``{name}`` of a path is declared, and each path parameter is in the path."""
    for operation in operations_of(source):
        if operation.path is None:
            continue
        names = _TEMPLATE.findall(operation.path)
        declared = {name: node for (where, name), node in operation.parameters.items() if where == "path"}
        for name in dict.fromkeys(names):
            if name not in declared or names.count(name) > 1:
                why = "is there twice" if name in declared else "is not declared"
                yield finding(
                    "path-parameter",
                    source,
                    operation.node.place,
                    f"the path parameter '{name}' {why}",
                    received=operation.path,
                    documented=f"one parameter '{name}' with in: path. {did_you_mean(name, declared)}",
                    operation=operation.called,
                )
        for name, node in declared.items():
            if name not in names:
                yield finding(
                    "path-parameter",
                    source,
                    node.place,
                    f"the path has no '{{{name}}}'",
                    received=operation.path,
                    documented=f"'{{{name}}}' in the path, or no such parameter",
                    operation=operation.called,
                )


def parameters_differ(source: Source) -> Iterator[Finding]:
    """No list holds two parameters of one name in one place (OpenAPI, Operation Object: parameters)."""
    for piece in source.walk.of("Operation", "PathItem"):
        listed = piece.node.value.get("parameters")
        seen: set[tuple[str, str]] = set()
        for index in range(len(listed) if isinstance(listed, list) else 0):
            entry = piece.node.child("parameters").child(index)
            try:
                node = entry.follow()
            except ContractError:
                continue
            value = node.value if isinstance(node.value, dict) else {}
            key = (str(value.get("in")), str(value.get("name")))
            if key in seen:
                yield finding(
                    "parameter-twice",
                    source,
                    entry.place,
                    f"the {key[0]} parameter '{key[1]}' is there twice",
                    received=f"a second '{key[1]}' in the same list",
                    documented="each parameter once",
                )
            seen.add(key)


def paths_differ(source: Source) -> Iterator[Finding]:
    """Two paths that only name their parameters differently are one path to a router."""
    seen: dict[str, Node] = {}
    for item in _paths(source):
        shape = _TEMPLATE.sub("{}", item.key)
        first = seen.setdefault(shape, item)
        if first is not item:
            yield finding(
                "same-path",
                source,
                item.place,
                "two paths are the same but for the names of their parameters",
                received=f"{item.key}, and {first.key} in {first.place}",
                documented="paths that can be told apart",
                operation=item.key,
            )


def paths_are_clear(source: Source) -> Iterator[Finding]:
    """Two paths of which neither is the more concrete, and that one URL fits (OpenAPI, Paths Object)."""
    before = _Branch()
    for item in _paths(source):
        parts = [_TEMPLATE.sub("{}", part) for part in item.key.split("/")[1:]]
        first = before.overlapping(parts, item)
        before.add(parts, item)
        if first is not None:
            yield finding(
                "ambiguous-path",
                source,
                item.place,
                f"one URL fits this path and '{first.key}'",
                received=f"{item.key}, and {first.key} in {first.place}",
                documented="paths of which no URL fits two, or of which one is the more concrete",
                operation=item.key,
            )


class _Branch:
    """Paths by their parts, as a tree, so that each is compared only with those that begin alike."""

    def __init__(self) -> None:
        self.parts: dict[str, _Branch] = {}
        self.ends: list[Node] = []

    def add(self, parts: list[str], item: Node) -> None:
        branch = self
        for part in parts:
            branch = branch.parts.setdefault(part, _Branch())
        branch.ends.append(item)

    def overlapping(
        self, parts: list[str], item: Node, more: bool = False, less: bool = False
    ) -> Node | None:
        """A path that some URL fits as well, if each of the two is once the more concrete."""
        if not parts:
            alike = [each for each in self.ends if _methods(each) & _methods(item)] if more and less else []
            return alike[0] if alike else None
        part, rest = parts[0], parts[1:]
        nexts = self.parts if part == "{}" else self.like(part)
        for other, branch in nexts.items():
            if other == part:
                found = branch.overlapping(rest, item, more, less)
            else:
                found = branch.overlapping(rest, item, more or other == "{}", less or part == "{}")
            if found is not None:
                return found
        return None

    def like(self, part: str) -> dict[str, _Branch]:
        """What follows a fixed part: the same, or a parameter."""
        return {key: self.parts[key] for key in (part, "{}") if key in self.parts}


def _methods(item: Node) -> set[str]:
    return set(item.value) - {"parameters", "summary", "description", "servers", "$ref"}


def _paths(source: Source) -> Iterator[Node]:
    paths = source.root.value.get("paths") if source.format == "openapi" else None
    for path in paths if isinstance(paths, dict) else ():
        item = source.root.child("paths").child(path)
        if path.startswith("/") and isinstance(item.value, dict):
            yield item


def security_exists(source: Source) -> Iterator[Finding]:
    """The schemes and scopes that requirements name are defined."""
    if source.format != "openapi":
        return
    schemes = _schemes(source)
    for piece in source.walk.of("Security"):
        for name in piece.node.value:
            scopes = piece.node.value[name]
            yield from _security(
                source, piece.node.child(name), schemes, scopes if isinstance(scopes, list) else []
            )


def _schemes(source: Source) -> dict[str, Node]:
    components = source.root.raw("components")
    schemes = components.raw("securitySchemes") if components else None
    found = {}
    for name in schemes.value if schemes and isinstance(schemes.value, dict) else ():
        try:
            found[name] = cast(Node, schemes).child(name).follow()
        except ContractError:
            found[name] = cast(Node, schemes).child(name)
    return found


def _security(
    source: Source, requirement: Node, schemes: dict[str, Node], scopes: list[object]
) -> Iterator[Finding]:
    name = requirement.key
    scheme = schemes.get(name)
    if scheme is None:
        if source.version >= (3, 2) and re.search(r"[/#.]", name):
            return  # since 3.2 a URI of a scheme may stand here
        yield finding(
            "security",
            source,
            requirement.place,
            f"the security scheme '{name}' is not defined",
            received=f"security: {name}",
            documented=f"a scheme of components.securitySchemes. {did_you_mean(name, schemes)}",
        )
        return
    known = _scopes(scheme)
    for scope in scopes if known is not None else ():
        if known is not None and str(scope) not in known:
            yield finding(
                "security",
                source,
                requirement.place,
                f"the scope '{scope}' is not defined",
                received=f"security: {name}: {scope}",
                documented=f"a scope of '{name}' ({scheme.place}). {did_you_mean(str(scope), known)}",
            )


def _scopes(scheme: Node) -> set[str] | None:
    """The scopes of an OAuth scheme; None for others, whose scopes are known elsewhere or are roles."""
    if not isinstance(scheme.value, dict) or scheme.value.get("type") != "oauth2":
        return None
    flows = scheme.value.get("flows")
    found: set[str] = set()
    for flow in flows.values() if isinstance(flows, dict) else ():
        scopes = flow.get("scopes") if isinstance(flow, dict) else None
        found.update(scopes if isinstance(scopes, dict) else ())
    return found


def _servers(source: Source) -> Iterator[Finding]:
    """Every variable of a server's URL is described."""
    for piece in source.walk.of("Server"):
        url, variables = piece.node.value.get("url"), piece.node.value.get("variables")
        known = variables if isinstance(variables, dict) else {}
        names = _TEMPLATE.findall(url) if isinstance(url, str) else []
        for name in names:
            if name not in known:
                yield _server(
                    source, piece.node.child("url"), f"'{{{name}}}' is not among its variables", url
                )
        for name in known:
            if isinstance(url, str) and name not in names:
                node = piece.node.child("variables").child(name)
                yield _server(source, node, f"its URL has no '{{{name}}}'", url, "warning")


def _server(source: Source, node: Node, why: str, url: object, severity: Severity = "error") -> Finding:
    return finding(
        "server-variable",
        source,
        node.place,
        f"a server and its variables do not fit: {why}",
        received=str(url),
        documented="the same names in the URL and in 'variables'",
        severity=severity,
    )


RULES = (
    Rule(
        "operation-id",
        "every operation has an operationId of its own",
        source=ids_are_there_and_differ,
        why="Links, workflows, generated clients and handlers name operations by it.",
        mend="Give each operation a name of its own.",
    ),
    Rule(
        "path-parameter",
        "paths and path parameters fit",
        source=path_parameters_fit,
        why="Without both halves no URL can be made of the path, and no value read from it.",
        mend="Use one name in the path and for the parameter.",
    ),
    Rule(
        "parameter-twice",
        "no list of parameters has one twice",
        source=parameters_differ,
        why="Nobody can say which of the two holds.",
        mend="Remove or rename one of them.",
    ),
    Rule(
        "same-path",
        "no two paths are one to a router",
        source=paths_differ,
        why="A request fits both, and the second is never reached.",
        mend="Make one path of the two.",
    ),
    Rule(
        "ambiguous-path",
        "no URL fits two paths alike",
        source=paths_are_clear,
        severity="warning",
        why="Which operation answers depends on the tool.",
        mend="Put the fixed part of the path before the parameter.",
    ),
    Rule(
        "security",
        "security schemes and scopes are defined",
        source=security_exists,
        why="A client cannot know how to get the token, and a server cannot judge it.",
        mend="Define it under components.securitySchemes, or correct its name.",
    ),
    Rule(
        "server-variable",
        "the variables of a server's URL are described",
        source=_servers,
        why="Without a default no address can be made of the URL.",
        mend="Describe it under 'variables', or take it out of the URL.",
    ),
)
