"""Schemas that only something endless could satisfy: each value must hold another one of its kind."""

from __future__ import annotations

from collections.abc import Iterator

from harness.contract.model import JSON
from harness.contract.node import Node
from harness.lint.walk import Walk

Edge = tuple[str, str]
"""URI of the schema that must be satisfied as well, and the property or item that it is of, if any."""


def endless(walk: Walk) -> Iterator[tuple[Node, str]]:
    """One schema of every such circle, and what it is."""
    nodes = {piece.node.uri: piece.node for piece in walk.of("Schema")}
    led = {
        reference.node.uri: reference.target.uri
        for reference in walk.references
        if reference.target is not None
    }
    state: dict[str, int] = {}
    for start in nodes:
        if start not in state:
            yield from _search(start, nodes, led, state)


def _search(
    start: str, nodes: dict[str, Node], led: dict[str, str], state: dict[str, int]
) -> Iterator[tuple[Node, str]]:
    """Depth first; ``state`` is 1 on the path and 2 when done with."""
    path: list[tuple[str, str, Iterator[Edge]]] = [(start, "", _edges(start, nodes, led))]
    state[start] = 1
    while path:
        here, _, edges = path[-1]
        uri, through = next(edges, ("", ""))
        if not uri:
            state[here] = 2
            path.pop()
        elif uri not in state:
            state[uri] = 1
            path.append((uri, through, _edges(uri, nodes, led)))
        elif state[uri] == 1 and uri in nodes:
            at = next(index for index, entry in enumerate(path) if entry[0] == uri)
            names = [entry[1] for entry in path[at + 1 :]] + [through]
            way = ".".join(name for name in names if name)
            what = f"each must hold another one as '{way}', without end" if way else "it refers to itself"
            yield nodes[uri], what


def _edges(uri: str, nodes: dict[str, Node], led: dict[str, str]) -> Iterator[Edge]:
    node = nodes.get(uri)
    value = node.value if node is not None else None
    if node is None or not isinstance(value, dict):
        return
    if f"{uri}/$ref" in led:
        yield led[f"{uri}/$ref"], ""
    listed = value.get("allOf")
    for index in range(len(listed) if isinstance(listed, list) else 0):
        yield _resolved(f"{uri}/allOf/{index}", led), ""
    if value.get("nullable") is True:
        return
    if value.get("type") == "object":
        properties, required = value.get("properties"), value.get("required")
        for name in required if isinstance(required, list) else ():
            if isinstance(properties, dict) and isinstance(name, str) and name in properties:
                yield _resolved(node.child("properties").child(name).uri, led), name
    if value.get("type") == "array" and _at_least_one(value.get("minItems")):
        yield _resolved(f"{uri}/items", led), "items"


def _resolved(uri: str, led: dict[str, str]) -> str:
    """In OpenAPI 3.0 what holds a ``$ref`` is no schema itself."""
    return led.get(f"{uri}/$ref", uri)


def _at_least_one(value: JSON) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
