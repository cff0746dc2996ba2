"""JSONPath (RFC 9535) evaluated: what a path names in a document, within bounds.

A path comes from a stranger's document and the value from a stranger's service, so the work is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from harness.contract.jsonpath_syntax import (
    Both,
    Call,
    Comparison,
    Every,
    Filter,
    Index,
    Literal_,
    Name,
    Not,
    Operand,
    PathError,
    Query,
    Segment,
    Selector,
    Slice,
    Test,
    parse_path,
)
from harness.contract.model import JSON
from harness.contract.regexes import RegexError, found_in, of_json_path

MAX_VISITS = 500_000
"""Nodes looked at for one path: about a second."""

Steps = tuple[str | int, ...]
Node = tuple[Steps, JSON]
"""Where a node stands, as keys and indices from the root, and its value."""


class _Nothing:
    """RFC 9535's Nothing: no value, not even null."""


_NOTHING = _Nothing()
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
}


def nodes_of(path: str, value: JSON, lenient: bool = False) -> list[Node]:
    """Every node that a path names, in document order. Raises PathError."""
    return _Evaluation(value).nodes(parse_path(path, lenient), ((), value))


def values_of(path: str, value: JSON, lenient: bool = False) -> list[JSON]:
    """The values of every node that a path names. Raises PathError."""
    return [each for _, each in nodes_of(path, value, lenient)]


class _Evaluation:
    """One path over one document, with the count of what was looked at."""

    def __init__(self, root: JSON) -> None:
        self.root: Node = ((), root)
        self.visits = 0

    def visit(self) -> None:
        self.visits += 1
        if self.visits > MAX_VISITS:
            raise PathError("", "the JSONPath asks for too much work", f"{MAX_VISITS:,} nodes at most")

    def nodes(self, query: Query, current: Node) -> list[Node]:
        found = [self.root if query.absolute else current]
        for segment in query.segments:
            found = [each for node in found for each in self.segment(segment, node)]
        return found

    def segment(self, segment: Segment, node: Node) -> Iterator[Node]:
        for each in self.below(node) if segment.deep else (node,):
            for selector in segment.selectors:
                yield from self.select(selector, each)

    def below(self, node: Node) -> Iterator[Node]:
        """The node itself and all that it holds, parents first."""
        waiting = [node]
        while waiting:
            each = waiting.pop()
            yield each
            waiting.extend(reversed(list(self.children(each))))

    def children(self, node: Node) -> Iterator[Node]:
        steps, value = node
        pairs = value.items() if isinstance(value, dict) else enumerate(value) if _is_list(value) else ()
        for key, child in pairs:
            self.visit()
            yield (*steps, key), child

    def select(self, selector: Selector, node: Node) -> Iterator[Node]:
        self.visit()
        steps, value = node
        match selector:
            case Name(name):
                if isinstance(value, dict) and name in value:
                    yield (*steps, name), value[name]
            case Index(index):
                at = index + len(value) if _is_list(value) and index < 0 else index
                if _is_list(value) and 0 <= at < len(value):
                    yield (*steps, at), value[at]
            case Every():
                yield from self.children(node)
            case Slice():
                for at in _range(selector, len(value)) if _is_list(value) else ():
                    self.visit()
                    yield (*steps, at), value[at]
            case Filter(test):
                yield from (each for each in self.children(node) if self.holds(test, each))

    def holds(self, test: Test, current: Node) -> bool:
        match test:
            case Both(tests, either):
                return (any if either else all)(self.holds(each, current) for each in tests)
            case Not(inner):
                return not self.holds(inner, current)
            case Comparison(left, operator, right):
                return self.compare(operator, self.value(left, current), self.value(right, current))
            case Query():
                return bool(self.nodes(test, current))
            case Call():
                return self.call(test, current) is True

    def value(self, operand: Operand, current: Node) -> Any:
        match operand:
            case Literal_(value):
                return value
            case Query():
                return self.single(operand, current)
            case Call():
                return self.call(operand, current)

    def single(self, query: Query, current: Node) -> Any:
        found = self.nodes(query, current)
        if len(found) != 1:
            return _NOTHING
        value = found[0][1]
        if not query.length:
            return value
        if isinstance(value, dict):
            return value.get("length", _NOTHING)
        return len(value) if isinstance(value, str | list | tuple) else _NOTHING

    def call(self, call: Call, current: Node) -> Any:
        first = call.arguments[0]
        if call.function == "count":
            return len(self.nodes(first, current)) if isinstance(first, Query) else _NOTHING
        value = self.value(first, current)
        if call.function == "value":
            return value
        if call.function == "length":
            return len(value) if isinstance(value, str | list | tuple | dict) else _NOTHING
        pattern = self.value(call.arguments[1], current)
        if not isinstance(value, str) or not isinstance(pattern, str):
            return False
        self.visits += len(value) // 64  # matching costs by the character
        try:
            return found_in(of_json_path(pattern, whole=call.function == "match"), value)
        except RegexError:
            return False  # section 2.4.6: what is no I-Regexp matches nothing

    def compare(self, operator: str, left: Any, right: Any) -> bool:
        """Section 2.3.5.2.2: only numbers and texts have an order; Nothing equals Nothing alone."""
        if operator in ("==", "!="):
            return self.equal(left, right) is (operator == "==")
        both = (left, right)
        texts = all(isinstance(each, str) for each in both)
        numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in both)
        less = (texts or numbers) and _ORDERS[operator[0]](left, right)
        return less or (operator.endswith("=") and self.equal(left, right))

    def equal(self, left: Any, right: Any) -> bool:
        self.visit()
        if isinstance(left, bool) or isinstance(right, bool):
            return left is right
        if isinstance(left, dict) and isinstance(right, dict):
            return left.keys() == right.keys() and all(self.equal(left[key], right[key]) for key in left)
        if _is_list(left) and _is_list(right):
            return len(left) == len(right) and all(map(self.equal, left, right))
        return bool(left is right if _NOTHING in (left, right) else left == right)


def _is_list(value: JSON) -> bool:
    return isinstance(value, list | tuple)


def _range(slice_: Slice, length: int) -> range:
    if slice_.step == 0:
        return range(0)
    return range(length)[slice_.start : slice_.stop : slice_.step]
