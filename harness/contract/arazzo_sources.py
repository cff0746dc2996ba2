"""An Arazzo document's source descriptions: found, opened and read, each with its problem if any."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast
from urllib.parse import urldefrag, urljoin, urlsplit
from urllib.request import url2pathname

from harness.contract.arazzo_parts import distinct, required
from harness.contract.documents import Document
from harness.contract.identifiers import is_uri
from harness.contract.model import Contract
from harness.contract.model.workflows import Source, SourceKind, WorkflowDocument
from harness.contract.nearest import did_you_mean
from harness.contract.node import Node
from harness.errors import ContractError

MAX_NESTING = 16
"""Arazzo documents that lead to one another in a row."""

KINDS: tuple[SourceKind, ...] = ("openapi", "asyncapi", "arazzo")

Load = Callable[[Node, str], Contract]
"""The contract of an OpenAPI or AsyncAPI document, given a name for the service if it has none."""

ReadWorkflows = Callable[[Node, Load, tuple[str, ...]], WorkflowDocument]


def read_sources(
    root: Node, base: str, load: Load, read: ReadWorkflows, opened: tuple[str, ...]
) -> Iterator[Source]:
    """Every source description; ``base`` is what their URLs are relative to.

    Raises ContractError for one without name or URL, or of no known type. One that cannot be had is none
    of those: whoever needs it gets its ``problem``.
    """
    listed = root.raw("sourceDescriptions")
    for name, node in distinct(listed.entries(), "name", "a source description") if listed else ():
        url, kind = required(node, "url", f"the source '{name}'"), node.text("type")
        if kind and kind not in KINDS:
            hint = did_you_mean(kind, KINDS)
            raise node.child("type").error(
                f"the source '{name}' has the type '{kind}'", " or ".join(KINDS), hint
            )
        said = cast(SourceKind, kind)
        try:
            if not is_uri(url):
                raise node.child("url").error(f"'{url}' is no URL", "a URI reference (RFC 3986)")
            document = _open(root, url, base, node)
            found = Node.at(root.documents, document)
            said = said or _kind_of(found)
            _agree(node, found, said)
            if said == "arazzo":
                workflows = _workflows(found, node, load, read, opened)
                yield Source(name, said, url, workflows=workflows, place=node.place)
            else:
                yield Source(name, said, url, load(found, name), place=node.place)
        except ContractError as problem:
            yield Source(name, said or "openapi", url, problem=problem, place=node.place)


def _open(root: Node, url: str, base: str, node: Node) -> Document:
    """Where the URL leads; else, if the document names another address as its own, what lies beside it here.

    Without the second a document that says ``$self: https://…`` could not be read where it is written.
    """
    place, plain = node.child("url").place, urldefrag(url).url
    if base == root.document.uri or urlsplit(plain).scheme == "file":
        return root.documents.resolve(root.document.uri, plain, place)[0]
    try:
        return _at(root, urljoin(base, plain), node)
    except ContractError:
        path = root.document.path
        if urlsplit(plain).scheme or path is None or not (path.parent / plain).is_file():
            raise
        return root.documents.resolve(root.document.uri, plain, place)[0]


def _at(root: Node, url: str, node: Node) -> Document:
    place = node.child("url").place
    if urlsplit(url).scheme == "file":
        path = Path(url2pathname(urlsplit(url).path))
        return root.documents.open(path, referrer=place)
    return root.documents.resolve(root.document.uri, url, place)[0]


def _kind_of(root: Node) -> SourceKind:
    for kind in KINDS:
        if isinstance(root.value, dict) and kind in root.value:
            return kind
    return "openapi"


def _agree(node: Node, root: Node, kind: SourceKind) -> None:
    if not isinstance(root.value, dict) or kind not in root.value:
        real = _kind_of(root) if isinstance(root.value, dict) else kind
        found = f"{root.document.file} is no {kind} document"
        hint = f"Did you mean 'type: {real}'?" if real != kind else ""
        raise node.child("url").error(found, f"'{kind}:' at its top", hint)


def _workflows(
    found: Node, node: Node, load: Load, read: ReadWorkflows, opened: tuple[str, ...]
) -> WorkflowDocument:
    """Each document once, however many lead to it."""
    if found.document.uri in opened or len(opened) > MAX_NESTING:
        told = "leads back to where it came from" if found.document.uri in opened else "leads too far"
        expected = f"documents that lead to one another {MAX_NESTING} deep at most, and not in a circle"
        raise node.child("url").error(f"{node.text('url')} {told}", expected)
    read_before = found.documents.compiled
    key = ("arazzo", found.document.uri)
    if key not in read_before:
        read_before[key] = read(found, load, opened)
    document: WorkflowDocument = read_before[key]
    return document
