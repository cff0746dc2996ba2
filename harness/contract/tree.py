"""A stream of tokens, of YAML or JSON, to plain JSON values with the line and column of every node.

Scalars follow the YAML 1.2 core schema (section 10.3): dates stay text, and ``on``, ``yes`` and ``no`` are
not booleans. Mapping keys become text as written, for JSON knows no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from harness.contract.model import JSON
from harness.errors import ContractError

MAX_DEPTH = 200
MAX_NODES = 1_000_000
"""Nodes in one document once its aliases are written out; thirty nested aliases make billions."""

Position = tuple[int, int]
"""Line and column, from 1."""

Marks = dict[int, dict[str | int, Position]]
"""``id`` of a container → its key or index → where that stands."""

_NULL = re.compile(r"(~|null|Null|NULL|)\Z")
_BOOL = re.compile(r"(true|True|TRUE|false|False|FALSE)\Z")
_INT = re.compile(r"[-+]?[0-9]{1,400}\Z")
_OCTAL_OR_HEX = re.compile(r"0(o[0-7]{1,400}|x[0-9a-fA-F]{1,400})\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_CORE = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(_CORE + name for name in ("int", "float", "bool", "null"))


@dataclass(slots=True)
class Token:
    """``plain`` is True for an unquoted scalar; ``start`` opens a document, ``end`` closes a map or list."""

    kind: Literal["start", "scalar", "map", "list", "end", "alias"]
    at: Position
    text: str = ""
    plain: bool = False
    tag: str | None = None
    anchor: str | None = None


@dataclass(slots=True)
class _Frame:
    """A mapping or list that is still open."""

    container: dict[str, JSON] | list[JSON]
    token: Token
    key: str | None = None
    marks: dict[str | int, Position] = field(default_factory=dict)
    merged: list[dict[str, JSON]] = field(default_factory=list)
    size: int = 1

    @property
    def awaits_key(self) -> bool:
        return isinstance(self.container, dict) and self.key is None


def plain_value(text: str) -> JSON:
    """The value of an unquoted scalar."""
    if _NULL.match(text):
        return None
    if _BOOL.match(text):
        return text.lower() == "true"
    if _INT.match(text):
        return int(text)
    if _OCTAL_OR_HEX.match(text):
        return int(text, 0)
    return float(text) if _FLOAT.match(text) else text


def build(tokens: Iterable[Token], file: str) -> tuple[JSON, Marks]:
    """The document's value and where its nodes stand; ``file`` is for messages. Raises ContractError."""
    builder = _Builder(file)
    for token in tokens:
        builder.take(token)
    return builder.root, builder.marks


class _Builder:
    def __init__(self, file: str) -> None:
        self.file = file
        self.root: JSON = None
        self.documents = 0
        self.marks: Marks = {}
        self.frames: list[_Frame] = []
        self.anchors: dict[str, tuple[JSON, int]] = {}

    def take(self, token: Token) -> None:
        frame = self.frames[-1] if self.frames else None
        match token.kind:
            case "start":
                self.documents += 1
                if self.documents > 1:
                    raise self.error(token, "a second YAML document starts here", "one document in a file")
            case "end":
                self.close()
            case "scalar" if frame is not None and frame.awaits_key:
                self.key(frame, token)
            case _ if frame is not None and frame.awaits_key:
                raise self.error(token, "a mapping, a list or an alias stands where a key should", "a name")
            case "scalar":
                self.attach(self.remember(token, self.value_of(token), 1), 1, token)
            case "alias":
                self.attach(*self.aliased(token), token)
            case _:
                self.open(token)

    def error(self, token: Token, found: str, expected: str, remedy: str = "") -> ContractError:
        return ContractError(f"{self.file}:{token.at[0]}", found, expected, remedy)

    def remember(self, token: Token, value: JSON, size: int) -> JSON:
        if token.anchor:
            self.anchors[token.anchor] = (value, size)
        return value

    def key(self, frame: _Frame, token: Token) -> None:
        name = self.remember(token, token.text, 1)
        if name in frame.marks:
            found = (
                f"the key '{name}' is written twice in one mapping: here and in line {frame.marks[name][0]}"
            )
            raise self.error(token, found, "each key once", "Remove or rename one of the two")
        frame.key, frame.marks[name] = name, token.at

    def value_of(self, token: Token) -> JSON:
        if token.tag in _PLAIN_TAGS or (token.plain and token.tag is None):
            return plain_value(token.text)
        if token.tag is None or token.tag == "!" or token.tag.startswith(_CORE):
            return token.text
        raise self.error(token, f"the tag '{token.tag}' means nothing in a contract", "YAML without own tags")

    def aliased(self, token: Token) -> tuple[JSON, int]:
        if token.text not in self.anchors:
            found = f"the alias '*{token.text}' stands for nothing, or is inside what it stands for"
            raise self.error(token, found, f"an anchor '&{token.text}' that ends before this line")
        return self.anchors[token.text]

    def open(self, token: Token) -> None:
        if len(self.frames) >= MAX_DEPTH:
            raise self.error(token, f"this is nested deeper than {MAX_DEPTH} levels", "fewer levels")
        self.frames.append(_Frame({} if token.kind == "map" else [], token))

    def close(self) -> None:
        frame = self.frames.pop()
        for source in frame.merged:
            self.merge(frame, source)
        self.marks[id(frame.container)] = frame.marks
        self.remember(frame.token, frame.container, frame.size)
        self.attach(frame.container, frame.size, frame.token)

    def merge(self, frame: _Frame, source: dict[str, JSON]) -> None:
        """YAML 1.1's ``<<``, still in wide use: what is written in the mapping itself wins."""
        if isinstance(frame.container, dict):
            for key, value in source.items():
                if key not in frame.container:
                    frame.container[key] = value
                    frame.marks[key] = self.marks[id(source)][key]

    def attach(self, value: JSON, size: int, token: Token) -> None:
        if not self.frames:
            self.root = value
            return
        frame = self.frames[-1]
        frame.size += size
        if frame.size > MAX_NODES:
            found = f"its aliases expand to more than {MAX_NODES:,} nodes"
            raise self.error(token, found, "a document of readable size", "Use $ref instead of aliases")
        if isinstance(frame.container, list):
            frame.marks[len(frame.container)] = token.at
            frame.container.append(value)
        elif frame.key == "<<" and isinstance(value, dict | list):
            self.defer_merge(frame, value, token)
        else:
            frame.container[str(frame.key)] = value
        frame.key = None

    def defer_merge(self, frame: _Frame, value: JSON, token: Token) -> None:
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(source, dict) for source in sources):
            raise self.error(token, "'<<' merges something that is not a mapping", "an alias of a mapping")
        frame.merged.extend(sources)
