"""Every ``$ref`` of a document and of what it refers to leads somewhere; no extension word is misspelt.

What is walked is what a format says stands there (``grammar``), so that data is never taken for a reference,
and of other files only what is referred to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.contract.documents import Document, Documents
from harness.contract.extensions import misspelt
from harness.contract.grammar import TABLES, Format, Table, format_of, inside
from harness.contract.model import JSON
from harness.contract.node import Node
from harness.contract.node import kind as called
from harness.contract.pointers import escape
from harness.errors import ContractError


@dataclass(frozen=True, slots=True)
class Spot:
    """A node with what it is (``grammar``'s kinds)."""

    document: Document
    pointer: str
    kind: str
    value: JSON

    @property
    def uri(self) -> str:
        return f"{self.document.uri}#{self.pointer}"

    @property
    def ref(self) -> str | None:
        """The reference that this node is or holds, or None."""
        found = self.value.get("$ref") if isinstance(self.value, dict) else None
        return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True)
class Site:
    """A ``$ref``: the node that holds it, and where it leads."""

    spot: Spot
    target: Spot


class Walk:
    """Everything that a document consists of, through its ``$ref``s, each node once, in the document's order.

    Of OpenAPI 3.0 what stands beside a ``$ref`` is left out, for it means nothing there.
    """

    def __init__(self, root: Node, of: Format) -> None:
        self.documents: Documents = root.documents
        self.table: Table = TABLES[of]
        self.alone = of == "openapi" and str(root.value["openapi"]).startswith("3.0")
        self.root = Spot(root.document, root.pointer, "document", root.value)
        self.seen: set[tuple[str, str]] = set()

    def __iter__(self) -> Iterator[Spot | Site]:
        """Raises ContractError at the first ``$ref`` that leads nowhere or is no text."""
        waiting = [self.root]
        while waiting:
            spot = waiting.pop()
            key = (spot.uri, spot.kind)
            if key in self.seen:
                continue
            self.seen.add(key)
            below: list[Spot] = []
            ref = spot.ref
            if ref is not None:
                site = Site(spot, self.led_to(spot, ref))
                yield site
                below.append(site.target)
            elif isinstance(spot.value, dict) and "$ref" in spot.value and not spot.kind.startswith("{"):
                place = spot.document.place(f"{spot.pointer}/$ref")
                found = f"this $ref is {called(spot.value['$ref'])}"
                raise ContractError(str(place), found, "text: the URI of what is meant")
            if isinstance(spot.value, dict) and not spot.kind.startswith("{"):
                yield spot
            if ref is None or not self.alone:
                below += self.below(spot)
            waiting += reversed(below)

    def led_to(self, spot: Spot, ref: str) -> Spot:
        document, pointer = self.documents.resolve(spot.document.uri, ref, at=spot.pointer)
        return Spot(document, pointer, spot.kind, Node.at(self.documents, document, pointer).value)

    def below(self, spot: Spot) -> Iterator[Spot]:
        value = spot.value
        for key, kind in inside(self.table, spot.kind, value):
            if isinstance(value[key], dict | list):
                yield Spot(spot.document, f"{spot.pointer}/{escape(key)}", kind, value[key])


def words(node: Node) -> Iterator[Node]:
    """Every mapping of a whole document whose keys are words of its format; data is left out."""
    of = format_of(node.value)
    if of is None:
        return
    for each in Walk(node, of):
        if isinstance(each, Spot) and each.document is node.document:
            yield Node(node.documents, each.document, each.pointer, each.value)


def check_references(root: Node) -> None:
    """Raises ContractError at the first ``$ref`` that leads nowhere or word that is misspelt."""
    of = format_of(root.value)
    for each in Walk(root, of) if of else ():
        if isinstance(each, Spot):
            for key in each.value:
                if key[:2] in ("x-", "X-"):
                    _check_word(each, key)


def _check_word(spot: Spot, key: str) -> None:
    meant = misspelt(key)
    if meant:
        place = spot.document.place(f"{spot.pointer}/{escape(key)}")
        found, remedy = f"'{key}' is not an extension word", f"Did you mean '{meant}'? Another name is free"
        raise ContractError(str(place), found, f"'{meant}'", remedy)
