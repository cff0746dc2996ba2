"""One document as it is written: what rules judge that must not wait for the reader to accept it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.contract.documents import Documents
from harness.contract.model import JSON, Contract
from harness.contract.node import Dialect, Node
from harness.findings import Severity
from harness.lint.shape import Language
from harness.lint.shapes_asyncapi import asyncapi
from harness.lint.shapes_openapi import openapi
from harness.lint.walk import Walk

Format = Literal["openapi", "asyncapi", "arazzo"]
FORMATS: tuple[Format, ...] = ("openapi", "asyncapi", "arazzo")
_VERSION = re.compile(r"(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A contract's own OpenAPI, AsyncAPI or Arazzo document.

    ``version`` is e.g. ``(3, 1)``. ``contract`` is None where the reader refused it. ``derived`` is room
    for what several rules need and one of them works out first.
    """

    service: str
    root: Node
    format: Format
    version: tuple[int, int]
    contract: Contract | None = None
    derived: dict[str, Any] = field(default_factory=dict)

    @property
    def walk(self) -> Walk:
        """The document gone through by its format's tables; of a format without tables, empty."""
        if "walk" not in self.derived:
            language = self._language()
            walk = Walk(language or Language({}, ""))
            self.derived["walk"] = walk.go(self.root) if language else walk
        found: Walk = self.derived["walk"]
        return found

    def _language(self) -> Language | None:
        if self.format == "openapi":
            return openapi(self.version[1])
        return asyncapi(self.version[0]) if self.format == "asyncapi" else None

    @property
    def dialect(self) -> Dialect:
        """How schemas are to be read in files that do not say of which format they are."""
        return "openapi-3.0" if self.format == "openapi" and self.version == (3, 0) else "2020-12"

    @property
    def of_sense(self) -> Severity:
        """How bad it is that a schema has the right form and says what nobody can mean.

        AsyncAPI's own schemas take such a document for valid, so its verdict must not hang on that.
        """
        return "warning" if self.format == "asyncapi" else "error"

    def dialect_of(self, node: Node) -> Dialect:
        """How the schema at a node is to be read: as its own document says, else as this one."""
        found = format_of(Node.at(node.documents, node.document))
        if found is None or node.document.uri == self.root.document.uri:
            return self.dialect
        return "openapi-3.0" if found == ("openapi", (3, 0)) else "2020-12"

    def says(self, *words: str) -> bool:
        """Whether one of these keys stands anywhere in the documents that belong to the source."""
        return says(self.root.documents, words)


def says(documents: Documents, words: Iterable[str]) -> bool:
    """Whether one of these keys stands anywhere in the documents; most walks in search of one are spared."""
    cache, key = documents.compiled, ("keys", len(documents))
    if key not in cache:
        cache[key] = _keys(documents.values())
    found: set[str] = cache[key]
    return not found.isdisjoint(words)


def _keys(trees: Iterable[JSON]) -> set[str]:
    found: set[str] = set()
    waiting = list(trees)
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            found.update(node)
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return found


def format_of(root: Node) -> tuple[Format, tuple[int, int]] | None:
    """Format and version that a document says it has, or None."""
    for name in FORMATS if isinstance(root.value, dict) else ():
        found = _VERSION.match(str(root.value.get(name, "")))
        if found:
            return name, (int(found[1]), int(found[2]))
    return None


def sources_of(contract: Contract) -> Iterator[Source]:
    """The documents that a contract was read from; what they refer to is not among them."""
    documents = contract.documents
    if not isinstance(documents, Documents):
        return
    seen = set[str]()
    for uri in documents:  # the contract's own come first
        root = Node.at(documents, documents.document(uri))
        found = format_of(root)
        if found and found[0] not in seen:
            seen.add(found[0])
            yield Source(contract.service, root, *found, contract)
