"""Operations have names of their own, parameters that fit their paths, and security that exists."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.contract.model import Contract, Operation, System
from harness.contract.nearest import did_you_mean
from harness.contract.node import Node
from harness.contract.openapi import METHODS
from harness.findings import Finding
from harness.lint.rule import Rule, finding
from harness.lint.uses import root_of

_TEMPLATE = re.compile(r"\{([^{}]*)\}")


def _raw_operations(contract: Contract) -> Iterator[tuple[str, Node]]:
    """``GET /path`` and node of every HTTP operation as written: the model has made its ids unique."""
    root = root_of(contract, "openapi")
    paths = root.get("paths") if root else None
    for path, item in paths.items() if paths else ():
        whole = item.follow()
        for method in METHODS:
            node = whole.raw(method)
            if node is not None:
                yield f"{method.upper()} {path}", node


def ids_are_there_and_differ(system: System) -> Iterator[Finding]:
    """HTTP and Kafka together, for they name the handlers."""
    for contract in system.contracts.values():
        kafka = contract.message_operations.items()
        taken = {id_: f"the message operation in {each.place}" for id_, each in kafka}
        for called, node in _raw_operations(contract):
            id_ = node.text("operationId")
            if not id_:
                yield finding(
                    "operation-id",
                    contract,
                    node.place,
                    f"{called} has no operationId",
                    received="no operationId",
                    documented="an operationId: links, lifecycles and handlers name the operation by it",
                    operation=called,
                )
            elif id_ in taken:
                yield finding(
                    "operation-id",
                    contract,
                    node.child("operationId").place,
                    f"the operationId '{id_}' is taken",
                    received=f"{called} and {taken[id_]} have the same",
                    documented="an operationId of its own for each operation of a service",
                    operation=id_,
                )
            taken.setdefault(id_, f"the operation in {node.place}")


def path_parameters_fit(system: System) -> Iterator[Finding]:
    """Each ``{name}`` of a path is declared, and each path parameter is in the path."""
    for contract in system.contracts.values():
        for operation in contract.operations.values():
            written = _TEMPLATE.findall(operation.path)
            declared = {each.name: each for each in operation.parameters if each.location == "path"}
            for name in dict.fromkeys(written):
                if name not in declared or written.count(name) > 1:
                    why = "is there twice" if name in declared else "is not declared"
                    yield finding(
                        "path-parameter",
                        contract,
                        operation.place,
                        f"the path parameter '{name}' {why}",
                        received=operation.path,
                        documented=f"one parameter '{name}' with in: path. {did_you_mean(name, declared)}",
                        operation=operation.id,
                    )
            for name, parameter in declared.items():
                if name not in written:
                    yield finding(
                        "path-parameter",
                        contract,
                        parameter.place,
                        f"the path has no '{{{name}}}'",
                        received=operation.path,
                        documented=f"'{{{name}}}' in the path, or no such parameter",
                        operation=operation.id,
                    )


def paths_differ(system: System) -> Iterator[Finding]:
    """Two paths that only name their parameters differently are one path to a router."""
    for contract in system.contracts.values():
        seen: dict[tuple[str, str], Operation] = {}
        for operation in contract.operations.values():
            shape = (operation.method, _TEMPLATE.sub("{}", operation.path))
            first = seen.setdefault(shape, operation)
            if first is not operation:
                yield finding(
                    "same-path",
                    contract,
                    operation.place,
                    "two operations have the same path but for the names of its parameters",
                    received=f"{operation.method} {operation.path}, and {first.path} in {first.place}",
                    documented="paths that can be told apart",
                    operation=operation.id,
                )


def security_exists(system: System) -> Iterator[Finding]:
    """The schemes and scopes that operations name are defined."""
    for contract in system.contracts.values():
        for operation in contract.operations.values():
            for alternative in operation.security:
                for name, scopes in alternative.items():
                    yield from _security(contract, operation, name, scopes)


def _security(
    contract: Contract, operation: Operation, name: str, scopes: tuple[str, ...]
) -> Iterator[Finding]:
    scheme = contract.security_schemes.get(name)
    if scheme is None:
        known = contract.security_schemes
        yield finding(
            "security",
            contract,
            operation.place,
            f"the security scheme '{name}' is not defined",
            received=f"security: {name}",
            documented=f"a scheme of components.securitySchemes. {did_you_mean(name, known)}",
            operation=operation.id,
        )
        return
    for scope in scopes if scheme.kind == "oauth2" else ():
        if scope not in scheme.scopes:
            yield finding(
                "security",
                contract,
                operation.place,
                f"the scope '{scope}' is not defined",
                received=f"security: {name}: {scope}",
                documented=f"a scope of '{name}' ({scheme.place}). {did_you_mean(scope, scheme.scopes)}",
                operation=operation.id,
            )


RULES = (
    Rule("operation-id", "every operation has an operationId of its own", ids_are_there_and_differ),
    Rule("path-parameter", "paths and path parameters fit", path_parameters_fit),
    Rule("same-path", "no two paths are one to a router", paths_differ),
    Rule("security", "security schemes and scopes are defined", security_exists),
)
