"""Where the nodes of a tree stand, as a row of numbers and back: what ``cache`` keeps beside a tree."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from harness.contract.model import JSON
from harness.contract.tree import Marks, Position


def flattened(tree: JSON, marks: Marks) -> array[int]:
    """Line and column of every entry of every container, in the order of the tree; 0 where none is known."""
    flat = array("I")
    for container in _containers(tree):
        known = marks.get(id(container), {})
        keys = container if isinstance(container, dict) else range(len(container))
        for key in keys:
            flat.extend(known.get(key, (0, 0)))
    return flat


def later_marks(tree: JSON, flat: array[int]) -> Marks:
    """The marks that ``flattened`` came from, for a tree like the one it was given."""
    return _Later(tree, flat)


class _Later(dict[int, dict[str | int, Position]]):
    """Spread out when somebody first asks: whoever reads a contract and no more does not wait for it."""

    def __init__(self, tree: JSON, flat: array[int]) -> None:
        super().__init__()
        self._tree, self._flat = tree, flat

    def __missing__(self, key: int) -> dict[str | int, Position]:
        if not self._flat:
            raise KeyError(key)
        self._spread()
        return self[key]

    def get(self, key: int, default: object = None) -> object:  # type: ignore[override]  # as dict's
        try:
            return self[key]
        except KeyError:
            return default

    def _spread(self) -> None:
        flat, self._flat, at = self._flat, array("I"), 0
        for container in _containers(self._tree):
            keys = container if isinstance(container, dict) else range(len(container))
            known: dict[str | int, Position] = {}
            for key in keys:
                if flat[at]:
                    known[key] = flat[at], flat[at + 1]
                at += 2
            self[id(container)] = known


def _containers(tree: JSON) -> Iterator[dict[str, JSON] | list[JSON]]:
    """Every mapping and list, each before what it holds."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            waiting.extend(each for each in node.values() if isinstance(each, dict | list))
        elif isinstance(node, list):
            yield node
            waiting.extend(each for each in node if isinstance(each, dict | list))
