"""One document as it is written: what rules judge that must not wait for the reader to accept it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.contract.documents import Documents
from harness.contract.model import Contract
from harness.contract.node import Node

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
