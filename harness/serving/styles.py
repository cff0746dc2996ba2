"""Parameters from text to values, as OpenAPI's styles serialise them.

Source: OpenAPI 3.1 and 3.2, "Style Values"; ``contract.styles`` is the reverse. The style says where one
text ends and the next begins, the schema's shape what each may mean. Where that leaves more than one reading
open, all are offered, the specification's own first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from harness.contract.model import JSON, Parameter
from harness.serving.shapes import Meaning, Shape, Texts, Undecodable, shape_of, typed

Pairs = Mapping[str, list[str]]
"""Names to the texts given for them, still percent-encoded."""

_SEPARATORS = {"spaceDelimited": " ", "pipeDelimited": "|"}
_DEEPEST = 8
"""Levels of brackets in ``deepObject``."""


class Style:
    """One parameter's way of being written, compiled. ``is_plain``: it is one text and no more."""

    def __init__(self, parameter: Parameter) -> None:
        self.name, self.shape = parameter.name, shape_of(parameter.schema)
        self._style, self._explode = parameter.style, parameter.explode
        self._separator = _SEPARATORS.get(parameter.style, ",")
        self._trims = parameter.location == "header"  # white space around the commas of a list (RFC 9110)
        raw = parameter.location == "header" or parameter.style == "cookie"
        self.decoded = _as_it_is if raw else _text_of_query if parameter.location == "query" else text_of
        self._spreads = self.shape.is_object and self._explode and self._style in ("form", "cookie")
        others = self.shape.kinds - {"object", "null"}
        self._single = not self.shape.kinds or bool(others - {"array"})
        self._is_named = bool(others) or not (self._spreads or self._style == "deepObject")
        self._repeats = self._explode and self._style not in ("simple", "label", "matrix")
        self.is_plain = not (self.shape.is_array or self.shape.is_object) and self._style in (
            "form",
            "simple",
        )
        self._prefixed: Callable[[str], Iterator[Texts]] | None = {
            "label": self._label,
            "matrix": self._matrix,
        }.get(self._style)

    def claims(self, pairs: Pairs) -> set[str]:
        """The names that belong to this parameter."""
        own = {self.name} & pairs.keys() if self._is_named else set()
        if self._style == "deepObject":
            return own | {name for name in pairs if name.startswith(f"{self.name}[")}
        return own | {name for name in pairs if self.shape.takes(name)} if self._spreads else own

    def readings(self, pairs: Pairs, unclaimed: set[str] | None = None) -> Iterator[JSON]:
        """What may be meant, one after the other; nothing if the parameter is left out.

        ``unclaimed`` are names that no parameter declares: an open object whose members spread takes them.
        Raises Undecodable at last where a reading could not be.
        """
        found: list[Texts] = []
        failed: Undecodable | None = None
        try:
            found.extend(self._texts(pairs, unclaimed))
        except Undecodable as error:
            failed = error
        for meaning in Meaning:
            for texts in found:
                try:
                    yield typed(texts, self.shape, meaning)
                except Undecodable as error:
                    failed = failed or error
        if failed is not None:
            raise failed

    def _texts(self, pairs: Pairs, unclaimed: set[str] | None) -> Iterator[Texts]:
        if self._style == "deepObject":
            yield from self._deep(pairs)
        elif self._spreads and not (self._is_named and self.name in pairs):
            yield from self._members(pairs, unclaimed)
        elif self.name in pairs:
            yield from self._named(pairs[self.name])

    def _named(self, texts: list[str]) -> Iterator[Texts]:
        if self.shape.is_array and self._repeats and (len(texts) > 1 or not self._single):
            yield [self.decoded(text) for text in texts]
            if texts == [""]:
                yield []
            return
        text = _only(texts)
        if self._prefixed is not None:
            yield from self._prefixed(text)
            return
        alone = self._single and (self._separator not in text or not self.shape.is_array)
        if alone:
            yield self.decoded(text)
        if self.shape.is_array:
            yield from [[self.decoded(text)]] if self._repeats else self._lists(text, self._separator)
        if self._single and not alone:
            yield self.decoded(text)
        if self.shape.is_object:
            yield self._object(text, self._separator, self._explode)

    def _lists(self, text: str, separator: str) -> Iterator[Texts]:
        """An encoded separator is part of its value; but clients that encode every one are understood
        where no bare one is left and the value would not do as it is."""
        if separator in text or (separator == "," and "%" not in text and text):
            parts = [self.decoded(part) for part in text.split(separator)]
            yield [part.strip() for part in parts] if self._trims else parts
            return
        whole = self.decoded(text)
        if separator in (",", ".") and whole:
            yield [whole]
        yield whole.split(separator) if whole else []
        if not whole:
            yield [""]

    def _object(self, text: str, separator: str, explode: bool) -> Texts:
        encoded = separator not in text and not (explode and "=" in text)
        if encoded and (separator != "," or "," in self.decoded(text)):
            parts = self.decoded(text).split(separator)  # every separator is encoded
            pairs = [part.partition("=")[::2] for part in parts] if explode else _in_turn(parts)
        elif explode:
            pairs = [part.partition("=")[::2] for part in text.split(separator)]
            pairs = [(self.decoded(name.strip()), self.decoded(value)) for name, value in pairs]
        else:
            pairs = _in_turn([self.decoded(part.strip()) for part in text.split(separator)])
        return _unique(pairs) if text else {}

    def _label(self, text: str) -> Iterator[Texts]:
        if not text.startswith("."):
            raise Undecodable("must begin with '.'")
        text, separator = text[1:], "." if self._explode else ","
        if self.shape.is_array:
            yield from self._lists(text, separator)
        if self._single:
            yield self.decoded(text)
        if self.shape.is_object:
            yield self._object(text, separator, self._explode)

    def _matrix(self, text: str) -> Iterator[Texts]:
        pairs = [part.partition("=") for part in text[1:].split(";")]
        names = [self.decoded(name) for name, _, _ in pairs]  # ";color" alone is an empty value
        own = set(names) == {self.name}
        spread = self._explode and self.shape.is_object and not (own and self._single)
        if not text.startswith(";") or not (own or spread):
            raise Undecodable(f"must begin with ';{self.name}'" if not spread else "must begin with ';'")
        texts = [each for _, _, each in pairs]
        if spread:
            yield _unique(list(zip(names, map(self.decoded, texts), strict=True)))
            return
        if self.shape.is_array and self._explode:
            yield [self.decoded(each) for each in texts]
        elif self.shape.is_array:
            yield from self._lists(_only(texts), ",")
        if self._single:
            yield self.decoded(_only(texts))
        if self.shape.is_object:
            yield self._object(_only(texts), ",", False)

    def _members(self, pairs: Pairs, unclaimed: set[str] | None) -> Iterator[Texts]:
        names = self.claims(pairs)
        if unclaimed is not None and not self.shape.closed:
            names |= unclaimed
            unclaimed.clear()
        if names:
            yield {name: self._member(self.shape.member(name), pairs[name]) for name in sorted(names)}

    def _deep(self, pairs: Pairs) -> Iterator[Texts]:
        names = sorted(self.claims(pairs))
        if names == [self.name] and not self.shape.is_object:
            yield from self._named(pairs[self.name])
        elif names:
            yield self._nested([(_bracketed(self.name, name), pairs[name]) for name in names], self.shape)

    def _nested(self, branches: list[tuple[list[str], list[str]]], shape: Shape) -> Texts:
        """The texts of ``name[a][b]=1``: below each key what stands in the next brackets."""
        leaves = [texts for keys, texts in branches if not keys]
        if leaves:
            if len(leaves) < len(branches):
                raise Undecodable("is given as a value and as an object at once")
            return self._member(shape, [text for texts in leaves for text in texts])
        below: dict[str, list[tuple[list[str], list[str]]]] = {}
        for (key, *keys), texts in branches:
            below.setdefault(key, []).append((keys, texts))
        if shape.is_array and not shape.is_object and all(not key or key.isdecimal() for key in below):
            listed = sorted(below, key=lambda key: int(key[:9] or "0"))
            items = [self._nested(below[key], shape.item(at)) for at, key in enumerate(listed) if key]
            for _, texts in below.get("", ()):
                items.extend(self.decoded(text) for text in texts)
            return items
        return {key: self._nested(each, shape.member(key)) for key, each in below.items()}

    def _member(self, shape: Shape, texts: list[str]) -> Texts:
        """What is given more than once is a list, where it may be one: of a member of no type anything is."""
        if len(texts) > 1 and not shape.kinds:
            return [self.decoded(each) for each in texts]
        if shape.is_array and not (len(texts) == 1 and shape.kinds - {"array", "null"}):
            return [self.decoded(each) for each in texts]
        return self.decoded(_only(texts))


def _bracketed(owner: str, name: str) -> list[str]:
    """``["a", "b"]`` of ``owner[a][b]``."""
    inside = name[len(owner) :]
    keys = inside[1:-1].split("][")
    plain = all("[" not in key and "]" not in key for key in keys)
    if not (inside.startswith("[") and inside.endswith("]") and plain and len(keys) <= _DEEPEST):
        raise Undecodable(f"must be given as {owner}[member]")
    return keys


def _in_turn(parts: list[str]) -> list[tuple[str, str]]:
    if len(parts) % 2:
        raise Undecodable("must be names and values in turn")
    return list(zip(parts[::2], parts[1::2], strict=True))


def _unique(pairs: list[Any]) -> dict[str, Texts]:
    members: dict[str, Texts] = dict(pairs)
    if len(members) != len(pairs):
        raise Undecodable("has a member that is given more than once")
    return members


def _only(texts: list[str]) -> str:
    if len(texts) > 1:
        raise Undecodable("is given more than once")
    return texts[0]


def text_of(raw: str, *, plus: bool = False) -> str:
    """Percent-decode strictly; ``raw`` holds bytes as latin-1 does. Raises Undecodable."""
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
    return text_of(raw, plus=True)


def _as_it_is(raw: str) -> str:
    return raw
