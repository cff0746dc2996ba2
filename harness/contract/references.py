"""Every ``$ref`` of a document and of what it refers to leads somewhere; no extension word is misspelt.

What is walked is what a format says stands there (``grammar``), so that data is never taken for a reference,
and of other files only what is referred to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from harness.contract.documents import Document, Documents
from harness.contract.extensions import misspelt
from harness.contract.grammar import SHOWN, TABLES, Format, Table, format_of, inside, kept_elsewhere
from harness.contract.model import JSON
from harness.contract.node import Node
from harness.contract.node import kind as called
from harness.contract.pointers import escape, look_up
from harness.errors import ContractError


@dataclass(frozen=True, slots=True)
class Spot:
    """A node with what it is (``grammar``'s kinds)."""

    document: Document
    pointer: str
    kind: str
    value: JSON


@dataclass(frozen=True, slots=True)
class Site:
    """A reference: the node that holds it, the key under which it stands, and where it leads."""

    spot: Spot
    word: str
    target: Spot


class Walk:
    """Everything that a document consists of, through its references, each node once, in its order.

    Of OpenAPI 3.0 what stands beside a ``$ref`` is left out, for it means nothing there.
    """

    def __init__(self, root: Node, of: Format) -> None:
        self.documents: Documents = root.documents
        self.table: Table = TABLES[of]
        self.alone = of == "openapi" and str(root.value["openapi"]).startswith("3.0")
        self.root = Spot(root.document, root.pointer, "document", root.value)
        self.seen: set[tuple[str, str, str]] = set()

    def __iter__(self) -> Iterator[Spot | Site]:
        """Raises ContractError at the first reference that leads nowhere or is no text."""
        waiting = [self.root]
        while waiting:
            spot = waiting.pop()
            key = (spot.document.uri, spot.pointer, spot.kind)
            if key in self.seen:
                continue
            self.seen.add(key)
            below: list[Spot] = []
            if isinstance(spot.value, dict):
                for site in self.sites(spot):
                    yield site
                    below.append(site.target)
                if spot.kind != SHOWN and not spot.kind.startswith("{"):
                    yield spot
            if not self.alone or not below:
                below += self.below(spot)
            waiting += reversed(below)

    def sites(self, spot: Spot) -> Iterator[Site]:
        """The references that one mapping holds."""
        value = spot.value
        if spot.kind == SHOWN:
            if kept_elsewhere(value):
                with suppress(ContractError):
                    yield Site(spot, "$ref", self.led_to(spot, value["$ref"], SHOWN))
            return
        if "$ref" in value:
            if isinstance(value["$ref"], str):
                yield Site(spot, "$ref", self.led_to(spot, value["$ref"], spot.kind))
            elif not spot.kind.startswith("{"):
                place = spot.document.place(f"{spot.pointer}/$ref")
                found = f"this $ref is {called(value['$ref'])}"
                raise ContractError(str(place), found, "text: the URI of what is meant")
        if spot.kind in ("schema", "payload"):
            for word in ("$dynamicRef", "$recursiveRef"):
                if isinstance(value.get(word), str):
                    yield Site(spot, word, self.led_to(spot, value[word], "schema"))
        elif spot.kind == "discriminator" and isinstance(value.get("mapping"), dict):
            yield from self.mapped(spot, value["mapping"])

    def mapped(self, spot: Spot, mapping: dict[str, JSON]) -> Iterator[Site]:
        """OpenAPI, Discriminator Object: a schema's name, or a reference to one. One that leads nowhere is
        for lint to tell: nothing is read through it."""
        for name, value in mapping.items():
            if isinstance(value, str):
                own = f"#/components/schemas/{escape(value)}"
                ref = own if look_up(spot.document.tree, own[1:]) is not None else value
                with suppress(ContractError):
                    yield Site(spot, f"mapping/{escape(name)}", self.led_to(spot, ref, "schema"))

    def led_to(self, spot: Spot, ref: str, kind: str) -> Spot:
        document, pointer = self.documents.resolve(spot.document.uri, ref, at=spot.pointer)
        return Spot(document, pointer, kind, look_up(document.tree, pointer))

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
