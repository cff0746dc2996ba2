"""What a parser of YAML or JSON meets, to plain JSON values with the line and column of every node.

Scalars follow the YAML 1.2 core schema (section 10.3): dates stay text, and ``on``, ``yes`` and ``no`` are
not booleans. Mapping keys become text as written, for JSON knows no other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from harness.contract.model import JSON
from harness.errors import ContractError

MAX_DEPTH = 100
"""Levels of mappings and lists inside one another; nothing that walks a tree recurses deeper than this."""

MAX_NODES = 600_000
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
_FIRST = frozenset("~nNtTfF+-.0123456789")
"""What a scalar that is not text may begin with."""

_CORE = "tag:yaml.org,2002:"
_PLAIN_TAGS = frozenset(_CORE + name for name in ("int", "float", "bool", "null"))


@dataclass(slots=True)
class _Frame:
    """A mapping or list that is still open."""

    container: dict[str, JSON] | list[JSON]
    at: Position
    anchor: str | None
    key: str | None = None
    marks: dict[str | int, Position] = field(default_factory=dict)
    merged: list[dict[str, JSON]] = field(default_factory=list)
    size: int = 1
    merges: bool = False
    """Whether ``key`` is YAML 1.1's ``<<``."""


def plain_value(text: str) -> JSON:
    """The value of an unquoted scalar."""
    if text and text[0] not in _FIRST:
        return text
    if _INT.match(text):
        return int(text)
    if _NULL.match(text):
        return None
    if _BOOL.match(text):
        return text.lower() == "true"
    if _OCTAL_OR_HEX.match(text):
        return int(text, 0)
    return float(text) if _FLOAT.match(text) else text


class Builder:
    """Takes what a parser meets, in its order; ``root`` and ``marks`` are then the document.

    ``file`` is for messages. Every method raises ContractError.
    """

    def __init__(self, file: str) -> None:
        self.file = file
        self.root: JSON = None
        self.documents = 0
        self.marks: Marks = {}
        self.frames: list[_Frame] = []
        self.anchors: dict[str, tuple[JSON, int]] = {}

    def start(self, at: Position) -> None:
        """A YAML document begins."""
        self.documents += 1
        if self.documents > 1:
            found, remedy = "a second YAML document starts here", "Move it to a file of its own"
            raise self.error(at, found, "one document in a file", remedy)

    def scalar(
        self, text: str, at: Position, plain: bool, tag: str | None = None, anchor: str | None = None
    ) -> None:
        """A key or a value; ``plain`` is True for an unquoted one."""
        frame = self.frames[-1] if self.frames else None
        if frame is not None and frame.key is None and isinstance(frame.container, dict):
            self.key(frame, text, at, merges=plain and text == "<<")
            value: JSON = text
        else:
            value = plain_value(text) if plain and tag is None else self.tagged(text, at, plain, tag)
            self.attach(value, 1, at)
        if anchor:
            self.anchors[anchor] = (value, 1)

    def alias(self, name: str, at: Position) -> None:
        """What an anchor stands for, once more; a key that is an alias is the text that it stands for."""
        if name not in self.anchors:
            found = f"the alias '*{name}' stands for nothing, or is inside what it stands for"
            raise self.error(at, found, f"an anchor '&{name}' that ends before this line")
        value, size = self.anchors[name]
        frame = self.frames[-1] if self.frames else None
        if frame is not None and frame.key is None and isinstance(frame.container, dict):
            if not isinstance(value, str):
                raise self.no_key(at)
            self.key(frame, value, at)
        else:
            self.attach(value, size, at)

    def open(self, container: dict[str, JSON] | list[JSON], at: Position, anchor: str | None = None) -> None:
        """A mapping or a list begins; ``container`` is the empty one to fill."""
        if len(self.frames) >= MAX_DEPTH:
            found, remedy = f"this is nested deeper than {MAX_DEPTH} levels", "Use $ref to what lies deeper"
            raise self.error(at, found, "fewer levels", remedy)
        if self.frames and self.frames[-1].key is None and isinstance(self.frames[-1].container, dict):
            raise self.no_key(at)
        self.frames.append(_Frame(container, at, anchor))

    def close(self) -> None:
        """The mapping or list that was opened last ends."""
        frame = self.frames.pop()
        for source in frame.merged:
            self.merge(frame, source)
        self.marks[id(frame.container)] = frame.marks
        if frame.anchor:
            self.anchors[frame.anchor] = (frame.container, frame.size)
        self.attach(frame.container, frame.size, frame.at)

    def error(self, at: Position, found: str, expected: str, remedy: str = "") -> ContractError:
        return ContractError(f"{self.file}:{at[0]}", found, expected, remedy)

    def no_key(self, at: Position) -> ContractError:
        return self.error(at, "a mapping, a list or an alias stands where a key should", "a name")

    def key(self, frame: _Frame, name: str, at: Position, merges: bool = False) -> None:
        frame.merges = merges  # in quotes, and in JSON, it is a key like any other
        if name in frame.marks and not merges:
            line = frame.marks[name][0]
            found = f"the key '{name}' is written twice in one mapping: here and in line {line}"
            raise self.error(at, found, "each key once", "Remove or rename one of the two")
        frame.key = name
        if not merges:
            frame.marks[name] = at

    def tagged(self, text: str, at: Position, plain: bool, tag: str | None) -> JSON:
        if tag in _PLAIN_TAGS:
            return plain_value(text)
        if tag is None or tag == "!" or tag.startswith(_CORE):
            return text
        raise self.error(at, f"the tag '{tag}' means nothing in a contract", "YAML without own tags")

    def merge(self, frame: _Frame, source: dict[str, JSON]) -> None:
        """YAML 1.1's ``<<``, still in wide use: what is written in the mapping itself wins."""
        if isinstance(frame.container, dict):
            for key, value in source.items():
                if key not in frame.container:
                    frame.container[key] = value
                    frame.marks[key] = self.marks[id(source)][key]

    def attach(self, value: JSON, size: int, at: Position) -> None:
        if not self.frames:
            self.root = value
            return
        frame = self.frames[-1]
        frame.size += size
        if frame.size > MAX_NODES:
            found, remedy = f"it holds more than {MAX_NODES:,} nodes", "Use $ref instead of aliases"
            raise self.error(at, f"{found}, its aliases expanded", "a document of readable size", remedy)
        if isinstance(frame.container, list):
            frame.marks[len(frame.container)] = at
            frame.container.append(value)
            return
        key, frame.key = str(frame.key), None
        if frame.merges:
            self.defer_merge(frame, value, at)
        else:
            frame.container[key] = value

    def defer_merge(self, frame: _Frame, value: JSON, at: Position) -> None:
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(source, dict) for source in sources):
            raise self.error(at, "'<<' merges something that is not a mapping", "an alias of a mapping")
        frame.merged.extend(sources)
