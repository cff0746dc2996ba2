"""How an operation's answers show things: one, perhaps in a wrapper, or a list of them, perhaps in a page.

Read from schemas alone: what a property is called says what it is for where nothing else does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from harness.contract.model import MediaType, Operation, Response, Schema
from harness.contract.schema import expand, items_of, properties, says
from harness.contract.styles import is_json

_WRAPPERS = ("data", "result", "item", "resource", "payload", "response")
_LISTS = ("items", "data", "results", "content", "entries", "records", "values", "value", "list", "rows")
_BESIDE = 8
"""Properties that a page has at most, unless one of them counts."""

_NESTS = ("data", "result", "_embedded", "response", "payload", "page")
_IDS = ("id", "_id", "uuid", "guid", "identifier", "key", "slug", "code", "username", "login", "name")
_SUCCESS = re.compile(r"2(\d\d|XX)")


def plain(name: str) -> str:
    """A name without what only style adds: ``pet_id``, ``petId`` and ``pet-id`` are one."""
    return re.sub(r"[^0-9a-z]", "", name.lower())


@dataclass(frozen=True, slots=True)
class Success:
    """One documented way to succeed. ``media`` is its JSON form, None for an answer without a body."""

    status: int
    response: Response
    media: MediaType | None

    @property
    def schema(self) -> Schema | None:
        return self.media.schema if self.media is not None else None


@dataclass(frozen=True, slots=True)
class Single:
    """A schema that shows one thing: ``schema`` is the thing's, ``wrapper`` the property that holds it."""

    schema: Schema
    wrapper: str | None = None


@dataclass(frozen=True, slots=True)
class Many:
    """A schema that shows a list: ``pointer`` leads to it (empty: it is the whole), ``items`` are its
    items' schema."""

    pointer: tuple[str, ...]
    items: Schema


def successes(operation: Operation) -> tuple[Success, ...]:
    """The documented successes that have a JSON form or no body at all, in the contract's order.

    Where no 2xx is documented, ``default`` is taken for 200.
    """
    found = []
    documented = {s: r for s, r in operation.responses.items() if _SUCCESS.fullmatch(s.upper())}
    if not documented and "default" in operation.responses:
        documented = {"default": operation.responses["default"]}
    for status, response in documented.items():
        media = next((each for kind, each in response.content.items() if is_json(kind)), None)
        if media is None and response.content:
            media = next((each for kind, each in response.content.items() if kind == "*/*"), None)
        if media is not None or not response.content:
            code = 200 if status == "default" else int(status.upper().replace("X", "0"))
            found.append(Success(code, response, media))
    return tuple(found)


def shown_by(operation: Operation) -> Single | None:
    """What the first success that shows one thing shows."""
    for success in successes(operation):
        if success.schema is not None and (single := single_in(success.schema)) is not None:
            return single
    return None


def listed_by(operation: Operation) -> Many | None:
    """The list that the first success with a body shows, or None."""
    for success in successes(operation):
        if success.schema is not None:
            return many_in(success.schema)
    return None


def single_in(schema: Schema) -> Single | None:
    """The one thing that a schema describes; None for lists, texts and objects that say nothing."""
    named = properties(schema)
    if not named or many_in(schema) is not None:
        return None
    if identifying(named) is None and len(named) <= 4:
        for wrapper in _WRAPPERS:
            if wrapper in named and properties(named[wrapper]):
                return Single(_expanded(named[wrapper]), wrapper)
    return Single(_expanded(schema))


def many_in(schema: Schema) -> Many | None:
    """The list that a schema describes. What has an ``id`` is a thing of its own, whatever it lists; and so
    is what says much beside and counts nothing: a document with its ``content``, say."""
    named = properties(schema)
    items = items_of(schema)
    if items is not None and not named and says(schema, "type") in (None, "array", ["array", "null"]):
        return Many((), _expanded(items))
    if not named or "id" in named:
        return None
    lists = {name: each for name, sub in named.items() if (each := items_of(sub)) is not None}
    objects = {name: each for name, each in lists.items() if properties(each)}
    is_page = len(named) <= _BESIDE or _counts(named)
    for name in _LISTS if is_page else ():
        if name in objects:
            return Many((name,), _expanded(objects[name]))
    if len(lists) == 1 == len(objects) and (len(named) <= 4 or _counts(named)):
        ((name, each),) = objects.items()
        return Many((name,), _expanded(each))
    for nest in _NESTS:
        inner = many_in(named[nest]) if nest in named and properties(named[nest]) else None
        if inner is not None and inner.pointer:
            return Many((nest, *inner.pointer), inner.items)
    return None


def _counts(named: Iterable[str]) -> bool:
    words = {plain(name) for name in named}
    return bool(
        words & {"total", "totalcount", "count", "next", "nextcursor", "nextpagetoken", "page", "limit"}
    )


def _expanded(schema: Schema) -> Schema:
    return expand(schema)


def nameable(schema: Schema) -> list[str]:
    """The properties whose values a path can name: an object, or a list, stands in none."""
    named = properties(schema).items()
    return [
        name
        for name, each in named
        if says(each, "type") not in ("object", "array") and not properties(each) and items_of(each) is None
    ]


def identifying(named: Iterable[str]) -> str | None:
    """The property that usually identifies a thing with these properties, or None."""
    names = {plain(name): name for name in named}
    return next((names[plain(each)] for each in _IDS[:4] if plain(each) in names), None)


def identifier(named: Iterable[str], parameter: str) -> str | None:
    """The property that a path parameter is compared with: the one of its name, else the usual ones.

    ``{petId}`` is ``petId``, ``pet_id`` or ``id``; ``{username}`` is ``username``.
    """
    names = {plain(name): name for name in named}
    asked = plain(parameter)
    if asked in names:
        return names[asked]
    for each in _IDS:
        bare = plain(each)
        if bare in names and (asked.endswith(bare) or asked.removesuffix("id") != asked or bare == "id"):
            return names[bare]
    ending = (name for bare, name in names.items() if len(bare) > 2 and asked.endswith(bare))
    return next(ending, None)
