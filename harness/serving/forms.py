"""Form bodies (``application/x-www-form-urlencoded``) by the styles and content types of their encoding.

Source: OpenAPI 3.1 and 3.2, Encoding Object. A property without an encoding is written in style ``form``,
an object among them as JSON or, as many frameworks do, as ``name[member]``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.contract.model import JSON, Encoding, Parameter, Schema
from harness.contract.schema import compile_schema, properties
from harness.contract.styles import is_json
from harness.serving.media import RefusedBody, parse_json
from harness.serving.problems import Reason
from harness.serving.shapes import Shape, Undecodable, shape_of, typed
from harness.serving.styles import Pairs, Style, text_of

_MOST_FIELDS = 10_000


class Form:
    """One schema's form, compiled."""

    def __init__(self, schema: Schema, encoding: Mapping[str, Encoding]) -> None:
        self._shape = shape_of(schema)
        self._fields = [_Field(name, each, encoding.get(name)) for name, each in properties(schema).items()]

    def readings(self, raw: bytes, reasons: list[Reason]) -> Iterator[JSON]:
        """The form as an object, each field in the first reading that its own schema takes."""
        if raw.count(b"&") > _MOST_FIELDS:
            raise RefusedBody(f"has more than {_MOST_FIELDS} fields")
        pairs: dict[str, list[str]] = {}
        try:
            for part in raw.decode("latin-1").split("&"):
                name, _, text = part.partition("=")
                if part:
                    pairs.setdefault(text_of(name, plus=True), []).append(text)
        except Undecodable as error:
            raise RefusedBody(f"has a field whose name {error}") from None
        found: dict[str, JSON] = {}
        left = dict(pairs)
        for field in self._fields:
            try:
                for name in field.claims(pairs):
                    left.pop(name, None)
                field.read(pairs, found)
            except (Undecodable, RefusedBody) as error:
                reasons.append(Reason(f"/{field.name}", str(error)))
        for name, texts in left.items():
            try:
                found[name] = _free(texts, self._shape.member(name))
            except Undecodable as error:
                reasons.append(Reason("", f"a field {error}"))
        yield found


def _free(texts: list[str], shape: Shape) -> JSON:
    """A field that the schema does not name."""
    decoded = [text_of(text, plus=True) for text in texts]
    return typed(decoded if shape.is_array or len(decoded) > 1 else decoded[0], shape)


class _Field:
    """One property of the form."""

    def __init__(self, name: str, schema: Schema, encoding: Encoding | None) -> None:
        self.name, said = name, encoding or Encoding()
        self._validator = compile_schema(schema, "request")
        style = said.style or "form"
        explode = said.explode if said.explode is not None else style == "form"
        self._style = Style(Parameter(name, "query", False, schema, style, explode))
        self._deep = Style(Parameter(name, "query", False, schema, "deepObject", True))
        by_style = bool(said.style) or said.explode is not None
        shape = self._style.shape
        items = shape.items.kinds if shape.items else frozenset[str]()
        self._is_free = not by_style and not said.content_type
        self._is_json = not by_style and is_json(said.content_type or None)
        self._may_be_json = self._is_free and (shape.is_object or "object" in items)

    def claims(self, pairs: Pairs) -> set[str]:
        """The names that belong to this field."""
        if self._is_json:
            return {self.name} & pairs.keys()
        if not self._is_free:
            return self._style.claims(pairs)
        return self._deep.claims(pairs) | ({self.name} & pairs.keys()) | self._style.claims(pairs)

    def read(self, pairs: Pairs, into: dict[str, JSON]) -> None:
        """Put the value where it goes, if there is one."""
        values: list[JSON] = []
        failed: Undecodable | RefusedBody | None = None
        try:
            for value in self._readings(pairs):
                if self._validator.is_valid(value):
                    into[self.name] = value
                    return
                values.append(value)
        except (Undecodable, RefusedBody) as error:
            failed = error
        if values:
            into[self.name] = values[0]  # the validator of the whole says what is wrong
        elif failed is not None:
            raise failed

    def _readings(self, pairs: Pairs) -> Iterator[JSON]:
        texts = pairs.get(self.name)
        if texts is not None and (self._is_json or self._may_be_json):
            try:
                parsed = [parse_json(text_of(text, plus=True).encode()) for text in texts]
                yield parsed if self._style.shape.is_array and not isinstance(parsed[0], list) else parsed[0]
            except RefusedBody:
                if self._is_json:
                    raise
        if self._is_json:
            return
        if self._is_free and any(name.startswith(f"{self.name}[") for name in pairs):
            yield from self._deep.readings(pairs)
            return
        yield from self._style.readings(pairs)
