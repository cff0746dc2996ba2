"""One operation's list as pages: which parameters page it, and where its answer says what is left.

A cursor is a thing's place in the order in which things came, so nothing shifts under it when others come or
go; where a list is sorted and that thing is gone, it is the number of those before it.
"""

from __future__ import annotations

import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import orjson

from harness.contract.model import JSON, Operation, Parameter, Response, Schema
from harness.contract.schema import compile_schema, properties, says
from harness.serving.exchange import Request
from harness.serving.problems import Problem, Reason
from mocks.representations import Many, plain
from mocks.things import Thing

PAGE = 20
"""Things on a page where the contract names no default."""

_LIMITS = ("limit", "pagesize", "perpage", "size", "count", "maxresults", "first", "top", "take", "rows")
_CURSORS = (
    "cursor",
    "pagetoken",
    "after",
    "startingafter",
    "startafter",
    "nexttoken",
    "continuation",
    "marker",
)
_OFFSETS = ("offset", "skip", "startindex", "start")
_PAGES = ("page", "pagenumber", "pageno", "pageindex")
_TOTALS = ("total", "totalcount", "totalitems", "totalelements", "totalresults", "count")
_COUNTS = ("numberofelements", "itemcount", "returned")
_NEXTS = (
    "next",
    "nextcursor",
    "nextpagetoken",
    "nexttoken",
    "cursor",
    "endcursor",
    "continuation",
    "nextpage",
)
_MORES = ("hasmore", "hasnext", "hasnextpage", "more")
_LASTS = ("last", "islast")
_TOTAL_PAGES = ("totalpages", "pagecount", "pages", "lastpage")
_NESTS = ("meta", "pagination", "paging", "page", "pageinfo", "metadata", "links", "_links")


@dataclass(frozen=True, slots=True)
class Page:
    """One page. ``after`` is the cursor of the following one, None on the last; ``first`` counts from 0."""

    items: Sequence[Thing]
    total: int
    first: int
    limit: int
    after: str | None


class Paging:
    """How one list is paged; whatever the contract has no parameter for is left out."""

    def __init__(self, operation: Operation) -> None:
        query = {plain(p.name): p for p in operation.parameters if p.location == "query"}
        self._limit = _first(_LIMITS, query)
        self._cursor = _first(_CURSORS, query)
        self._offset = _first(_OFFSETS, query, "integer") if self._cursor is None else None
        self._page = _first(_PAGES, query)
        self._base = _base(self._page)
        self._named = zlib.crc32(operation.id.encode())
        default = says(self._limit.schema, "default") if self._limit is not None else None
        self._size = default if isinstance(default, int) else PAGE
        documented = operation.responses
        self._refusal = (
            422 if "422" in documented else 400 if operation.response_for(400) is not None else None
        )

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the query parameters that page."""
        paging = (self._limit, self._cursor, self._offset, self._page)
        return tuple(each.name for each in paging if each is not None)

    def page(self, request: Request, things: Sequence[Thing]) -> Page:
        """The page that is asked for. Raises Problem for a cursor that is none of this list's."""
        query = request.query
        asked = query.get(self._limit.name) if self._limit is not None else None
        paged = bool(self.parameters)
        size = asked if isinstance(asked, int) and asked >= 0 else self._size if paged else len(things)
        first = self._first(request, things, size)
        items = things[first : first + size]
        more = first + size < len(things) and size > 0
        after = self._sealed(request, items[-1], first + size) if more and items else None
        return Page(items, len(things), first, size, after)

    def _first(self, request: Request, things: Sequence[Thing], size: int) -> int:
        query = request.query
        if self._cursor is not None and query.get(self._cursor.name) is not None:
            return self._after(request, str(query[self._cursor.name]), things)
        if self._offset is not None and isinstance(query.get(self._offset.name), int):
            return max(0, int(query[self._offset.name]))
        asked = query.get(self._page.name) if self._page is not None else None
        return max(0, int(asked) - self._base) * size if isinstance(asked, int) else 0

    def _after(self, request: Request, cursor: str, things: Sequence[Thing]) -> int:
        opened = self._opened(request, cursor)
        if opened is not None:
            return _beyond(things, *opened)
        for at, thing in enumerate(things):
            if thing.key == cursor:
                return at + 1
        if cursor.isdecimal() and says(self._cursor.schema, "type") == "integer":  # type: ignore[union-attr]
            return min(int(cursor), len(things))
        if self._refusal is None:
            return 0
        detail = "This cursor was not given out for this list."
        pointer = f"/query/{self._cursor.name}" if self._cursor is not None else "/query"
        raise Problem(
            self._refusal, detail=detail, errors=[Reason(pointer, "was not given out for this list")]
        )

    def _sealed(self, request: Request, last: Thing, before: int) -> str:
        token = orjson.dumps([self._list(request), last.place, before])
        return urlsafe_b64encode(token).rstrip(b"=").decode()

    def _opened(self, request: Request, cursor: str) -> tuple[int, int] | None:
        try:
            token = orjson.loads(urlsafe_b64decode((cursor + "=" * (-len(cursor) % 4)).encode("ascii")))
        except (Base64Error, ValueError):
            return None
        match token:
            case [int() as named, int() as place, int() as before] if named == self._list(request):
                return place, before
        return None

    def _list(self, request: Request) -> int:
        """A number for this list: the operation, its path and whatever narrows it."""
        apart = set(self.parameters)
        narrowing = {name: value for name, value in request.query.items() if name not in apart}
        said = orjson.dumps([dict(request.path), narrowing], option=orjson.OPT_SORT_KEYS)
        return zlib.crc32(said, self._named)

    def following(self, request: Request, page: Page) -> str | None:
        """The URL of the next page; None on the last."""
        if page.after is None:
            return None
        scheme, host, path, query, _ = urlsplit(request.url)
        pairs = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in self._moving]
        return urlunsplit((scheme, host, path, urlencode([*pairs, *self._next(page)]), ""))

    def number(self, page: Page) -> int:
        """The number of the next page, or its offset."""
        if self._page is not None and page.limit:
            return page.first // page.limit + 1 + self._base
        return page.first + page.limit

    @property
    def _moving(self) -> set[str]:
        return {each.name for each in (self._cursor, self._offset, self._page) if each is not None}

    def _next(self, page: Page) -> list[tuple[str, str]]:
        if self._cursor is not None:
            return [(self._cursor.name, page.after or "")]
        moving = self._page or self._offset
        return [(moving.name, str(self.number(page)))] if moving is not None else []


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page says something of itself: a property at the top, or in one object below."""

    nest: str | None
    name: str
    schema: Schema
    required: bool = False


class PageForm:
    """How one answer writes a page: its items at ``many.pointer``, and what it says of the whole."""

    def __init__(self, schema: Schema, many: Many, response: Response, paging: Paging) -> None:
        self._many, self._paging = many, paging
        self._validator = compile_schema(schema, "response")
        places = list(_places(schema, many))
        self._totals = [each for each in places if plain(each.name) in _TOTALS]
        self._counts = [each for each in places if plain(each.name) in _COUNTS]
        self._nexts = [each for each in places if plain(each.name) in _NEXTS]
        self._mores = [each for each in places if plain(each.name) in _MORES]
        self._lasts = [each for each in places if plain(each.name) in _LASTS]
        self._pages = [each for each in places if plain(each.name) in _TOTAL_PAGES]
        self._echoed = [each for each in places if plain(each.name) in (*_LIMITS, *_OFFSETS, *_PAGES)]
        headers = {plain(name): name for name in response.headers}
        self._total_header = headers.get("xtotalcount") or headers.get("totalcount")
        self._link_header = headers.get("link")

    def body(self, request: Request, page: Page, items: list[JSON], like: JSON) -> JSON:
        """The page's body, made like another one; None if the schema allows none with these items."""
        models: tuple[JSON, ...] = (_without_items(like, self._many.pointer), {})
        for model in models:
            body = self._filled(request, page, items, model)
            if self._validator.is_valid(body):
                return body
        return None

    def say(self, headers: dict[str, str], request: Request, page: Page) -> None:
        """Put into the headers what documented ones say of the page."""
        if self._total_header:
            headers[self._total_header] = str(page.total)
        following = self._paging.following(request, page)
        if self._link_header and following is not None:
            headers[self._link_header] = f'<{following}>; rel="next"'
        elif self._link_header:
            headers.pop(self._link_header, None)

    def _filled(self, request: Request, page: Page, items: list[JSON], model: JSON) -> JSON:
        if not self._many.pointer:
            return items
        body: dict[str, JSON] = dict(model) if isinstance(model, Mapping) else {}
        for each in self._totals:
            _set(body, each, page.total)
        for each in self._counts:
            _set(body, each, len(items))
        for each in self._mores:
            _set(body, each, page.after is not None)
        for each in self._lasts:
            _set(body, each, page.after is None)
        for each in self._pages:
            _set(body, each, -(-page.total // page.limit) if page.limit else 0)
        for each in self._echoed:
            _echo(body, each, page)
        for each in self._nexts:
            self._lead_on(request, page, body, each)
        *nests, last = self._many.pointer
        inside = body
        for nest in nests:
            inside[nest] = dict(inside.get(nest) or {})
            inside = inside[nest]
        inside[last] = items
        return body

    def _lead_on(self, request: Request, page: Page, body: dict[str, JSON], place: _Place) -> None:
        valid = compile_schema(place.schema)
        if page.after is None:
            _set(body, place, None, absent=not (place.required and valid.is_valid(None)))
            return
        url = self._paging.following(request, page)
        candidates: list[JSON] = [page.after, url, self._paging.number(page), {"href": url}]
        if says(place.schema, "format") in ("uri", "uri-reference", "url"):
            candidates = [url, *candidates]
        _set(body, place, next((each for each in candidates if valid.is_valid(each)), page.after))


def _beyond(things: Sequence[Thing], place: int, before: int) -> int:
    """Where a list goes on behind the thing of this place, of which ``before`` and it had been shown."""
    previous = -1
    in_order = True
    for at, thing in enumerate(things):
        if thing.place == place:
            return at + 1
        in_order &= thing.place > previous
        previous = thing.place
    if in_order:
        return next((at for at, thing in enumerate(things) if thing.place > place), len(things))
    return min(max(before - 1, 0), len(things))


def _places(schema: Schema, many: Many) -> list[_Place]:
    named, needed = properties(schema), says(schema, "required") or ()
    found = [_Place(None, n, sub, n in needed) for n, sub in named.items() if n not in many.pointer]
    for nest in (name for name in named if plain(name) in {plain(each) for each in _NESTS}):
        below = says(named[nest], "required") or ()
        inner = properties(named[nest]).items()
        found += [_Place(nest, n, sub, n in below) for n, sub in inner if n not in many.pointer]
    return found


def _set(body: dict[str, JSON], place: _Place, value: JSON, *, absent: bool = False) -> None:
    inside = body
    if place.nest is not None:
        if absent and place.nest not in body:
            return
        held = body.get(place.nest)
        inside = body[place.nest] = dict(held) if isinstance(held, Mapping) else {}
    if absent:
        inside.pop(place.name, None)
    else:
        inside[place.name] = value


def _echo(body: dict[str, JSON], place: _Place, page: Page) -> None:
    """What was asked for, said again: only in numbers, for an object of that name is no page number."""
    if says(place.schema, "type") not in ("integer", "number"):
        return
    name = plain(place.name)
    if name in _LIMITS:
        _set(body, place, page.limit)
    elif name in _OFFSETS:
        _set(body, place, page.first)
    elif page.limit:
        _set(body, place, page.first // page.limit + 1)


def _without_items(like: JSON, pointer: tuple[str, ...]) -> JSON:
    return (
        {name: value for name, value in like.items() if name != pointer[0]}
        if isinstance(like, Mapping)
        else {}
    )


def _first(
    names: tuple[str, ...], query: Mapping[str, Parameter], kind: str | None = None
) -> Parameter | None:
    found = (query[name] for name in names if name in query)
    return next((each for each in found if kind is None or says(each.schema, "type") == kind), None)


def _base(page: Parameter | None) -> int:
    """The number of the first page: 0 where the contract says so, else 1."""
    if page is None:
        return 1
    said = [says(page.schema, "default"), says(page.schema, "minimum")]
    return 0 if 0 in said and said[0] in (0, None) else 1
