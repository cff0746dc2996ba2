"""The HTTP half of a contract: operations with what goes in and comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.contract.model.causes import Emission
from harness.contract.model.values import EMPTY, JSON, NOWHERE, Example, Place, Schema

IGNORED_HEADERS = frozenset(("accept", "authorization", "content-type"))
"""No parameters, whatever a contract says: OpenAPI has them ignored (3.1, "Parameter Object", ``name``)."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """``querystring`` (OpenAPI 3.2) is the whole query, read as its ``content_type``.

    ``allow_reserved``: an encoder leaves RFC 3986's reserved characters as they are. ``allow_empty``: the
    name alone, without a value, is taken whatever the schema says.
    """

    name: str
    location: Literal["path", "query", "header", "cookie", "querystring"]
    required: bool
    schema: Schema
    style: str = "simple"
    explode: bool = False
    content_type: str | None = None
    examples: tuple[Example, ...] = ()
    description: str = ""
    place: Place = NOWHERE
    allow_reserved: bool = False
    allow_empty: bool = False
    deprecated: bool = False


@dataclass(frozen=True, slots=True)
class Encoding:
    """How one property of a form or multipart body is written; ``""`` and None where it is not said.

    ``content_type`` may be a list with commas, and name ranges. ``headers`` are those of the part.
    """

    content_type: str = ""
    style: str = ""
    explode: bool | None = None
    allow_reserved: bool = False
    headers: Mapping[str, Header] = field(default=EMPTY)


@dataclass(frozen=True, slots=True)
class MediaType:
    """``item_schema`` (OpenAPI 3.2) describes one of the items that a streaming type writes in a row."""

    content_type: str
    schema: Schema | None
    examples: tuple[Example, ...] = ()
    place: Place = NOWHERE
    encoding: Mapping[str, Encoding] = field(default=EMPTY)
    item_schema: Schema | None = None


@dataclass(frozen=True, slots=True)
class Body:
    required: bool
    content: Mapping[str, MediaType]
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Header:
    name: str
    required: bool
    schema: Schema | None
    examples: tuple[Example, ...] = ()
    place: Place = NOWHERE
    explode: bool = False
    content_type: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """What may be called next: ``operation`` is an operationId, values are runtime expressions."""

    name: str
    operation: str
    parameters: Mapping[str, JSON] = field(default=EMPTY)
    body: JSON = None
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Response:
    """``status`` as documented: ``"200"``, ``"4XX"`` or ``"default"``."""

    status: str
    description: str = ""
    headers: Mapping[str, Header] = field(default=EMPTY)
    content: Mapping[str, MediaType] = field(default=EMPTY)
    links: tuple[Link, ...] = ()
    place: Place = NOWHERE


@dataclass(frozen=True, slots=True)
class Operation:
    """One HTTP operation. ``path`` has ``{parameters}`` and includes the first server's base path.

    ``also`` are the paths under the other servers that are documented for it. A query that is written into
    the path's key became required parameters. Of a webhook, ``path`` is its name, of a callback the runtime
    expression of its URL.

    ``security`` lists alternatives, each scheme → scopes; empty means that none is needed.
    ``emits`` holds explicit and lifecycle-implied emissions together. ``requires`` is None if the
    contract does not say.
    """

    id: str
    method: str
    path: str
    summary: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    responses: Mapping[str, Response] = field(default=EMPTY)
    security: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    emits: tuple[Emission, ...] = ()
    requires: tuple[str, ...] | None = None
    subject: str | None = None
    access: Mapping[str, str] = field(default=EMPTY)
    tags: tuple[str, ...] = ()
    deprecated: bool = False
    place: Place = NOWHERE
    description: str = ""
    callbacks: tuple[Callback, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def successes(self) -> tuple[Response, ...]:
        """The documented 2xx responses."""
        return tuple(r for status, r in self.responses.items() if status.startswith("2"))

    def response_for(self, status: int) -> Response | None:
        """The documented response for a status: exact, then ``4XX``, then ``default``."""
        responses = self.responses
        return responses.get(str(status)) or responses.get(f"{status // 100}XX") or responses.get("default")

    def parameter(self, location: str, name: str) -> Parameter | None:
        """The parameter of this name there (headers ignore case), or None."""
        for each in self.parameters:
            same = each.name.lower() == name.lower() if location == "header" else each.name == name
            if each.location == location and same:
                return each
        return None


@dataclass(frozen=True, slots=True)
class Callback:
    """What the service will send, to the URL that the runtime expression makes of the exchange."""

    name: str
    expression: str
    operation: Operation


@dataclass(frozen=True, slots=True)
class SecurityScheme:
    """``kind`` is OpenAPI's type; ``scheme`` is e.g. ``bearer`` for kind ``http``, ``format`` what a bearer
    token is said to be (``bearerFormat``)."""

    name: str
    kind: str
    scheme: str = ""
    location: str = ""
    parameter: str = ""
    scopes: tuple[str, ...] = ()
    place: Place = NOWHERE
    format: str = ""
