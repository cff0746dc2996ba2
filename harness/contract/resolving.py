"""Where a reference leads: through base URIs, schemas' names, files, addresses, pointers, other references.

RFC 3986 section 5 for what it is relative to; JSON Schema 2020-12 sections 8.2 and 9.2 for embedded schemas.
"""

from __future__ import annotations

import os
import posixpath
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urljoin, urlsplit

from harness.contract.avro_names import pointer_of
from harness.contract.document import Document
from harness.contract.identifiers import is_uri
from harness.contract.model import JSON, Place
from harness.contract.nearest import did_you_mean
from harness.contract.pointers import escape, look_up, tokens_of
from harness.contract.sources import decoded, text_of
from harness.errors import ContractError

if TYPE_CHECKING:
    from harness.contract.documents import Documents

_SECTIONS = ("#/$defs/", "#/definitions/")

MAX_HOPS = 200
"""References that one reference may lead through."""


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


def base_of(document: Document, ref: str, at: str) -> str:
    """The schema that a reference is relative to: the nearest above with an ``$id``, ``""`` for the document.

    Generators of JSON Schema write ``#/$defs/Name`` as if each schema were a document. Where none of these
    holds such a section, it is the nearest schema above that has the definition.
    """
    resource = document.identifiers.resource_of(at) if document.identifiers.bases else ""
    if not ref.startswith(_SECTIONS):
        return resource
    section, name, *_ = tokens_of(unquote(ref[1:]))
    tops = (document.tree, look_up(document.tree, resource))
    if any(isinstance(top, Mapping) and section in top for top in tops):
        return resource
    while at:
        held = look_up(document.tree, f"{at}/{section}")
        if isinstance(held, Mapping) and name in held:
            return at
        at = at.rpartition("/")[0]
    return resource


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # longer than names may be
        return False


class Resolver:
    """Of one set of documents; opens what references lead to. Every method raises ContractError."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents
        self.resources: dict[str, tuple[Document, str]] = {}
        """The ``$id`` of every schema in the documents opened so far → where it stands."""

        self.named: dict[tuple[str, str, str], tuple[Document, str]] = {}
        self.resolved: dict[tuple[str, str, str], tuple[Document, str]] = {}

    def note(self, document: Document) -> None:
        """Take down the names of a document's schemas; the first of a name holds."""
        for name, pointer in document.identifiers.resources.items():
            self.resources.setdefault(name, (document, pointer))

    def resolve(self, document: Document, ref: str, referrer: Place | None, at: str) -> tuple[Document, str]:
        key = (document.uri, base_of(document, ref, at), ref)
        if key not in self.resolved:
            self.resolved[key] = self._walk(_Asked(ref, document, at, referrer))
        return self.resolved[key]

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
        resource = base_of(document, ref, at)
        if target:
            document, resource = self._target(asked, document, resource, target)
        fragment = unquote(fragment)
        if not fragment or fragment.startswith("/"):
            tokens = tokens_of(fragment)
            if len(tokens) == 1 and look_up(document.tree, fragment) is None:
                named = pointer_of(document.tree, tokens[0])
                if named is not None:
                    return document, named, []
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
        base = document.base_at(resource)
        key = (document.uri, base, target)
        if key not in self.named:
            if not is_uri(target):
                raise asked.error(f"the $ref '{asked.ref}' is no URI", "a URI reference (RFC 3986)")
            address = urljoin(base, target)
            if address in self.resources:
                return self.resources[address]
            found = self._opened(asked, document, target, address)
            self.named[key] = self.resources.get(address, (found, ""))
        return self.named[key]

    def _opened(self, asked: _Asked, document: Document, target: str, address: str) -> Document:
        mapped = self.documents.sources.mapped(address) or self.documents.sources.mapped(target)
        if mapped is not None:
            return self.documents.open(mapped, str(mapped), asked.place, address)
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
        folder = posixpath.dirname(urlsplit(document.base or document.uri).path)
        by_id = unquote(posixpath.relpath(urlsplit(address).path, folder))
        names = (target, unquote(target), by_id)
        paths = [document.path.parent / name for name in names]
        return self._beside(asked, document, next(filter(_exists, paths), paths[1]))

    def _beside(self, asked: _Asked, document: Document, path: Path) -> Document:
        assert document.path is not None  # noqa: S101 - only files have neighbours
        name = os.path.relpath(path, document.path.parent)
        shown = os.path.normpath(Path(document.file).parent / name)
        uri = path.resolve().as_uri()
        if uri in self.documents:
            return self.documents.document(uri)
        text = text_of(path, shown, asked.place)
        return self.documents.take(uri, path.resolve(), shown, text, uri, document.keeps_siblings)

    def _fetched(self, asked: _Asked, document: Document, address: str, scheme: str) -> Document:
        if address in self.documents:
            return self.documents.document(address)
        if scheme not in ("http", "https"):
            found, remedy = f"no document here is named '{address}'", f"Map it to one: --map {address}=FILE"
            raise asked.error(found, "an $id in one of these documents, or a file", remedy)
        if self.documents.sources.fetch is None:
            raise asked.error(
                f"the $ref '{asked.ref}' leads to another machine",
                "a file beside this one, for nothing is fetched unless you say so",
                f"Allow it with --allow-remote, or map it to a file of yours with --map {address}=FILE",
            )
        try:
            fetched = self.documents.sources.fetch(address)
        except ContractError as error:
            raise asked.error(f"{address}: {error.found}", error.expected, error.remedy) from error
        text = decoded(fetched.data, address)
        return self.documents.take(address, None, address, text, fetched.uri, document.keeps_siblings)
