"""The body of an answer: the documented example, made to fit the request; a generated one without."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.contract.model import JSON, Contract, MediaType, Operation
from harness.contract.schema import compile_schema
from harness.contract.styles import is_json
from harness.errors import ContractError
from harness.serving.exchange import Request
from harness.serving.problems import Problem, phrase
from mocks.believable import exemplary, made_up
from mocks.documented import Documented, RequestExample
from mocks.echo import Echo, echo_of
from mocks.known import Known, Listing, listing_of
from mocks.writing import concrete


@dataclass(frozen=True, slots=True)
class _Shape:
    """What is decided about one status and media type of an operation."""

    media: MediaType
    echo: Echo
    listing: Listing | None


@dataclass(slots=True)
class Filling:
    """Makes one operation's bodies. ``known`` is shared by all operations of a contract."""

    contract: Contract
    operation: Operation
    known: Known
    seed: int
    _shapes: dict[tuple[int, str], _Shape] = field(default_factory=dict)
    _generated: dict[tuple[int, str], JSON] = field(default_factory=dict)

    def body(
        self,
        documented: Documented,
        request: Request,
        matched: RequestExample | None = None,
        *,
        as_it_is: bool = False,
    ) -> JSON:
        """The body, None for an answer without one.

        ``matched`` is the request half of a chosen pair. ``as_it_is``: this example was asked for by name, so
        only what the request itself says is put in.
        """
        if documented.media is None:
            return None
        shape = self._shape(documented, documented.media)
        value = documented.example.value if documented.example else self._made(documented, documented.media)
        echo = shape.echo
        if shape.listing is None and not echo.stored and echo.agrees(value, request):
            return value  # all that could be put in stands there already
        if not as_it_is and documented.status < 300:
            value = self._fitting(value, shape, request)
        return echo.applied(value, request, matched)

    def dynamic(self, documented: Documented, request: Request) -> JSON:
        """A generated body, another one for another request; None for an answer without one."""
        media = documented.media
        if media is None or media.schema is None:
            return self.body(documented, request)
        asked = f"{request.method} {request.url} {request.body!r}"
        try:
            made = made_up(media.schema, self.seed + zlib.crc32(asked.encode()), "response")
        except ContractError:
            return self.body(documented, request)
        return self._shape(documented, media).echo.applied(made, request, None)

    def shows(self, documented: Documented, request: Request) -> bool:
        """Whether the example is of the very thing that the request addresses."""
        if documented.media is None or documented.example is None:
            return False
        return self._shape(documented, documented.media).echo.agrees(documented.example.value, request)

    def _fitting(self, value: JSON, shape: _Shape, request: Request) -> JSON:
        """The example, or what the contract's other examples say of what this request is about."""
        if shape.listing is not None and request.method.upper() == "GET":
            return shape.listing.applied(value, {**request.path, **request.query}, self.known)
        if shape.echo.agrees(value, request) or shape.media.schema is None:
            return value
        named = shape.media.schema.name
        id = next((request.path.get(name) for name, pointer in shape.echo.ids if pointer == ("id",)), None)
        if request.method.upper() == "GET":
            other: JSON = self.known.of(named).get(str(id), value)
        else:
            other = self.known.replayed(named, value, id)
        if other is value or shape.echo.valid(other):
            return other
        return value

    def _shape(self, documented: Documented, media: MediaType) -> _Shape:
        at = (documented.status, media.content_type)
        if at not in self._shapes:
            echo = echo_of(self.contract, self.operation, documented.status, media)
            names = tuple(
                each.name for each in self.operation.parameters if each.location in ("path", "query")
            )
            self._shapes[at] = _Shape(media, echo, listing_of(self.contract, media.schema, names))
        return self._shapes[at]

    def _made(self, documented: Documented, media: MediaType) -> JSON:
        at = (documented.status, media.content_type)
        if at not in self._generated:
            self._generated[at] = self._generate(documented, media)
        return self._generated[at]

    def _generate(self, documented: Documented, media: MediaType) -> JSON:
        if media.schema is None:
            if media.item_schema is not None:
                return [exemplary(media.item_schema, self.seed + turn, "response") for turn in range(2)]
            return {} if is_json(concrete(media.content_type)) else ""
        try:
            made = exemplary(media.schema, self.seed, "response")
        except ContractError as error:
            raise Problem(501, detail=f"The mock found no value to answer. {error.paragraph()}") from error
        for candidate in self._likely(documented, media, made):
            if compile_schema(media.schema, "response").is_valid(candidate):
                return candidate
        return made

    def _likely(self, documented: Documented, media: MediaType, made: JSON) -> Iterator[JSON]:
        """What reads better than a generated value, if the schema allows it."""
        if documented.status >= 400:
            title = phrase(documented.status)
            detail = documented.response.description or title
            yield {"type": "about:blank", "title": title, "status": documented.status, "detail": detail}
        name = media.schema.name if media.schema else None
        for lifecycle, edge in self.contract.caused_by(self.operation.id):
            if isinstance(made, dict) and lifecycle.schema == name and edge.id is None:
                yield {**made, lifecycle.status: edge.to}
