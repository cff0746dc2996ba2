"""Files and addresses to raw trees that know file and line of every node, and ``$ref`` between them.

The one place that imports ``yaml``. A ``Documents`` is the set of files that one load has opened: a mapping
from each file's URI to its raw tree, as ``Schema.resources`` and ``Contract.documents`` want it.
"""

from __future__ import annotations

import os
import posixpath
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import yaml

from harness.contract.grammar import format_of
from harness.contract.identifiers import Identifiers, identifiers_of
from harness.contract.json_text import looks_like_json, read_json
from harness.contract.model import JSON, Place
from harness.contract.nearest import did_you_mean
from harness.contract.pointers import escape, look_up, tokens_of
from harness.contract.sources import LOCAL, Sources, decoded, text_of
from harness.contract.tree import Builder, Marks
from harness.errors import ContractError

__all__ = ["Document", "Documents", "escape", "look_up", "read_yaml", "tokens_of"]

MAX_HOPS = 200
"""References that one reference may lead through."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One file: ``file`` is its path as the user would name it, ``marks`` where its nodes stand.

    ``base`` is what its references are relative to: its own URI, or the address that it was mapped from or
    redirected to. ``path`` is None for one that came from an address. ``keeps_siblings`` says whether a
    Reference Object's ``summary`` and ``description`` hold beside its ``$ref`` (OpenAPI 3.1 and later).
    """

    uri: str
    path: Path | None
    file: str
    tree: JSON
    marks: Marks = field(repr=False)
    base: str
    identifiers: Identifiers = field(repr=False)
    keeps_siblings: bool = False

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

    def neighbour(self, address: str) -> Path | None:
        """The file beside this one that stands for an address, where this one stands for an address too."""
        own = self.identifiers.bases.get("", self.base)
        folder = own.rpartition("/")[0] + "/"
        if self.path is None or not address.startswith(folder) or urlsplit(own).scheme == "file":
            return None
        rest = unquote(address[len(folder) :])
        path = self.path.parent / rest
        return path if ".." not in Path(rest).parts and path.is_file() else None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A reference that is being followed, and where it stands."""

    ref: str
    document: Document
    at: str
    referrer: Place | None

    @property
    def place(self) -> Place:
        return self.referrer or self.document.place(f"{self.at}/$ref")

    def error(self, found: str, expected: str, remedy: str = "") -> ContractError:
        return ContractError(str(self.place), found, expected, remedy)


class Documents(Mapping[str, Any]):
    """The files opened so far, by URI. ``compiled`` is room for what others derive from them."""

    def __init__(self, sources: Sources = LOCAL) -> None:
        self.sources = sources
        self._documents: dict[str, Document] = {}
        self._resources: dict[str, tuple[Document, str]] = {}
        self._named: dict[tuple[str, str, str], tuple[Document, str]] = {}
        self._resolved: dict[tuple[str, str, str], tuple[Document, str]] = {}
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

    def open(
        self, path: Path, file: str | None = None, referrer: Place | None = None, base: str | None = None
    ) -> Document:
        """Read a file once; ``file`` is its name for messages, ``referrer`` what points to it, ``base`` the
        address that it stands for."""
        path = path.resolve()
        uri = path.as_uri()
        if uri not in self._documents:
            shown = file or str(path)
            self._add(uri, path, shown, text_of(path, shown, referrer), base or uri, False)
        return self._documents[uri]

    def _add(self, uri: str, path: Path | None, file: str, text: str, base: str, keeps: bool) -> Document:
        is_json = path is not None and path.suffix == ".json"
        tree, marks = _parse(text, file, is_json)
        identifiers = identifiers_of(tree, text, base)
        if format_of(tree) is not None:
            keeps = str(tree.get("openapi", "3.0")) >= "3.1"
        document = Document(uri, path, file, tree, marks, base, identifiers, keeps)
        self._documents[uri] = document
        for name, pointer in identifiers.resources.items():
            self._resources.setdefault(name, (document, pointer))
        return document

    def hold(self, uri: str, tree: JSON, file: str) -> Document:
        """Take in a tree that stands in no file, as a document of this URI."""
        document = Document(uri, None, file, tree, {}, uri, identifiers_of(tree, str(tree), uri))
        self._documents[uri] = document
        self._resources.update({name: (document, at) for name, at in document.identifiers.resources.items()})
        return document

    def resolve(
        self, uri: str, ref: str, referrer: Place | None = None, at: str = ""
    ) -> tuple[Document, str]:
        """The document and JSON pointer that a ``$ref`` in the document ``uri`` leads to.

        ``at`` is the pointer of the object that holds it: an ``$id`` above changes what it is relative to.
        Opens the file if need be. Raises ContractError where nothing is there, at ``referrer`` if that is
        given.
        """
        document = self._documents[uri]
        key = (uri, document.identifiers.resource_of(at) if document.identifiers.bases else "", ref)
        if key not in self._resolved:
            self._resolved[key] = self._walk(_Asked(ref, document, at, referrer))
        return self._resolved[key]

    def _walk(self, asked: _Asked) -> tuple[Document, str]:
        """Where a reference ends, having passed through the ``$ref``s that stand in its pointer's way."""
        document, walked, tokens = self._begin(asked, asked.document, asked.at, asked.ref)
        node, waiting, hops = look_up(document.tree, walked), deque(tokens), 0
        while waiting:
            token = waiting[0]
            if isinstance(node, Mapping) and token in node:
                node = node[token]
            elif isinstance(node, list) and token.isdecimal() and int(token) < len(node):
                node = node[int(token)]
            elif isinstance(node, Mapping) and isinstance(node.get("$ref"), str) and hops < MAX_HOPS:
                hops += 1
                document, walked, tokens = self._begin(asked, document, walked, node["$ref"])
                node = look_up(document.tree, walked)
                waiting.extendleft(reversed(tokens))
                continue
            else:
                raise self._nowhere(asked, document, walked, token, node)
            walked += f"/{escape(token)}"
            waiting.popleft()
        return document, walked

    def _nowhere(
        self, asked: _Asked, document: Document, walked: str, token: str, node: JSON
    ) -> ContractError:
        found, names = (
            f"the $ref '{asked.ref}' leads nowhere",
            list(node) if isinstance(node, Mapping) else [],
        )
        if isinstance(node, Mapping) and isinstance(node.get("$ref"), str) and token not in node:
            return asked.error(
                found, f"a $ref that passes through fewer than {MAX_HOPS:,} others, in no circle"
            )
        expected = f"'{token}' under '{walked or '/'}' of {document.file}"
        return asked.error(found, expected, did_you_mean(token, names))

    def _begin(self, asked: _Asked, document: Document, at: str, ref: str) -> tuple[Document, str, list[str]]:
        """The document, the pointer and the tokens from there that a reference at ``at`` names."""
        target, _, fragment = ref.partition("#")
        resource = document.identifiers.resource_of(at) if document.identifiers.bases else ""
        if target:
            document, resource = self._target(asked, document, resource, target)
        fragment = unquote(fragment)
        if not fragment or fragment.startswith("/"):
            tokens = tokens_of(fragment)
            inside = look_up(document.tree, resource)
            if resource and tokens and not (isinstance(inside, Mapping) and tokens[0] in inside):
                resource = ""  # a pointer from the document's top, as many write in spite of their own $id
            return document, resource, tokens
        pointer = document.identifiers.anchors.get((resource, fragment))
        if pointer is None:
            expected = f"an $anchor '{fragment}' in {document.file}"
            raise asked.error(f"the $ref '{asked.ref}' leads nowhere", expected)
        return document, pointer, []

    def _target(self, asked: _Asked, document: Document, resource: str, target: str) -> tuple[Document, str]:
        """The document, and the schema in it with an ``$id``, that a reference without its fragment names."""
        base = document.identifiers.bases.get(resource, document.base)
        key = (document.uri, base, target)
        if key not in self._named:
            address = urljoin(base, target)
            if address in self._resources:
                return self._resources[address]
            found = self._opened(asked, document, target, address)
            self._named[key] = self._resources.get(address, (found, ""))
        return self._named[key]

    def _opened(self, asked: _Asked, document: Document, target: str, address: str) -> Document:
        mapped = self.sources.mapped(address) or self.sources.mapped(target)
        if mapped is not None:
            return self.open(mapped, str(mapped), asked.place, address)
        neighbour = document.neighbour(address)
        if neighbour is not None:
            return self._beside(asked, document, neighbour)
        scheme = urlsplit(address).scheme
        if scheme != "file":
            return self._fetched(asked, document, address, scheme)
        if document.path is None or urlsplit(target).scheme or target.startswith("/"):
            found = f"the $ref '{asked.ref}' names a place on this machine"
            remedy = f"Refer to the file by a relative path, or map it: --map {target}=FILE"
            raise asked.error(found, "a path relative to this document", remedy)
        folder = posixpath.dirname(urlsplit(document.base).path)
        by_id = unquote(posixpath.relpath(urlsplit(address).path, folder))
        names = (target, unquote(target), by_id)
        paths = [document.path.parent / name for name in names]
        return self._beside(asked, document, next((path for path in paths if path.exists()), paths[1]))

    def _beside(self, asked: _Asked, document: Document, path: Path) -> Document:
        assert document.path is not None  # noqa: S101 - only files have neighbours
        name = os.path.relpath(path, document.path.parent)
        shown = os.path.normpath(Path(document.file).parent / name)
        uri = path.resolve().as_uri()
        if uri in self._documents:
            return self._documents[uri]
        text = text_of(path, shown, asked.place)
        return self._add(uri, path.resolve(), shown, text, uri, document.keeps_siblings)

    def _fetched(self, asked: _Asked, document: Document, address: str, scheme: str) -> Document:
        if address in self._documents:
            return self._documents[address]
        if scheme not in ("http", "https"):
            found, remedy = f"no document here is named '{address}'", f"Map it to one: --map {address}=FILE"
            raise asked.error(found, "an $id in one of these documents, or a file", remedy)
        if self.sources.fetch is None:
            raise asked.error(
                f"the $ref '{asked.ref}' leads to another machine",
                "a file beside this one, for nothing is fetched unless you say so",
                f"Allow it with --allow-remote, or map it to a file of yours with --map {address}=FILE",
            )
        try:
            fetched = self.sources.fetch(address)
        except ContractError as error:
            raise asked.error(f"{address}: {error.found}", error.expected, error.remedy) from error
        text = decoded(fetched.data, address)
        return self._add(address, None, address, text, fetched.uri, document.keeps_siblings)


def read_yaml(path: Path, file: str | None = None) -> JSON:
    """The raw tree of one YAML or JSON file. Raises ContractError."""
    return Documents().open(path, file).tree


def _parse(text: str, file: str, is_json: bool) -> tuple[JSON, Marks]:
    """JSON is tried first wherever a text may be that: tabs and ``\\/`` are legal there, not in YAML 1.1."""
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
