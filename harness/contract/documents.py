"""Files and addresses to raw trees that know file and line of every node, and ``$ref`` between them.

The one place that imports ``yaml``. A ``Documents`` is the set of files that one load has opened: a mapping
from each file's URI to its raw tree, as ``Schema.resources`` and ``Contract.documents`` want it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from harness.contract.document import Document
from harness.contract.grammar import format_of
from harness.contract.identifiers import identifiers_of
from harness.contract.json_text import looks_like_json, read_json
from harness.contract.model import JSON, Place
from harness.contract.pointers import escape, look_up, tokens_of
from harness.contract.resolving import MAX_HOPS, Resolver
from harness.contract.shared import opened, share
from harness.contract.sources import LOCAL, Sources, digest_of, text_of
from harness.contract.tree import Builder, Marks, plain_value
from harness.errors import ContractError

__all__ = ["MAX_HOPS", "Document", "Documents", "escape", "look_up", "read_yaml", "tokens_of", "yaml_of"]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Documents(Mapping[str, Any]):
    """The files opened so far, by URI. ``compiled`` is room for what others derive from them."""

    def __init__(self, sources: Sources = LOCAL) -> None:
        self.sources = sources
        self._documents: dict[str, Document] = {}
        self._resolver = Resolver(self)
        self.compiled: dict[Any, Any] = {}

    def __getitem__(self, uri: str) -> JSON:
        return self._documents[uri].tree

    def __iter__(self) -> Iterator[str]:
        return iter(self._documents)

    def __len__(self) -> int:
        return len(self._documents)

    def document(self, uri: str) -> Document:
        return self._documents[uri]

    def add(self, document: Document) -> Document:
        """Take in a document that was made from others; the first of a URI stays."""
        return self._documents.setdefault(document.uri, document)

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
            self.take(uri, path, shown, text_of(path, shown, referrer), base or uri, False)
        return self._documents[uri]

    def take(self, uri: str, path: Path | None, file: str, text: str, base: str, keeps: bool) -> Document:
        """Take in a text that was read from a file or an address; the parameters are ``Document``'s."""
        digest = digest_of(text) if path is not None else ""
        known = opened(uri, file, base, digest) if self.sources.keeps else None
        if known is not None and known.keeps_siblings in (keeps, _keeps(known.tree)):
            return self.take_in(known)
        is_json = path is not None and path.suffix == ".json"
        tree, marks = _parse(text, file, is_json)
        identifiers = identifiers_of(tree, text, base)
        if (own := _keeps(tree)) is not None:
            keeps = own
        document = Document(uri, path, file, tree, marks, base, identifiers, keeps, digest)
        return self.take_in(share(document) if self.sources.keeps else document)

    def take_in(self, document: Document) -> Document:
        """Take in a document that was read before, in place of any other of its URI."""
        self._documents[document.uri] = document
        self._resolver.note(document)
        return document

    def hold(self, uri: str, tree: JSON, file: str) -> Document:
        """Take in a tree that stands in no file, as a document of this URI."""
        return self.take_in(Document(uri, None, file, tree, {}, uri, identifiers_of(tree, str(tree), uri)))

    def resolve(
        self, uri: str, ref: str, referrer: Place | None = None, at: str = ""
    ) -> tuple[Document, str]:
        """The document and JSON pointer that a ``$ref`` in the document ``uri`` leads to.

        ``at`` is the pointer of the object that holds it: an ``$id`` above changes what it is relative to.
        Opens the file if need be. Raises ContractError where nothing is there, at ``referrer`` if that is
        given.
        """
        return self._resolver.resolve(self._documents[uri], ref, referrer, at)


def _keeps(tree: JSON) -> bool | None:
    """Whether a document's version keeps what stands beside a ``$ref``; None for one without a version."""
    return str(tree.get("openapi", "3.0")) >= "3.1" if format_of(tree) is not None else None


def yaml_of(tree: JSON) -> str:
    """A tree as YAML that reads as the same tree, by YAML 1.2's rules and 1.1's. Raises ContractError for a
    number that JSON does not have."""
    text: str = yaml.dump(
        tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=False
    )
    return text


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # chosen when it runs
    """Writes every node out, and quotes text that any version of YAML would take for something else."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text_node(dumper: Any, value: str) -> Any:
    style = None
    if "\n" in value.strip("\n") and not _HARD.search(value):
        style = "|"
    elif not isinstance(plain_value(value), str):
        style = "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style)


def _number_node(dumper: Any, value: float) -> Any:
    if not math.isfinite(value):
        raise ContractError("", f"the number {value} cannot be written as JSON", "a finite number")
    return dumper.represent_scalar(
        "tag:yaml.org,2002:float", repr(value) if "e" not in repr(value) else f"{value:.17e}"
    )


_HARD = re.compile(r"[^\S\n ]|^[\s]|[ \t]+$|[ \t]+\n|[\x00-\x09\x0b-\x1f\x7f-\xa0\u2028\u2029\ufeff]")
"""What does not survive in a block of YAML as it is."""

_Dumper.add_representer(str, _text_node)
_Dumper.add_representer(float, _number_node)


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
