"""A request's parameters, and what is wrong with them.

Each parameter is compiled once; a request then only looks up. A parameter that is not documented, is given
twice, cannot mean what its schema asks, holds a NUL or is not UTF-8 is a reason to refuse: a silent
misspelling is a failure that nobody notices.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from harness.contract.model import IGNORED_HEADERS, JSON, MediaType, Operation, Parameter
from harness.contract.schema import ANYTHING, Validator, compile_schema, says
from harness.serving.known_heads import VARYING
from harness.serving.media import Media, RefusedBody
from harness.serving.problems import Reason
from harness.serving.shapes import Undecodable, scalar
from harness.serving.styles import Pairs, Style, text_of

_TEMPLATE = re.compile(r"\{([^{}]+)\}")


@dataclass(slots=True)
class Decoded:
    """What one request's parameters are, or why they are refused."""

    path: dict[str, JSON] = field(default_factory=dict)
    query: dict[str, JSON] = field(default_factory=dict)
    reasons: list[Reason] = field(default_factory=list)


class Parameters:
    """One operation's parameters. ``elsewhere`` names query parameters that security reads.

    A name in the path that nobody declares is any text; a declared one that is not in the path is none.
    """

    def __init__(self, operation: Operation, elsewhere: Iterable[str] = ()) -> None:
        readers = [_Reader(each) for each in operation.parameters if not _ignored(each)]
        self._path = [each for each in readers if each.location == "path"]
        undeclared = dict.fromkeys(_TEMPLATE.findall(operation.path))
        for name in undeclared.keys() - {each.name for each in self._path}:
            self._path.append(_Reader(Parameter(name, "path", True, ANYTHING)))
        self._query = [each for each in readers if each.location == "query"]
        self._whole = [each for each in readers if each.location == "querystring"]
        self._headers = [each for each in readers if each.location == "header"]
        self._varying = [each for each in self._headers if each.key in VARYING]
        self._cookies = [each for each in readers if each.location == "cookie"]
        self._elsewhere = frozenset(elsewhere)
        self._plain = {each.name: each for each in self._query if each.is_plain}
        self._awaited = [each.name for each in self._query if not each.may_be_missing]

    def decode(self, path: Mapping[str, str], query_string: bytes, headers: Mapping[str, str]) -> Decoded:
        """Decode and check everything at once; ``reasons`` holds all that is wrong."""
        decoded = Decoded()
        for reader in self._path:
            text = path.get(reader.name)
            if text is not None and not reader.takes(text, decoded.path):
                reader.read({reader.name: [text]}, decoded.path, decoded.reasons)
        for reader in self._whole:
            pairs = {reader.name: [query_string.decode("latin-1")]} if query_string else {}
            reader.read(pairs, decoded.query, decoded.reasons)
        if (query_string or self._query) and not self._whole:
            self._decode_query(query_string, decoded)
        for reader in self._headers:
            reader.read_header(headers, decoded.reasons)
        if self._cookies:
            pairs = _cookies(headers.get("cookie", ""))
            for reader in self._cookies:
                reader.read(pairs, {}, decoded.reasons)
        return decoded

    def varying(self, headers: Mapping[str, str], only: str | None = None) -> list[Reason]:
        """What is wrong with the headers that vary from request to request: see ``known_heads``; or with this
        one of them."""
        reasons: list[Reason] = []
        for reader in self._varying:
            if only in (None, reader.key):
                reader.read_header(headers, reasons)
        return reasons

    def _takes_query(self, query: str, into: dict[str, JSON]) -> bool:
        """Read a query of single values that are all as they should be, as nearly always; else nothing is
        said yet: see ``_decode_query``."""
        for part in query.split("&") if query else ():
            name, _, text = part.partition("=")
            reader = self._plain.get(name)
            if reader is None or name in into or not reader.takes(text, into):
                return False
        return all(name in into for name in self._awaited)

    def _decode_query(self, query_string: bytes, decoded: Decoded) -> None:
        if self._takes_query(query_string.decode("latin-1"), decoded.query):
            return
        decoded.query.clear()
        pairs: dict[str, list[str]] = {}
        for part in query_string.decode("latin-1").split("&") if query_string else ():
            name, _, text = part.partition("=")
            try:
                pairs.setdefault(text_of(name, plus=True), []).append(text)
            except Undecodable as error:
                decoded.reasons.append(Reason("/query", f"a parameter's name {error}"))
        unclaimed = set(pairs) - self._elsewhere
        for reader in self._query:
            unclaimed -= reader.claims(pairs)
        for reader in self._query:
            texts = pairs.get(reader.name)
            if texts is not None and len(texts) == 1 and reader.takes(texts[0], decoded.query):
                continue
            reader.read(pairs, decoded.query, decoded.reasons, unclaimed)
        for name in sorted(unclaimed):
            decoded.reasons.append(Reason(f"/query/{_token(name[:64])}", "is not a documented parameter"))


class _Reader:
    """One parameter, compiled."""

    def __init__(self, parameter: Parameter) -> None:
        self.name, self.location = parameter.name, parameter.location
        self.key = self.name.lower() if self.location == "header" else self.name
        self._required, self._allow_empty = parameter.required, parameter.allow_empty
        self._style = Style(parameter)
        self._validator: Validator = compile_schema(parameter.schema, "request")
        self._pointer = f"/{self.location}/{_token(self.name)}"
        self._default = says(parameter.schema, "default")
        self._media: Media | None = None
        self._plain = self._style.is_plain and parameter.content_type is None
        self.may_be_missing = self._plain and not self._required and self._default is None
        """Whether there is nothing to say where it is not given."""
        self._is_text = self._style.shape.kinds == {"string"}
        if parameter.content_type is not None:
            self._media = Media(MediaType(parameter.content_type, parameter.schema))
            self._content_type = parameter.content_type.lower()

    @property
    def is_plain(self) -> bool:
        """Whether it is one text of one type."""
        return self._plain

    def claims(self, pairs: Pairs) -> set[str]:
        """The query names that belong to this parameter."""
        if self._plain:
            return {self.name}
        return self._style.claims(pairs) if self._media is None else {self.name} & pairs.keys()

    def takes(self, text: str, into: dict[str, JSON]) -> bool:
        """Put the value where it goes, if this is one text of one type, as nearly always, and keeps its
        schema; else nothing is said yet: see ``read``."""
        if not self._plain or (not text and self._allow_empty):
            return False
        try:
            value: JSON = self._style.decoded(text)
            if not self._is_text:
                value = scalar(value, self._style.shape)
        except Undecodable:
            return False
        if self._validator.is_valid(value):
            into[self.name] = value
            return True
        return False

    def read_header(self, headers: Mapping[str, str], reasons: list[Reason]) -> None:
        """Check the header that it is; nobody asks for its value."""
        text = headers.get(self.key)
        if text is None:
            if not self.may_be_missing:
                self.read({}, {}, reasons)
        elif not self.takes(text, {}):
            self.read({self.name: [text]}, {}, reasons)

    def read(
        self, pairs: Pairs, into: dict[str, JSON], reasons: list[Reason], unclaimed: set[str] | None = None
    ) -> None:
        """Decode, check, and put the value where it goes or the reasons where they go."""
        if self._allow_empty and pairs.get(self.name) == [""]:
            into[self.name] = ""
            return
        values: list[JSON] = []
        wrong = ""
        try:
            for value in self._readings(pairs, unclaimed):
                if self._validator.is_valid(value):
                    into[self.name] = value
                    return
                values.append(value)
        except Undecodable as error:
            wrong = str(error)
        if values:
            for each in self._validator.violations(values[0]):
                reasons.append(Reason(self._pointer + each.pointer, each.detail))
            into[self.name] = values[0]
        elif wrong or self._required:
            reasons.append(Reason(self._pointer, wrong or "is required"))
        elif self._default is not None:
            into[self.name] = self._default

    def _readings(self, pairs: Pairs, unclaimed: set[str] | None) -> Iterator[JSON]:
        if self._media is None:
            texts = pairs.get(self.name) if self._plain else None
            if texts is not None and len(texts) == 1:
                yield scalar(self._style.decoded(texts[0]), self._style.shape)
            yield from self._style.readings(pairs, unclaimed)
        elif (texts := pairs.get(self.name)) is not None:
            if len(texts) > 1:
                raise Undecodable("is given more than once")
            whole = self.location == "querystring"
            text = texts[0] if whole else self._style.decoded(texts[0])
            raw = text.encode("latin-1" if whole else "utf-8", "surrogateescape")
            try:
                yield from self._media.readings(raw, self._content_type, self._content_type, [])
            except RefusedBody as error:
                raise Undecodable(str(error)) from None


def _ignored(parameter: Parameter) -> bool:
    return parameter.location == "header" and parameter.name.lower() in IGNORED_HEADERS


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
