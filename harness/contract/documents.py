"""Files to raw trees that know file and line of every node, and ``$ref`` between them.

The one place that imports ``yaml``. A ``Documents`` is the set of files that one load has opened: a mapping
from each file's URI to its raw tree, as ``Schema.resources`` and ``Contract.documents`` want it.
"""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from harness.contract.json_text import looks_like_json, read_json
from harness.contract.model import JSON, Place
from harness.contract.nearest import did_you_mean
from harness.contract.tree import Builder, Marks
from harness.errors import ContractError

MAX_BYTES = 32 * 1024 * 1024
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One file: ``file`` is its path as the user would name it, ``marks`` where its nodes stand."""

    uri: str
    path: Path
    file: str
    tree: JSON
    marks: Marks = field(repr=False)

    def place(self, pointer: str) -> Place:
        """Where the node at a JSON pointer stands; the nearest node above it if there is none."""
        node, at = self.tree, (1, 1)
        for token in tokens_of(pointer):
            key: str | int = token
            if isinstance(node, list) and token.isdecimal():
                key = int(token)
            marks = self.marks.get(id(node), {})
            if key not in marks:
                break
            node, at = node[key], marks[key]
        return Place(self.file, *at)


class Documents(Mapping[str, Any]):
    """The files opened so far, by URI. ``compiled`` is room for what others derive from them."""

    def __init__(self) -> None:
        self._documents: dict[str, Document] = {}
        self.compiled: dict[Any, Any] = {}

    def __getitem__(self, uri: str) -> JSON:
        return self._documents[uri].tree

    def __iter__(self) -> Iterator[str]:
        return iter(self._documents)

    def __len__(self) -> int:
        return len(self._documents)

    def document(self, uri: str) -> Document:
        return self._documents[uri]

    @property
    def files(self) -> Mapping[str, str]:
        """URI → path as the user would name it."""
        return {uri: document.file for uri, document in self._documents.items()}

    def open(self, path: Path, file: str | None = None, referrer: Place | None = None) -> Document:
        """Read a file once; ``file`` is its name for messages, ``referrer`` what points to it."""
        uri = path.resolve().as_uri()
        if uri not in self._documents:
            shown = file or str(path)
            tree, marks = _parse(_text(path, shown, referrer), shown, path.suffix == ".json")
            self._documents[uri] = Document(uri, path.resolve(), shown, tree, marks)
        return self._documents[uri]

    def resolve(
        self, uri: str, ref: str, referrer: Place, passed: frozenset[str] = frozenset()
    ) -> tuple[Document, str]:
        """The document and JSON pointer that a ``$ref`` in the document ``uri`` leads to.

        Opens the file if need be. Raises ContractError where nothing is there. ``passed`` are the nodes
        whose own ``$ref`` stood in the way already.
        """
        target, _, fragment = ref.partition("#")
        document = self._documents[uri]
        if target:
            document = self._beside(document, target, ref, referrer)
        pointer = unquote(fragment)
        if pointer and not pointer.startswith("/"):
            pointer = self._anchored(document, pointer, ref, referrer)
        return self._walk(document, pointer, (ref, referrer), passed)

    def _beside(self, document: Document, target: str, ref: str, referrer: Place) -> Document:
        if urlsplit(target).scheme or target.startswith("//"):
            raise ContractError(
                str(referrer),
                f"the $ref '{ref}' leads to another machine",
                "a file beside this one",
                "Save the document in the contracts' folder and refer to it by a relative path",
            )
        name = target if (document.path.parent / target).exists() else unquote(target)
        shown = os.path.normpath(Path(document.file).parent / name)
        return self.open(document.path.parent / name, shown, referrer)

    def _anchored(self, document: Document, name: str, ref: str, referrer: Place) -> str:
        pointer = _anchor(document.tree, name)
        if pointer is None:
            expected = f"an $anchor '{name}' in {document.file}"
            raise ContractError(str(referrer), f"the $ref '{ref}' leads nowhere", expected)
        return pointer

    def _walk(
        self, document: Document, pointer: str, asked: tuple[str, Place], passed: frozenset[str]
    ) -> tuple[Document, str]:
        """Where a pointer ends, having passed through the ``$ref``s that stand in its way."""
        node, walked = document.tree, ""
        ref, referrer = asked
        for token in tokens_of(pointer):
            while isinstance(node, Mapping) and token not in node and isinstance(node.get("$ref"), str):
                here = f"{document.uri}#{walked}"
                if here in passed:
                    break
                passed |= {here}
                place = document.place(walked)
                document, walked = self.resolve(document.uri, node["$ref"], place, passed)
                node = look_up(document.tree, walked)
            if isinstance(node, list) and token.isdecimal() and int(token) < len(node):
                node = node[int(token)]
            elif isinstance(node, Mapping) and token in node:
                node = node[token]
            else:
                expected = f"'{token}' under '{walked or '/'}' of {document.file}"
                names = list(node) if isinstance(node, Mapping) else []
                hint = did_you_mean(token, names)
                raise ContractError(str(referrer), f"the $ref '{ref}' leads nowhere", expected, hint)
            walked += f"/{escape(token)}"
        return document, walked


def tokens_of(pointer: str) -> list[str]:
    """The reference tokens of a JSON pointer (RFC 6901)."""
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


def look_up(tree: JSON, pointer: str) -> JSON:
    """What stands at a JSON pointer, or None."""
    for token in tokens_of(pointer):
        if isinstance(tree, Mapping) and token in tree:
            tree = tree[token]
        elif isinstance(tree, list) and token.isdecimal() and int(token) < len(tree):
            tree = tree[int(token)]
        else:
            return None
    return tree


def escape(token: str | int) -> str:
    """A reference token as it is written in a JSON pointer (RFC 6901)."""
    return str(token).replace("~", "~0").replace("/", "~1")


def read_yaml(path: Path, file: str | None = None) -> JSON:
    """The raw tree of one YAML or JSON file. Raises ContractError."""
    return Documents().open(path, file).tree


def _text(path: Path, shown: str, referrer: Place | None) -> str:
    try:
        about = path.stat()
        if not (
            stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode)
        ):  # a device, a pipe: no end in sight
            raise OSError("it is no file")
        if about.st_size > MAX_BYTES:
            found, expected = f"it is larger than {MAX_BYTES // 2**20} MiB", "a document that people can read"
            raise ContractError(shown, found, expected)
        data = path.read_bytes()
    except OSError as error:
        where, what = (str(referrer), f"the $ref to {shown}") if referrer else (shown, "it")
        found = f"{what} cannot be read ({error.strerror or error})"
        neighbours = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
        raise ContractError(where, found, "a readable file", did_you_mean(path.name, neighbours)) from error
    encoding = next((name for bom, name in _BOMS if data.startswith(bom)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ContractError(f"{shown}:{line}", "this is not valid UTF-8", "text in UTF-8") from error


def _parse(text: str, file: str, is_json: bool) -> tuple[JSON, Marks]:
    """JSON is tried first wherever a text may be JSON: tabs and ``\\/`` are legal there and not in YAML 1.1."""
    wrong: ContractError | None = None
    if is_json or text.lstrip().startswith(("{", "[")):
        builder = Builder(file)
        try:
            read_json(text, builder)
            return builder.root, builder.marks
        except ContractError as error:
            if is_json:
                raise
            wrong = error
    try:
        return _parse_yaml(text, file)
    except ContractError:
        if wrong is not None and looks_like_json(text):
            raise wrong from None
        raise


def _parse_yaml(text: str, file: str) -> tuple[JSON, Marks]:
    builder = Builder(file)
    try:
        _read_yaml(text, builder)
    except yaml.MarkedYAMLError as error:
        mark: yaml.Mark | None = error.problem_mark or error.context_mark
        why = ", ".join(part for part in (error.problem, error.context) if part)
        raise ContractError(
            file if mark is None else f"{file}:{mark.line + 1}",
            f"this is not valid YAML: {why}" + ("" if mark is None else f" (column {mark.column + 1})"),
            "well-formed YAML",
            "Look at the indentation, quotes and colons of this line and the one above it",
        ) from error
    except yaml.YAMLError as error:
        why = " ".join(str(error).split())
        raise ContractError(file, f"this is not valid YAML: {why}", "well-formed YAML") from error
    return builder.root, builder.marks


def _read_yaml(text: str, builder: Builder) -> None:
    event: Any  # each kind has its own attributes
    for event in yaml.parse(text, Loader=_LOADER):
        kind, mark = type(event), event.start_mark
        at = (mark.line + 1, mark.column + 1)
        if kind is yaml.ScalarEvent:
            plain = event.implicit[0] and event.style in (None, "")
            builder.scalar(event.value, at, plain, event.tag, event.anchor)
        elif kind is yaml.MappingStartEvent:
            builder.open({}, at, event.anchor)
        elif kind is yaml.SequenceStartEvent:
            builder.open([], at, event.anchor)
        elif kind in (yaml.MappingEndEvent, yaml.SequenceEndEvent):
            builder.close()
        elif kind is yaml.AliasEvent:
            builder.alias(event.anchor or "", at)
        elif kind is yaml.DocumentStartEvent:
            builder.start(at)


def _anchor(tree: JSON, name: str) -> str | None:
    """The pointer of the schema that has this ``$anchor``, or None."""
    waiting: list[tuple[str, JSON]] = [("", tree)]
    while waiting:
        pointer, node = waiting.pop()
        if isinstance(node, Mapping):
            if name in (node.get("$anchor"), node.get("$dynamicAnchor")):
                return pointer
            waiting += [(f"{pointer}/{escape(key)}", value) for key, value in node.items()]
        elif isinstance(node, list):
            waiting += [(f"{pointer}/{index}", value) for index, value in enumerate(node)]
    return None
