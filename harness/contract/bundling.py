"""A document with all that it refers to, as one self-contained document of the same format and meaning.

References between what is brought in and what was there are pointers. An ``$id`` goes where it would bend
them, unless dynamic references need it.
"""

from __future__ import annotations

import posixpath
from typing import Any
from urllib.parse import urljoin, urlsplit

from harness.contract.bundle_plan import Plan
from harness.contract.document import Document
from harness.contract.grammar import format_of
from harness.contract.model import JSON
from harness.contract.node import Node
from harness.contract.pointers import escape, fragment_of
from harness.contract.references import Site, Spot
from harness.contract.tree import MAX_DEPTH, MAX_NODES
from harness.errors import ContractError


def bundled(root: Node) -> JSON:
    """The self-contained document. Raises ContractError for what leads nowhere or is of no known format."""
    of = format_of(root.value)
    if of is None:
        expected = "'openapi:', 'asyncapi:' or 'arazzo:' at its top"
        raise root.error("this is neither OpenAPI nor AsyncAPI nor Arazzo", expected)
    return _Writer(Plan(root, of)).written()


class _Writer:
    """The tree of the bundle, by its plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.count = plan, 0
        self.open: list[tuple[str, str]] = []

    def written(self) -> JSON:
        plan = self.plan
        tree = self.node(plan.root.document, "", plan.root.value, 0)
        if plan.added:
            components = tree.setdefault("components", {})
            for section, names in plan.added.items():
                held = components.setdefault(section, {})
                held.update({name: self.foreign(spot, 3) for name, spot in names.items()})
        return tree

    def foreign(self, spot: Spot, depth: int) -> JSON:
        key = (spot.document.uri, spot.pointer)
        self.open.append(key)
        found = self.node(spot.document, spot.pointer, spot.value, depth)
        self.open.pop()
        if spot.kind in ("schema", "payload") and isinstance(found, dict):
            found.pop("x-lifecycle", None)  # it is another service's, and would become this one's
        return found

    def node(self, document: Document, pointer: str, value: JSON, depth: int) -> JSON:
        self.count += 1
        if self.count > MAX_NODES or depth > MAX_DEPTH:
            found = f"the bundle would have more than {MAX_NODES:,} nodes or {MAX_DEPTH} levels"
            remedy = "Move what is included more than once to components"
            raise ContractError(str(document.place(pointer)), found, "a document of readable size", remedy)
        if isinstance(value, list):
            return [self.node(document, f"{pointer}/{n}", each, depth + 1) for n, each in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if (document.uri, pointer) in self.plan.written:
            return self.in_place(document, pointer, value, depth)
        kind = self.plan.kinds.get((document.uri, pointer), "")
        copied: dict[str, Any] = {
            key: self.node(document, f"{pointer}/{escape(key)}", each, depth + 1)
            for key, each in value.items()
            if not (self.plan.strip and kind in ("schema", "payload") and key in ("$id", "$anchor"))
        }
        self.refer(document, pointer, kind, copied)
        return copied

    def in_place(self, document: Document, pointer: str, value: dict[str, JSON], depth: int) -> JSON:
        """What a reference leads to in place of it, with what stands beside it where that has a meaning."""
        target = self.plan.end_of(self.plan.sites[document.uri, pointer, "$ref"])
        key = (target.document.uri, target.pointer)
        if key in self.open:  # it is inside itself
            place = self.plan.location(target.document, target.pointer)
            return {**value, "$ref": fragment_of(str(place))}
        self.open.append(key)
        found = self.node(target.document, target.pointer, target.value, depth + 1)
        self.open.pop()
        beside = {key: each for key, each in value.items() if key != "$ref"}
        if isinstance(found, dict) and beside:
            words = ("summary", "description") if document.keeps_siblings else ()
            won = {key: each for key, each in beside.items() if key in words or key not in found}
            found = {**found, **won} if target.kind == "pathItem" or words else found
        return found

    def refer(self, document: Document, pointer: str, kind: str, found: dict[str, Any]) -> None:
        """Turns the references that one node holds into those of the bundle."""
        for word in ("$ref", "$dynamicRef", "$recursiveRef"):
            site = self.plan.sites.get((document.uri, pointer, word)) if word in found else None
            if site is not None:
                found[word] = self.text(site, found[word])
        if kind == "discriminator" and isinstance(found.get("mapping"), dict):
            for name, value in found["mapping"].items():
                site = self.plan.sites.get((document.uri, pointer, f"mapping/{escape(name)}"))
                if site is not None:
                    found["mapping"][name] = self.text(site, value)
        elif kind == "link" and isinstance(found.get("operationRef"), str):
            found["operationRef"] = self.operation(document, pointer, found["operationRef"])
        elif kind == "example" and isinstance(found.get("externalValue"), str):
            found["externalValue"] = self.moved(document, found["externalValue"])

    def text(self, site: Site, now: str) -> str:
        """A reference as it is written in the bundle."""
        plan, target = self.plan, site.target
        own = site.spot.document.uri == plan.own == target.document.uri
        dynamic = site.word in ("$dynamicRef", "$recursiveRef")
        if (own and not plan.strip) or (dynamic and now.startswith("#")):
            return now
        resource = target.document.identifiers.resource_of(target.pointer)
        name = target.document.identifiers.bases.get(resource, "file:")
        if plan.dynamic and not name.startswith("file:"):
            inside = fragment_of(target.pointer[len(resource) :])
            fragment = f"#{now.partition('#')[2]}" if dynamic else inside
            return name + (fragment if len(fragment) > 1 else "")
        end = plan.end_of(site)
        place = plan.location(target.document, target.pointer) or plan.location(end.document, end.pointer)
        return fragment_of(str(place))

    def operation(self, document: Document, pointer: str, ref: str) -> str:
        """An ``operationRef``: a pointer where the operation is in the bundle, else the way to its file."""
        resolve, (file, _, fragment) = self.plan.root.documents.resolve, ref.partition("#")
        try:
            found, at = resolve(document.uri, ref, at=pointer)
            if resolve(document.uri, file or "#")[0].uri == self.plan.own:
                return f"#{fragment}"
        except ContractError:
            return self.moved(document, ref)
        place = self.plan.location(found, at)
        return fragment_of(place) if place is not None else self.moved(document, ref)

    def moved(self, document: Document, ref: str) -> str:
        """A relative reference of another file as it is from the bundle, beside the root document."""
        if document.uri == self.plan.own or urlsplit(ref).scheme or ref.startswith(("/", "#")):
            return ref
        return relative(self.plan.own, document.uri, ref)


def relative(root: str, document: str, ref: str) -> str:
    """A relative reference inside one document as it is written in another."""
    target = urljoin(document, ref)
    if urlsplit(target)[:2] != urlsplit(root)[:2]:
        return target
    path, _, fragment = target.partition("#")
    near = posixpath.relpath(urlsplit(path).path, posixpath.dirname(urlsplit(root).path))
    return near + (f"#{fragment}" if fragment else "")
