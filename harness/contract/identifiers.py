"""The names that schemas give themselves: ``$id``, ``$anchor``, ``$dynamicAnchor``, ``$schema``.

JSON Schema 2020-12, sections 8.1 and 8.2, and the spellings of the drafts before it (``id``,
``$id: "#name"``, ``$recursiveAnchor``). Looked for wherever schemas may stand; data (examples, defaults,
constants) is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urldefrag, urljoin, urlsplit

from harness.contract.grammar import NAMED
from harness.contract.model import JSON, Dialect
from harness.contract.pointers import escape

_WORDS = ("$id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$schema")

_DATA = frozenset(("example", "default", "const", "enum", "value"))

DIALECTS: Mapping[str, Dialect] = {
    "json-schema.org/draft-04/schema": "draft-04",
    "json-schema.org/draft-06/schema": "draft-06",
    "json-schema.org/draft-07/schema": "draft-07",
    "json-schema.org/draft/2019-09/schema": "2019-09",
    "json-schema.org/draft/2020-12/schema": "2020-12",
    "spec.openapis.org/oas/3.1/dialect/base": "2020-12",
    "spec.openapis.org/oas/3.2/dialect/base": "2020-12",
}
"""What ``$schema`` and ``jsonSchemaDialect`` may name, without scheme and fragment."""

_OF_OPENAPI = re.compile(r"(spec\.openapis\.org/oas/3\.\d+/dialect/)[^/]+\Z")
"""OpenAPI's dialects are named by the day of their edition; all of a version mean the same."""


def is_uri(text: str) -> bool:
    """Whether a text can be taken for a URI reference at all (RFC 3986, section 4.1)."""
    try:
        urlsplit(text)
    except ValueError:  # a bracket without its pair
        return False
    return "\x00" not in text


def dialect_named(uri: str) -> Dialect | None:
    """The dialect of a meta-schema's URI; None for one that is not known here."""
    name = uri.partition("://")[2].rstrip("#")
    return DIALECTS.get(_OF_OPENAPI.sub(r"\1base", name))


@dataclass(slots=True)
class Identifiers:
    """Of one document. Keys and values are JSON pointers where nothing else is said."""

    resources: dict[str, str] = field(default_factory=dict)
    """Absolute URI → the schema that has it as its ``$id``."""

    bases: dict[str, str] = field(default_factory=dict)
    """A schema with an ``$id`` → its absolute URI: the base of the references inside it."""

    anchors: dict[tuple[str, str], str] = field(default_factory=dict)
    """Resource and plain name → schema."""

    dynamic: list[tuple[str, str]] = field(default_factory=list)
    """Name and schema of every dynamic anchor; the name of a ``$recursiveAnchor`` is empty."""

    meta: dict[str, str] = field(default_factory=dict)
    """A schema → the ``$schema`` that it declares."""

    def resource_of(self, pointer: str) -> str:
        """The nearest schema with an ``$id``, at or above; ``""``, the document, if there is none."""
        if not self.bases:
            return ""
        while pointer and pointer not in self.bases:
            pointer = pointer.rpartition("/")[0]
        return pointer

    def meta_of(self, pointer: str) -> tuple[str, str] | None:
        """The ``$schema`` that holds at a pointer, and the schema that declares it."""
        while self.meta:
            if pointer in self.meta:
                return self.meta[pointer], pointer
            if not pointer:
                break
            pointer = pointer.rpartition("/")[0]
        return None

    def dynamic_at(self, pointer: str) -> Iterator[tuple[str, str]]:
        """The dynamic anchors that come into scope where a schema is entered.

        Those of its whole resource (2020-12, section 8.2.3.2); where no ``$id`` says what the resource is, as
        in most OpenAPI documents, those of the schema itself.
        """
        resource = self.resource_of(pointer)
        known = resource in self.bases
        for name, at in self.dynamic:
            if self.resource_of(at) == resource and (known or f"{at}/".startswith(f"{pointer}/")):
                yield name, at


def identifiers_of(tree: JSON, text: str, base: str) -> Identifiers:
    """What the schemas of a document call themselves; ``text`` is its source, ``base`` its own URI."""
    found = Identifiers()
    old = "draft-04" in text
    if not old and not any(word in text for word in _WORDS):
        return found
    waiting: list[tuple[JSON, str, str, str, bool]] = [(tree, "", base, "", False)]
    while waiting:
        node, pointer, uri, resource, named = waiting.pop()
        if isinstance(node, list):
            below = [(each, f"{pointer}/{n}", uri, resource, False) for n, each in enumerate(node)]
            waiting += reversed(below)
        elif isinstance(node, dict):
            if not named:
                uri, resource = _read(found, node, pointer, uri, resource, old)
            for key, each in reversed(node.items()):  # the last is taken first: the first of two names holds
                if isinstance(each, dict | list) and (named or not _is_data(key, each)):
                    there = f"{pointer}/{escape(key)}"
                    waiting.append((each, there, uri, resource, not named and key in NAMED))
    return found


def _is_data(key: str, value: JSON) -> bool:
    return key in _DATA or key.startswith("x-") or (key == "examples" and isinstance(value, list))


def _read(
    found: Identifiers, node: dict[str, JSON], pointer: str, uri: str, resource: str, old: bool
) -> tuple[str, str]:
    """Takes down what one mapping says; the base URI and resource that hold inside it."""
    if isinstance(node.get("$schema"), str):
        found.meta[pointer] = node["$schema"]
    own = node.get("$id")
    if own is None and old and (meta := found.meta_of(pointer)) and dialect_named(meta[0]) == "draft-04":
        own = node.get("id")
    if isinstance(own, str) and own and is_uri(own):
        target, fragment = urldefrag(own)
        if target and not target.startswith(("file:", "/")):  # no schema may move itself about this machine
            uri, resource = urljoin(uri, target), pointer
            found.bases[pointer] = uri
            found.resources.setdefault(uri, pointer)
        if fragment:
            found.anchors.setdefault((resource, fragment), pointer)
    for word in ("$anchor", "$dynamicAnchor"):
        name = node.get(word)
        if isinstance(name, str):
            found.anchors.setdefault((resource, name), pointer)
            if word == "$dynamicAnchor":
                found.dynamic.append((name, pointer))
    if node.get("$recursiveAnchor") is True:
        found.dynamic.append(("", pointer))
    return uri, resource
