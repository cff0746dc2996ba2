"""Documents with one thing wrong: repeatable, and of every kind that people get wrong."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from harness.contract.model import JSON

Path = tuple[str | int, ...]
Mutation = Callable[[Any, str | int], bool]
"""Changes what stands under a key of a mapping or list; False where it has nothing to change."""


def _put(value: JSON) -> Mutation:
    def mutation(parent: Any, key: str | int) -> bool:
        if type(parent[key]) is type(value) and parent[key] == value:
            return False
        parent[key] = deepcopy(value)
        return True

    return mutation


def _delete(parent: Any, key: str | int) -> bool:
    del parent[key]
    return True


def _misspell(parent: Any, key: str | int) -> bool:
    if not isinstance(key, str):
        return False
    parent[f"{key[:-1]}zz"] = parent.pop(key)
    return True


def _with(name: str, value: JSON) -> Mutation:
    def mutation(parent: Any, key: str | int) -> bool:
        if not isinstance(parent[key], dict):
            return False
        parent[key][name] = deepcopy(value)
        return True

    return mutation


def _another_word(parent: Any, key: str | int) -> bool:
    if not isinstance(parent[key], str):
        return False
    parent[key] += "X"
    return True


MUTATIONS: tuple[Mutation, ...] = (
    _delete,
    _misspell,
    _another_word,
    _with("surplus", 1),
    _with("x-own", {"a": [1]}),
    _with("$ref", "#/nowhere"),
    *(
        _put(value)
        for value in (5, -1, 1.5, "text", "a b{\\", [], [1, 1], {}, None, True, {"$ref": "#/nowhere"})
    ),
)


def mutated(tree: JSON, chance: random.Random) -> tuple[JSON, Path]:
    """A copy of a document with one thing changed, and where; its version stays."""
    places = [path for path in _places(tree, ()) if path not in ((), ("asyncapi",))]
    while True:
        path, mutation, copy = chance.choice(places), chance.choice(MUTATIONS), deepcopy(tree)
        parent = copy
        for key in path[:-1]:
            parent = parent[key]
        if mutation(parent, path[-1]):
            return copy, path


def _places(node: JSON, path: Path) -> Iterator[Path]:
    yield path
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _places(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _places(value, (*path, index))
