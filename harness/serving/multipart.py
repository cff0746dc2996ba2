"""Multipart bodies (RFC 2046, RFC 7578) by their Encoding Objects (OpenAPI 3.1 and 3.2).

A part becomes a value by its property's schema: JSON is parsed, text is typed, anything else is text with a
character a byte (latin-1), so that lengths are counted in bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.contract.model import JSON, Encoding, Header, Parameter, Schema
from harness.contract.schema import ANYTHING, compile_schema, properties, says
from harness.contract.styles import is_json
from harness.serving.media import Named, RefusedBody, parse_json
from harness.serving.problems import Reason
from harness.serving.shapes import Meaning, Shape, Undecodable, shape_of, typed
from harness.serving.styles import Style

_MOST_PARTS = 1000
_MOST_HEAD = 8 * 1024
_BOUNDARY = re.compile(r'boundary=(?:"([^"]{1,70})"|([^\s;,"]{1,70}))', re.IGNORECASE)
_PARAMETER = re.compile(r';\s*([\w*-]+)=(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))')


@dataclass(frozen=True, slots=True)
class Part:
    """``headers`` have lower-case names; ``name`` is the field's, ``""`` without one."""

    name: str
    filename: str | None
    headers: Mapping[str, str]
    content: bytes

    @property
    def kind(self) -> str:
        """The content type without parameters; ``""`` if the part does not say."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def parts_of(raw: bytes, content_type: str) -> list[Part]:
    """The parts of a body. Raises RefusedBody for one that is not whole."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise RefusedBody("has no boundary: its Content-Type must name one")
    delimiter = b"\r\n--" + (found[1] or found[2]).encode("latin-1")
    _, *sections = (b"\r\n" + raw).split(delimiter, _MOST_PARTS + 2)
    if len(sections) > _MOST_PARTS:
        raise RefusedBody(f"has more than {_MOST_PARTS} parts")
    last = next((at for at, each in enumerate(sections) if each.startswith(b"--")), None)
    if last is None:
        raise RefusedBody("is not whole: its last boundary is missing")
    return [_part(section) for section in sections[:last]]


def _part(section: bytes) -> Part:
    rest, _, section = section.partition(b"\r\n")
    if rest.strip():
        raise RefusedBody("has a boundary that is not a line of its own")
    head, separator, content = (b"\r\n" + section).partition(b"\r\n\r\n")
    if not separator or len(head) > _MOST_HEAD:
        raise RefusedBody("has a part whose headers do not end")
    headers: dict[str, str] = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    disposition = headers.get("content-disposition", "")
    said = {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(disposition)}
    return Part(said.get("name", ""), said.get("filename", said.get("filename*")), headers, content)


class Multipart:
    """One schema's multipart body, compiled."""

    def __init__(self, schema: Schema, encoding: Mapping[str, Encoding]) -> None:
        self._shape = shape_of(schema)
        self._fields = {
            name: _Field(each, encoding.get(name, Encoding())) for name, each in properties(schema).items()
        }
        self._other = {
            name: _Field(ANYTHING, each) for name, each in encoding.items() if name not in self._fields
        }

    def readings(self, raw: bytes, content_type: str, reasons: list[Reason]) -> Iterator[JSON]:
        """The body as an object of its named parts; as a list where no part has a name."""
        parts = parts_of(raw, content_type)
        if parts and not any(part.name for part in parts):
            yield [
                _Field(ANYTHING, Encoding(), self._shape.item(at)).value([p]) for at, p in enumerate(parts)
            ]
            return
        named: dict[str, list[Part]] = {}
        for part in parts:
            named.setdefault(part.name, []).append(part)
        found: dict[str, JSON] = {}
        for name, each in named.items():
            field = self._fields.get(name) or self._other.get(name)
            field = field or _Field(ANYTHING, Encoding(), self._shape.member(name))
            try:
                reasons.extend(Reason(f"/{name}", why) for part in each for why in field.wrong(part))
                found[name] = field.value(each)
            except (Undecodable, RefusedBody) as error:
                reasons.append(Reason(f"/{name}", str(error)))
        yield found


class _Field:
    """One property of the body: how its parts are read, and what is asked of them."""

    def __init__(self, schema: Schema, encoding: Encoding, shape: Shape | None = None) -> None:
        self._shape = shape or shape_of(schema)
        self._validator = compile_schema(schema, "request")
        self._encoding = encoding
        self._kinds = [Named(each) for each in encoding.content_type.split(",") if each.strip()]
        self._headers = [_PartHeader(each) for each in encoding.headers.values()]
        self._is_binary = says(schema, "format") == "binary" or says(schema, "contentMediaType") is not None

    def wrong(self, part: Part) -> Iterator[str]:
        """What its encoding asks of a part that it does not keep."""
        given = Named(part.headers.get("content-type", ""))
        if self._kinds and given.kind and not any(each.fits(given) for each in self._kinds):
            yield f"must be sent as {', '.join(each.kind for each in self._kinds)}"
        for header in self._headers:
            yield from header.wrong(part.headers)

    def value(self, parts: list[Part]) -> JSON:
        """The value of the parts of one name: the first reading that the property's schema takes."""
        listed = self._shape.is_array and not self._as_json(parts[0], self._shape)
        if len(parts) > 1 and not listed and self._shape.kinds:
            raise Undecodable("is given more than once")
        values: list[JSON] = []
        for meaning in Meaning:
            if listed or len(parts) > 1:
                value: JSON = [self._one(p, self._shape.item(at), meaning) for at, p in enumerate(parts)]
            else:
                value = self._one(parts[0], self._shape, meaning)
            if self._validator.is_valid(value):
                return value
            values.append(value)
        return values[0]

    def _as_json(self, part: Part, shape: Shape) -> bool:
        if part.kind or (self._encoding.content_type and "," not in self._encoding.content_type):
            return is_json(part.kind or self._encoding.content_type)
        return shape.is_object and part.filename is None

    def _one(self, part: Part, shape: Shape, meaning: Meaning) -> JSON:
        if self._as_json(part, shape):
            return parse_json(part.content)
        is_text = part.kind.startswith("text/") or not part.kind
        if self._is_binary or part.filename is not None or not is_text:
            return part.content.decode("latin-1")
        try:
            return typed(part.content.decode(), shape, meaning)
        except UnicodeDecodeError:
            raise Undecodable("is not UTF-8") from None


class _PartHeader:
    """A header that every part of a property has, or may have."""

    def __init__(self, header: Header) -> None:
        self._name, self._required = header.name, header.required
        schema = header.schema or ANYTHING
        self._validator = compile_schema(schema, "request")
        self._style = Style(Parameter(header.name, "header", False, schema, "simple", header.explode))

    def wrong(self, headers: Mapping[str, str]) -> Iterator[str]:
        text = headers.get(self._name.lower())
        if text is None:
            if self._required:
                yield f"needs the header {self._name}"
            return
        try:
            values = list(self._style.readings({self._name: [text]}))
        except Undecodable as error:
            yield f"has a header {self._name} that {error}"
            return
        if not any(map(self._validator.is_valid, values)):
            yield f"has a header {self._name} that {self._validator.violations(values[0])[0].detail}"
