"""Values and texts that break on purpose, always in the same way for the same value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import orjson

from harness.contract.documents import escape
from harness.contract.model import JSON, Schema
from harness.contract.schema import compile_schema, properties, says
from mocks.matching import NOWHERE, at

ANYWHERE = "*"

_MOST_TRIED = 200
_OTHERS: tuple[JSON, ...] = ([True], "wrong", -1.5, None, {"wrong": True})
"""Of each type one: at least one is wrong wherever the schema says a type."""


def broken(value: JSON, schema: Schema, pointer: str = ANYWHERE) -> tuple[JSON, str] | None:
    """The value changed in one place so that its schema refuses it, with what was done; None if it cannot be.

    A required property goes first, then a value becomes one of another type; nearest the top first.
    ``pointer`` asks for one place.
    """
    validator = compile_schema(schema, "response")
    ways = _everywhere(value, schema) if pointer == ANYWHERE else _there(value, pointer)
    for tried, (candidate, done) in enumerate(ways):
        if not validator.is_valid(candidate):
            return candidate, done
        if tried == _MOST_TRIED:
            break
    return None


def malformed(body: bytes) -> bytes:
    """The first half of a JSON text, or what else no parser takes for JSON."""
    half = body[: len(body) // 2]
    try:
        orjson.loads(half)
    except orjson.JSONDecodeError:
        return half if half.strip() else b"}"
    return b"}" + half


def _everywhere(value: JSON, schema: Schema) -> Iterator[tuple[JSON, str]]:
    required = says(schema, "required")
    names = [each for each in required if isinstance(each, str)] if isinstance(required, list) else []
    if isinstance(value, Mapping):
        for name in (each for each in names if each in value):
            yield _without(value, name), f"/{escape(name)} is missing"
    for pointer in _pointers(value, ""):
        yield from _retyped(value, pointer)
    yield from _retyped(value, "")
    described = properties(schema)
    if isinstance(value, Mapping):  # where nothing is there that could be wrong
        for name in (each for each in described if each not in value):
            for other in _OTHERS:
                yield {**value, name: other}, f"/{escape(name)} is of another type"


def _there(value: JSON, pointer: str) -> Iterator[tuple[JSON, str]]:
    above, _, name = pointer.rpartition("/")
    holder = at(value, above)
    name = name.replace("~1", "/").replace("~0", "~")
    if isinstance(holder, Mapping) and name in holder:
        yield _put(value, above, _without(holder, name)), f"{pointer} is missing"
    if at(value, pointer) is not NOWHERE:
        yield from _retyped(value, pointer)
    elif isinstance(holder, Mapping):
        for other in _OTHERS:
            yield _put(value, above, {**holder, name: other}), f"{pointer} is of another type"


def _retyped(value: JSON, pointer: str) -> Iterator[tuple[JSON, str]]:
    for other in _OTHERS:
        yield _put(value, pointer, other), f"{pointer or 'the whole'} is of another type"


def _pointers(value: JSON, pointer: str) -> Iterator[str]:
    """Every place inside, the nearest to the top first; of a list the first item."""
    below = (
        value.items()
        if isinstance(value, Mapping)
        else enumerate(value[:1])
        if isinstance(value, list)
        else ()
    )
    inside = [(f"{pointer}/{escape(name)}", each) for name, each in below]
    yield from (place for place, _ in inside)
    for place, each in inside:
        yield from _pointers(each, place)


def _put(value: JSON, pointer: str, what: JSON) -> JSON:
    if not pointer:
        return what
    token, rest = _first(pointer)
    if isinstance(value, list):
        index = int(token)
        return [*value[:index], _put(value[index], rest, what), *value[index + 1 :]]
    return {**value, token: _put(value.get(token), rest, what)}


def _first(pointer: str) -> tuple[str, str]:
    token, slash, rest = pointer[1:].partition("/")
    return token.replace("~1", "/").replace("~0", "~"), slash + rest


def _without(value: Mapping[str, JSON], name: str) -> dict[str, JSON]:
    return {each: what for each, what in value.items() if each != name}
