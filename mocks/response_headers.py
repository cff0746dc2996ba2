"""The headers of an answer: from the contract's examples and schemas, and from the exchange."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from harness.contract.expressions import BEGINS, Context, parse, resolve
from harness.contract.model import JSON, Contract, Header, Link, Operation, Response, Schema
from harness.contract.schema import Validator, compile_schema, example_of
from harness.contract.styles import header_text as simple
from harness.contract.styles import is_json
from harness.errors import ContractError
from harness.serving.exchange import Request

_LEFT_TO_SERVING = frozenset({"content-type", "content-length", "x-correlation-id", "traceparent"})


@dataclass(frozen=True, slots=True)
class Readable:
    """Where an answered thing can be read: the ``path`` of a GET that a link leads to, and what the link says
    of its parameters. What it does not say stays a template.

    ``values`` are templates, each with what is put there, and the way to that through the answer's body
    where it is an expression that leads there.
    """

    path: str
    values: tuple[tuple[str, JSON, Sequence[str] | None], ...]

    def filled(self, request: Request, body: JSON) -> str:
        """The path for this exchange."""
        path, context = self.path, None
        for template, stated, tokens in self.values:
            value: JSON = body
            for token in tokens or ():
                value = value.get(token) if isinstance(value, dict) else None
            if not tokens or value is None:
                context = context or _context(request, body)
                value = resolve(stated, context)
            path = path if value is None else path.replace(template, _quoted(str(value)))
        return path


@dataclass(frozen=True)
class ResponseHeaders:
    """The headers that one documented response carries, decided when the mock is built.

    ``echoed`` maps lower-case header names that the request has a parameter for to their spelling. ``etag``
    is the schema of a documented ``ETag``, ``tagged`` says that there is one.
    """

    values: Mapping[str, str]
    echoed: Mapping[str, str]
    etag: Schema | None = None
    location: str | None = None
    links: tuple[Readable, ...] = ()
    tagged: bool = False
    location_schema: Schema | None = None

    def of(self, request: Request, body: JSON) -> dict[str, str]:
        """The headers for this exchange. ``body`` is the answer's."""
        headers = dict(self.values)
        for lowered, name in self.echoed.items():
            if lowered in request.headers:
                headers[name] = header_text(request.headers[lowered])
        etag = self._of_etag
        version = body.get("version") if etag is not None and isinstance(body, Mapping) else None
        if etag is not None and version is not None:
            tag = f'"{version}"'
            if etag.is_valid(tag):
                headers["ETag"] = tag
        if self.location is not None:
            found = self._location(request, body)
            headers[self.location] = self.place(found or headers.get(self.location, request.url))
        return headers

    def place(self, address: str) -> str:
        """A Location that names this address as its schema has it: whole, or its last segment; else what the
        contract shows."""
        validator = self._of_location
        if validator is None or validator.is_valid(address):
            return address
        last = address.rstrip("/").rpartition("/")[2]
        return last if validator.is_valid(last) else self.values.get(self.location or "", address)

    @cached_property
    def _of_location(self) -> Validator | None:
        """What judges a Location; None where there is nothing to hold it to."""
        schema = self.location_schema if self.location is not None else None
        return compile_schema(schema, "response") if schema is not None else None

    @cached_property
    def _of_etag(self) -> Validator | None:
        return compile_schema(self.etag) if self.etag is not None else None

    def _location(self, request: Request, body: JSON) -> str | None:
        """Where the answered thing can be read: the first link to a GET whose path the exchange fills."""
        filled = (each.filled(request, body) for each in self.links)
        return next((path for path in filled if "{" not in path), None)


def response_headers(
    contract: Contract, operation: Operation, response: Response, seed: int
) -> ResponseHeaders:
    """A value for every documented header: its example, else one that its schema allows."""
    values, echoed, location, etag, tagged = {}, {}, None, None, False
    place: Schema | None = None
    for header in response.headers.values():
        lowered = header.name.lower()
        if lowered in _LEFT_TO_SERVING:
            continue
        value = _header_value(header, seed)
        name = "ETag" if lowered == "etag" else header.name
        if value is not None:
            values[name] = header_text(value, header)
        if name == "ETag":
            etag, tagged = header.schema, True
        if operation.parameter("header", header.name) is not None:
            echoed[lowered] = header.name
        if lowered == "location":
            location, place = header.name, header.schema
    readable = (contract.operations.get(link.operation) for link in response.links)
    links = tuple(
        _readable(target.path, link)
        for target, link in zip(readable, response.links, strict=True)
        if target is not None and target.method.upper() == "GET"
    )
    return ResponseHeaders(values, echoed, etag, location, links, tagged, place)


def _readable(path: str, link: Link) -> Readable:
    values = (
        ("{" + name.removeprefix("path.") + "}", stated, _tokens(stated))
        for name, stated in link.parameters.items()
    )
    return Readable(path, tuple(values))


def _tokens(stated: JSON) -> Sequence[str] | None:
    """The way that an expression takes through an answer's body, where it is one that takes some."""
    if not isinstance(stated, str) or not BEGINS.match(stated):
        return None
    expression = parse(stated)
    return expression.tokens if expression.source == "response.body" else None


def _context(request: Request, body: JSON) -> Context:
    return Context(
        method=request.method,
        url=request.url,
        request_path=request.path,
        request_query=request.query,
        request_headers=request.headers,
        request_body=request.body,
        response_body=body,
    )


def _quoted(text: str) -> str:
    plain = text.isascii() and text.replace("-", "").isalnum()
    return text if plain else quote(text, safe="")


def _header_value(header: Header, seed: int) -> JSON:
    if header.schema is None:
        return header.examples[0].value if header.examples else None
    try:
        validator = compile_schema(header.schema, "response")
        shown = [each.value for each in header.examples if validator.is_valid(each.value)]
        return shown[0] if shown else example_of(header.schema, seed, "response")
    except ContractError:  # a header less is better than no answer
        return None


def header_text(value: JSON, header: Header | None = None) -> str:
    """A header's value in style ``simple`` or its content type, fit for the wire."""
    if header is not None and is_json(header.content_type):
        text = json.dumps(value)
    else:
        text = "" if value is None else simple(value, explode=header is not None and header.explode)
    printable = re.sub(r"[\x00-\x1f\x7f]", " ", text).strip()
    return printable.encode("latin-1", "replace").decode("latin-1")
