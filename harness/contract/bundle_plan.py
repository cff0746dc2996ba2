"""Where everything that a document refers to goes in its bundle.

What stands in another file becomes a component, named as it was where that name is free (else ``Name_2``,
``Name_3``, in the order of the document); what no section of components can hold is written where it is
referred to.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from harness.contract.document import Document
from harness.contract.grammar import TABLES, Format
from harness.contract.node import Node
from harness.contract.pointers import escape, look_up, tokens_of
from harness.contract.references import Site, Spot, Walk
from harness.contract.tree import MAX_NODES
from harness.errors import ContractError

_Key = tuple[str, str]
"""URI of a document and a pointer in it."""

_ODD = re.compile(r"[^A-Za-z0-9._-]+")
_SINCE = {
    ("openapi", "pathItem"): "3.1",
    ("openapi", "mediaType"): "3.2",
    ("asyncapi2", "channel"): "2.3",
    ("asyncapi2", "server"): "2.3",
    ("asyncapi2", "serverVariable"): "2.4",
}
"""Sections of components that a format did not have from its first version on."""


def sections_of(of: Format, version: str) -> dict[str, str]:
    """Kind → the section of components that holds such things in this version of a format."""
    listed = TABLES[of]["components"].items()
    found = {kind[1:-1]: section for section, kind in listed}
    if of == "arazzo":  # its other components are referred to by expressions, not by $ref
        return {"schema": "inputs"}
    if "payload" in found:
        found["schema"] = found["payload"]
    return {kind: section for kind, section in found.items() if version >= _SINCE.get((of, kind), "")}


class Plan:
    """``located`` says for nodes of other files where they are in the bundle."""

    def __init__(self, root: Node, of: Format) -> None:
        self.root, self.of, self.own = root, of, root.document.uri
        self.sections = sections_of(of, str(root.value[of[:8]]))  # "asyncapi2" says "asyncapi"
        self.sites: dict[tuple[str, str, str], Site] = {}
        self.inside: dict[str, list[Site]] = {}
        """URI of a document → the references in it."""

        self.kinds: dict[_Key, str] = {}
        self.targets: dict[_Key, Spot] = {}
        self.located: dict[_Key, str] = {}
        self.written: set[_Key] = set()
        """References that what they lead to is written in place of."""

        self.added: dict[str, dict[str, Spot]] = {}
        """Section → name → what is added to the components."""

        self._survey()
        self._settle()

    def _survey(self) -> None:
        for each in Walk(self.root, self.of):
            if isinstance(each, Spot):
                self.kinds[each.document.uri, each.pointer] = each.kind
                continue
            spot = each.spot
            self.sites[spot.document.uri, spot.pointer, each.word] = each
            self.inside.setdefault(spot.document.uri, []).append(each)
        self.documents = [self.root.documents.document(uri) for uri in self.root.documents]
        self.dynamic = any(each.identifiers.dynamic for each in self.documents)
        for sites in self.inside.values():
            for site in sites:
                target = self.end_of(site)
                self.check_dialect(site, target)
                self.targets.setdefault((target.document.uri, target.pointer), target)
        foreign = [each for each in self.documents if each.uri != self.own]
        self.strip = (
            not self.dynamic and any(each.identifiers.bases for each in self.documents) and bool(foreign)
        )

    def check_dialect(self, site: Site, target: Spot) -> None:
        """Raises ContractError for a schema that would be read differently in the bundle."""
        there = target.document.tree.get("openapi") if isinstance(target.document.tree, dict) else None
        here = self.root.value.get("openapi")
        if target.kind not in ("schema", "payload") or there is None:
            return
        if str(there).startswith("3.0") != str(here).startswith("3.0"):
            place = site.spot.document.place(f"{site.spot.pointer}/{site.word}")
            found = f"this leads to a schema of OpenAPI {there}, which means something else in this document"
            raise ContractError(str(place), found, "schemas of one dialect", "Bundle the two documents apart")

    def end_of(self, site: Site) -> Spot:
        """What a reference means: where the chain ends that its target begins, if that is nothing else."""
        target, seen = site.target, set[_Key]()
        while target.document.uri != self.own and (target.document.uri, target.pointer) not in seen:
            seen.add((target.document.uri, target.pointer))
            further = self.sites.get((target.document.uri, target.pointer, "$ref"))
            if further is None or len(target.value) > 1:
                break
            target = replace(further.target, kind=site.target.kind)
        bases = target.document.identifiers.bases
        if self.dynamic and bases:  # an embedded resource goes as a whole, with its $id
            resource = target.document.identifiers.resource_of(target.pointer)
            if resource in bases and target.document.uri != self.own:
                return Spot(target.document, resource, "schema", look_up(target.document.tree, resource))
        return target

    def location(self, document: Document, pointer: str) -> str | None:
        """Where a node is in the bundle; None if it has no place yet."""
        if document.uri == self.own:
            return pointer
        above = pointer
        while (document.uri, above) not in self.located:
            if not above:
                return None
            above = above.rpartition("/")[0]
        return self.located[document.uri, above] + pointer[len(above) :]

    def _settle(self) -> None:
        """Gives a place to everything: first to what is written where it is referred to, then to components,
        which may then be inside it."""
        at_once: deque[Site] = deque(self.inside.get(self.own, ()))
        later: deque[Site] = deque()
        while at_once or later:
            if at_once:
                site = at_once.popleft()
                if self.goes_here(site):
                    at_once.extend(self.put_here(site))
                else:
                    later.append(site)
            else:
                at_once.extend(self.put_away(later.popleft()))

    def goes_here(self, site: Site) -> bool:
        target, spot = self.end_of(site), site.spot
        if target.document.uri == self.own or site.word != "$ref":
            return False
        if target.kind not in self.sections:
            return True
        tokens = tokens_of(spot.pointer)
        alias = tokens[:-1] == ["components", self.sections[target.kind]] and len(spot.value) == 1
        return (
            spot.document.uri == self.own and alias and self.location(target.document, target.pointer) is None
        )

    def put_here(self, site: Site) -> list[Site]:
        target, spot = self.end_of(site), site.spot
        self.written.add((spot.document.uri, spot.pointer))
        if self.location(target.document, target.pointer) is not None:
            return []  # written once more, for nothing can be shared
        place = self.location(spot.document, spot.pointer)
        self.located[target.document.uri, target.pointer] = str(place)
        return self.within(target)

    def put_away(self, site: Site) -> list[Site]:
        target = self.end_of(site)
        if self.location(target.document, target.pointer) is not None:
            return []
        target = self.whole(target)
        section = self.sections[target.kind]
        names = self.added.setdefault(section, {})
        name = self.free_name(target, section)
        names[name] = target
        self.located[target.document.uri, target.pointer] = f"/components/{section}/{escape(name)}"
        return self.within(target)

    def whole(self, target: Spot) -> Spot:
        """The outermost thing that is referred to itself and holds this one: the two stay one."""
        found, above = target, target.pointer
        while above:
            above = above.rpartition("/")[0]
            holder = self.targets.get((target.document.uri, above))
            if holder is not None and holder.kind in self.sections:
                found = holder
        return found

    def within(self, target: Spot) -> list[Site]:
        """The references inside what has just found its place."""
        listed = self.inside.get(target.document.uri, ())
        return [each for each in listed if f"{each.spot.pointer}/".startswith(f"{target.pointer}/")]

    def free_name(self, target: Spot, section: str) -> str:
        components = self.root.get("components")
        own = components.get(section) if components else None
        taken = {*(own.mapping() if own else ()), *self.added[section]}
        tokens = tokens_of(target.pointer)
        stem = PurePosixPath(urlsplit(target.document.uri).path).name.partition(".")[0]
        name = _ODD.sub("_", tokens[-1] if tokens else stem).strip("_") or target.kind
        numbers = (f"{name}_{number}" for number in range(2, MAX_NODES))
        return name if name not in taken else next(each for each in numbers if each not in taken)
