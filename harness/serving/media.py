"""What bytes of a content type mean by a documented schema: every reading that they allow, in turn.

JSON has one reading. Text, forms and XML name no types: there the schema's shape offers what may be meant.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

import orjson

from harness.contract.extent import too_much
from harness.contract.integers import whole_in
from harness.contract.model import JSON, MediaType, Schema
from harness.contract.schema import ANYTHING, Validator, compile_schema
from harness.contract.styles import is_json, is_xml
from harness.serving.problems import Reason
from harness.serving.shapes import Meaning, Shape, Undecodable, shape_of, typed

FORM = "application/x-www-form-urlencoded"
LINES = frozenset(
    {"application/jsonl", "application/x-ndjson", "application/x-jsonlines", "application/json-seq"}
)
"""JSON texts in a row: one a line, or behind RFC 7464's record separator."""


class RefusedBody(Exception):
    """Why a body is not what it says it is; the phrase begins with a verb."""


class Media:
    """One documented content type, compiled as far as requests have asked for it."""

    def __init__(self, media: MediaType) -> None:
        self._media = media
        self._schema = media.schema if media.schema is not None else ANYTHING
        self._validator: Validator | None = None
        if media.schema is not None:
            self._validator = compile_schema(media.schema, "request")

    def validator(self, kind: str) -> Validator | None:
        """What judges a whole value of this content type; None where there is nothing to hold it to."""
        return None if kind in LINES and self._item is not None else self._validator

    @cached_property
    def _item(self) -> Schema | None:
        """The schema of each JSON text in a row. Before OpenAPI 3.2 there was no place of its own for it."""
        whole = self._media.schema is not None and self._shape.is_array
        return self._media.item_schema or (None if whole else self._media.schema)

    @cached_property
    def _shape(self) -> Shape:
        return shape_of(self._schema)

    @cached_property
    def _form(self) -> Callable[[bytes, list[Reason]], Iterator[JSON]]:
        from harness.serving.forms import Form  # it reads parts, which are media in their turn

        return Form(self._schema, self._media.encoding).readings

    @cached_property
    def _multipart(self) -> Callable[[bytes, str, list[Reason]], Iterator[JSON]]:
        from harness.serving.multipart import Multipart

        return Multipart(self._schema, self._media.encoding).readings

    def readings(self, raw: bytes, kind: str, header: str, reasons: list[Reason]) -> Iterator[JSON]:
        """The values that ``raw`` may mean. ``kind`` is the content type without the parameters that
        ``header`` has. Of what is neither text nor structured, there is none to judge: nothing is offered.

        Raises RefusedBody, if it is malformed; what is wrong with single fields goes into ``reasons``.
        """
        if kind in LINES:
            yield self._lines(raw, reasons)
        elif is_json(kind):
            yield parse_json(raw)
        elif kind == FORM:
            yield from self._form(raw, reasons)
        elif kind.startswith("multipart/"):
            yield from self._multipart(raw, header, reasons)
        elif is_xml(kind):
            yield from self._xml(raw)
        elif kind.startswith("text/"):
            yield from self._texts(_parse_text(raw))
        elif self._media.schema is not None and not self._shape.kinds.isdisjoint({"string"}):
            yield raw.decode("latin-1")  # a character a byte: lengths are counted in bytes

    def _texts(self, text: str) -> Iterator[JSON]:
        failed: Undecodable | None = None
        for meaning in Meaning:
            try:
                yield typed(text, self._shape, meaning)
            except Undecodable as error:
                failed = error
        if failed is not None:
            raise RefusedBody(str(failed))

    def _xml(self, raw: bytes) -> Iterator[JSON]:
        from harness.serving.xml_bodies import MalformedXml, parse_xml, values_of

        try:
            root = parse_xml(raw)
            if self._media.schema is not None and self._shape.kinds == {"string"}:
                yield _parse_text(raw)  # any document, as it is written
            elif self._media.schema is not None:
                yield from values_of(root, self._schema)
        except MalformedXml as error:
            raise RefusedBody(str(error)) from None

    def _lines(self, raw: bytes, reasons: list[Reason]) -> JSON:
        texts = [line for line in raw.replace(b"\x1e", b"\n").split(b"\n") if line.strip()]
        items = [parse_json(line) for line in texts]
        validator = compile_schema(self._item, "request") if self._item is not None else None
        for at, each in enumerate(items):
            for wrong in validator.violations(each) if validator is not None else ():
                reasons.append(Reason(f"/{at}{wrong.pointer}", wrong.detail))
        return items


def parse_json(raw: bytes) -> JSON:
    """JSON as RFC 8259 and RFC 7493 have it: UTF-8, no NaN, no lone surrogates, no duplicate names, no
    number beyond a double, and within ``extent``'s bounds. Integers keep every digit, and 35.0 is one."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise RefusedBody("is not JSON") from None
    if (why := too_much(value, raw)) is not None:
        raise RefusedBody(why)
    if _is_alike(orjson.dumps(value), raw):
        return whole_in(value, raw)
    try:
        return whole_in(_strict.decode(raw.decode()), raw)
    except (ValueError, RecursionError):
        raise RefusedBody(
            "is not JSON that everybody reads alike (a name is given twice, or a number is too long)"
        ) from None


def _is_alike(written: bytes, raw: bytes) -> bool:
    """Whether a text is what its value is written as, but for blanks: then no name was lost, and no digit."""
    return written == raw or written.replace(b" ", b"") == raw.replace(b" ", b"")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate")
    return members


_strict = json.JSONDecoder(object_pairs_hook=_unique)


def _parse_text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise RefusedBody("is not UTF-8") from None


class Named:
    """A content type with its parameters, as one side names it: ``*`` stands for any."""

    def __init__(self, text: str) -> None:
        kind, *parameters = text.split(";")
        self.kind = kind.strip().lower()
        pairs = (each.partition("=") for each in parameters)
        named = {name.strip().lower(): value.strip().strip('"').lower() for name, _, value in pairs}
        self.parameters = {n: v for n, v in named.items() if n and n not in ("charset", "boundary", "q")}

    def fits(self, given: Named) -> int:
        """How closely this documented name, which may be a range, names a given type; 0 if not at all.

        A parameter that the given type leaves out contradicts nothing, but one that agrees is closer.
        """
        known = given.parameters
        if any(known.get(name, value) != value for name, value in self.parameters.items()):
            return 0
        agreeing = sum(name in known for name in self.parameters)
        if self.kind == given.kind:
            return 100 + 2 * agreeing - (agreeing < len(self.parameters))
        if self.kind in ("*/*", "*"):
            return 1
        major, _, minor = self.kind.partition("/")
        if major not in ("*", given.kind.partition("/")[0]) or not minor.startswith("*"):
            return 0
        return 10 + len(minor) if given.kind.endswith(minor[1:]) else 0


def closest(names: Mapping[str, Named], header: str) -> str | None:
    """The documented name that fits a Content-Type header best, the first of equals; None if none does."""
    given = Named(header)
    fitting = {name: each.fits(given) for name, each in names.items()} if given.kind else {}
    best = max(fitting, key=lambda name: fitting[name], default=None)
    return best if best is not None and fitting[best] else None
