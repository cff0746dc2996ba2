"""Models that hold themselves in many ways: Schemathesis' examples phase goes every one of them, to no end.

A folder holds folders and items, a composition sections that hold sections and entries: of the ways through
such a model, none of which meets a schema twice, there are more than anybody has time for.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.contract.model import Operation, Schema
from harness.contract.navigation import child, expand, named

MOST = 2_000
"""Schemas met on all ways through a body. Where there are fewer it takes seconds: the largest of many
contracts has 399, and openEHR's have more than 20,000."""


class _TooMany(Exception):
    pass


def holds_itself_in_many_ways(operation: Operation) -> bool:
    """Whether one of an operation's bodies is such a model."""
    content = operation.body.content if operation.body is not None else {}
    try:
        for media in content.values():
            if media.schema is not None:
                _walk(media.schema, frozenset(), MOST)
    except (_TooMany, RecursionError):
        return True
    return False


def _walk(schema: Schema, above: frozenset[str], left: int) -> int:
    """How many schemas may still be met after this one and all below it. Raises _TooMany."""
    if left == 0:
        raise _TooMany
    left -= 1
    meant = expand(schema)
    raw = meant.raw
    if meant.uri in above or not isinstance(raw, Mapping):
        return left
    within = above | {meant.uri}
    for each in named(meant, "properties").values():
        left = _walk(each, within, left)
    for word in ("allOf", "anyOf", "oneOf"):
        for number in range(len(raw.get(word) or ())):
            left = _walk(child(meant, word, number), within, left)
    if isinstance(raw.get("items"), Mapping):
        left = _walk(child(meant, "items"), within, left)
    return left
