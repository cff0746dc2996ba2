"""The HTTP operations of a document as they are written, whether they make sense or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.contract.node import Node
from harness.errors import ContractError
from harness.lint.source import Source

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")


@dataclass(frozen=True, slots=True)
class Written:
    """``path`` is None for a webhook's or a callback's; ``parameters`` are by place and name, the path item's
    among them."""

    method: str
    path: str | None
    node: Node
    parameters: Mapping[tuple[str, str], Node]
    is_callback: bool = False

    @property
    def id(self) -> str:
        found = self.node.value.get("operationId")
        return found if isinstance(found, str) else ""

    @property
    def called(self) -> str:
        return self.id or f"{self.method} {self.path or 'of a webhook or callback'}"


def operations_of(source: Source, callbacks: bool = False) -> Iterator[Written]:
    """Those of the paths, and with ``callbacks`` those of callbacks and webhooks too."""
    if source.format != "openapi":
        return
    listed: set[str] = set()
    paths = source.root.value.get("paths")
    for path in paths if isinstance(paths, dict) else ():
        try:
            item = source.root.child("paths").child(path).follow()
        except ContractError:
            continue
        if path.startswith("/") and isinstance(item.value, dict):
            for operation in _of_item(item, path):
                if operation.node.uri not in listed:
                    listed.add(operation.node.uri)
                    yield operation
    for piece in source.walk.of("PathItem") if callbacks else ():
        for operation in _of_item(piece.node, None):
            if operation.node.uri not in listed:
                listed.add(operation.node.uri)
                yield operation


def _of_item(item: Node, path: str | None) -> Iterator[Written]:
    shared = dict(_parameters(item))
    for method in METHODS:
        if isinstance(item.value.get(method), dict):
            node = item.child(method)
            yield Written(method.upper(), path, node, {**shared, **dict(_parameters(node))}, path is None)


def _parameters(owner: Node) -> Iterator[tuple[tuple[str, str], Node]]:
    listed = owner.value.get("parameters")
    for index in range(len(listed) if isinstance(listed, list) else 0):
        try:
            node = owner.child("parameters").child(index).follow()
        except ContractError:
            continue
        if isinstance(node.value, dict):
            yield (str(node.value.get("in")), str(node.value.get("name"))), node
