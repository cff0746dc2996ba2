"""Parameters from text to values, as OpenAPI's styles serialise them, and what is wrong with them.

Source: OpenAPI 3.1, "Style Values". Each parameter is compiled once; a request then only looks up. A
parameter that is not documented, is given twice, cannot mean what its schema asks, holds a NUL or is not
UTF-8 is a reason to refuse: a silent misspelling is a failure that nobody notices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_to_bytes

from harness.contract.model import JSON, Operation, Parameter
from harness.contract.schema import Validator, compile_schema, says
from harness.serving.bodies import RefusedBody, parse_json
from harness.serving.problems import Reason
from harness.serving.shapes import Undecodable, guesses, scalar, shape_of

IGNORED_HEADERS = frozenset({"accept", "content-type", "authorization"})
"""OpenAPI 3.1, "Parameter Object": these are not parameters, whatever a contract says."""

_SEPARATORS = {"form": ",", "simple": ",", "spaceDelimited": " ", "pipeDelimited": "|"}
_NOTHING: Any = object()

Pairs = Mapping[str, list[str]]
"""Names to the texts given for them, still percent-encoded."""


@dataclass(slots=True)
class Decoded:
    """What one request's parameters are, or why they are refused."""

    path: dict[str, JSON] = field(default_factory=dict)
    query: dict[str, JSON] = field(default_factory=dict)
    reasons: list[Reason] = field(default_factory=list)


class Parameters:
    """One operation's parameters. ``elsewhere`` names query parameters that security reads."""

    def __init__(self, operation: Operation, elsewhere: Iterable[str] = ()) -> None:
        readers = [_Reader(each) for each in operation.parameters if not _ignored(each)]
        self._path = [each for each in readers if each.location == "path"]
        self._query = [each for each in readers if each.location == "query"]
        self._headers = [each for each in readers if each.location == "header"]
        self._cookies = [each for each in readers if each.location == "cookie"]
        self._elsewhere = frozenset(elsewhere)

    def decode(self, path: Mapping[str, str], query_string: bytes, headers: Mapping[str, str]) -> Decoded:
        """Decode and check everything at once; ``reasons`` holds all that is wrong."""
        decoded = Decoded()
        for reader in self._path:
            reader.read({reader.name: [path[reader.name]]}, decoded.path, decoded.reasons)
        if query_string or self._query:
            self._decode_query(query_string, decoded)
        for reader in self._headers:
            text = headers.get(reader.key)
            reader.read({} if text is None else {reader.key: [text]}, {}, decoded.reasons)
        if self._cookies:
            pairs = _cookies(headers.get("cookie", ""))
            for reader in self._cookies:
                reader.read(pairs, {}, decoded.reasons)
        return decoded

    def _decode_query(self, query_string: bytes, decoded: Decoded) -> None:
        pairs: dict[str, list[str]] = {}
        for part in query_string.decode("latin-1").split("&") if query_string else ():
            name, _, text = part.partition("=")
            try:
                pairs.setdefault(_text(name, plus=True), []).append(text)
            except Undecodable as error:
                decoded.reasons.append(Reason("/query", f"a parameter's name {error}"))
        unclaimed = set(pairs) - self._elsewhere
        for reader in self._query:
            unclaimed -= reader.claims(pairs)
        for reader in self._query:
            reader.read(pairs, decoded.query, decoded.reasons, unclaimed)
        for name in sorted(unclaimed):
            decoded.reasons.append(Reason(f"/query/{_token(name[:64])}", "is not a documented parameter"))


class _Reader:
    """One parameter, compiled."""

    def __init__(self, parameter: Parameter) -> None:
        self.name, self.location = parameter.name, parameter.location
        self.key = self.name.lower() if self.location == "header" else self.name
        self._required = parameter.required
        self._style, self._explode = parameter.style, parameter.explode
        self._shape = shape_of(parameter.schema)
        self._validator: Validator = compile_schema(parameter.schema, "request")
        self._pointer = f"/{self.location}/{_token(self.name)}"
        default = says(parameter.schema, "default")
        self._default = _NOTHING if default is None else default
        self._json = parameter.content_type is not None
        self._decode_text: Callable[[str], str] = _decoders[self.location]
        self._members = self._shape.is_object and not self._json and self._style == "form" and self._explode

    def claims(self, pairs: Pairs) -> set[str]:
        """The query names that belong to this parameter."""
        if self._style == "deepObject":
            return {name for name in pairs if name.startswith(f"{self.name}[")}
        if self._members:
            return {name for name in pairs if name in self._shape.members}
        return {self.name} & pairs.keys()

    def read(
        self, pairs: Pairs, into: dict[str, JSON], reasons: list[Reason], unclaimed: set[str] | None = None
    ) -> None:
        """Decode, check, and put the value where it goes or the reasons where they go."""
        try:
            value = self._value(pairs, unclaimed)
        except Undecodable as error:
            reasons.append(Reason(self._pointer, str(error)))
            return
        if value is _NOTHING:
            if self._required:
                reasons.append(Reason(self._pointer, "is required"))
            elif self._default is not _NOTHING:
                into[self.name] = self._default
            return
        if not self._validator.is_valid(value):
            value = self._meant(value)
            for each in self._validator.violations(value):
                reasons.append(Reason(self._pointer + each.pointer, each.detail))
        into[self.name] = value

    def _meant(self, value: JSON) -> JSON:
        """Another reading of the text that its schema takes, if it names no type; else the same."""
        if isinstance(value, str) and not self._shape.kinds:
            return next((other for other in guesses(value) if self._validator.is_valid(other)), value)
        return value

    def _value(self, pairs: Pairs, unclaimed: set[str] | None) -> JSON:
        if self._style == "deepObject":
            return self._deep(pairs)
        if self._members:
            return self._exploded(pairs, unclaimed)
        texts = pairs.get(self.key)
        if texts is None:
            return _NOTHING
        if self._json:
            return _parsed(self._decode_text(self._only(texts)))
        if self._shape.is_array and self._takes_many(texts):
            return self._array(texts)
        if self._shape.is_object:
            return self._object(self._only(texts))
        return scalar(self._plain(self._only(texts)), self._shape)

    def _takes_many(self, texts: list[str]) -> bool:
        """Whether to read a list: always, unless the schema would take a single value as well."""
        single = self._shape.kinds - {"array", "null"}
        return not single or len(texts) > 1 or _SEPARATORS.get(self._style, ",") in texts[0]

    def _only(self, texts: list[str]) -> str:
        if len(texts) > 1:
            raise Undecodable("is given more than once")
        return texts[0]

    def _plain(self, text: str) -> str:
        """A single value without what label and matrix put before it."""
        text = self._decode_text(text)
        if self._style == "label":
            return text.removeprefix(".")
        return text.removeprefix(f";{self.name}=") if self._style == "matrix" else text

    def _array(self, texts: list[str]) -> JSON:
        if self._style == "form" and self._explode:
            parts = [self._decode_text(text) for text in texts]
        elif self._style == "matrix" and self._explode:
            parts = [self._plain(f";{part}") for part in self._only(texts).split(";") if part]
        elif self._style == "label":
            parts = self._split(self._only(texts).removeprefix("."), "." if self._explode else ",")
        elif self._style == "matrix":
            parts = self._split(self._only(texts).removeprefix(f";{self.name}="), ",")
        else:
            parts = self._split(self._only(texts), _SEPARATORS.get(self._style, ","))
        return [scalar(part, self._shape.item(index)) for index, part in enumerate(parts)]

    def _object(self, text: str) -> JSON:
        separator = _SEPARATORS.get(self._style, ",")
        if self._style in {"label", "matrix"}:
            mark = "." if self._style == "label" else ";"
            text = text.removeprefix(mark)
            separator = mark if self._explode else ","
            text = text if self._explode else text.removeprefix(f"{self.name}=")
        parts = self._split(text, separator)
        if self._explode:
            pairs = [part.partition("=")[::2] for part in parts]
        elif len(parts) % 2:
            raise Undecodable("must be names and values in turn")
        else:
            pairs = list(zip(parts[::2], parts[1::2], strict=True))
        return {name: scalar(value, self._shape.member(name)) for name, value in pairs}

    def _exploded(self, pairs: Pairs, unclaimed: set[str] | None) -> JSON:
        names = self.claims(pairs)
        if unclaimed is not None and not self._shape.closed:
            names |= unclaimed
            unclaimed.clear()
        members = {name: self._member(name, pairs[name]) for name in sorted(names)}
        return members or _NOTHING

    def _deep(self, pairs: Pairs) -> JSON:
        start = len(self.name) + 1
        members = {}
        for name in sorted(self.claims(pairs)):
            if not name.endswith("]") or "[" in name[start:] or "]" in name[start:-1]:
                raise Undecodable(f"must be given as {self.name}[member]")
            members[name[start:-1]] = self._member(name[start:-1], pairs[name])
        return members or _NOTHING

    def _member(self, name: str, texts: list[str]) -> JSON:
        shape = self._shape.member(name)
        if shape.is_array:
            return [scalar(self._decode_text(each), shape.item(at)) for at, each in enumerate(texts)]
        return scalar(self._decode_text(self._only(texts)), shape)

    def _split(self, text: str, separator: str) -> list[str]:
        """Split before decoding, so that an encoded separator stays in its value; clients that encode
        every separator are understood where no bare one is left."""
        if separator in text:
            return [self._decode_text(part) for part in text.split(separator)]
        text = self._decode_text(text)
        return text.split(separator) if text else []


def _ignored(parameter: Parameter) -> bool:
    return parameter.location == "header" and parameter.name.lower() in IGNORED_HEADERS


def _text(raw: str, *, plus: bool = False) -> str:
    """Percent-decode strictly; ``raw`` holds bytes as latin-1 does."""
    if plus and "+" in raw:
        raw = raw.replace("+", " ")
    try:
        text = raw if raw.isascii() and "%" not in raw else unquote_to_bytes(raw.encode("latin-1")).decode()
    except UnicodeDecodeError:
        raise Undecodable("is not UTF-8") from None
    if "\0" in text:
        raise Undecodable("holds a NUL character")
    return text


def _text_of_query(raw: str) -> str:
    return _text(raw, plus=True)


def _text_of_header(raw: str) -> str:
    return raw


_decoders: Mapping[str, Callable[[str], str]] = {
    "path": _text,
    "query": _text_of_query,
    "header": _text_of_header,
    "cookie": _text,
}


def _parsed(text: str) -> JSON:
    try:
        return parse_json(text.encode("utf-8", "surrogateescape"))
    except RefusedBody as error:
        raise Undecodable(str(error)) from None


def _cookies(header: str) -> dict[str, list[str]]:
    pairs: dict[str, list[str]] = {}
    for part in header.split(";"):
        name, separator, value = part.strip().partition("=")
        if separator:
            pairs.setdefault(name, []).append(value)
    return pairs


def _token(name: str) -> str:
    """A name as one token of a JSON pointer (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
