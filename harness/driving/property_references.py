"""References to parameters' schemas made short: Schemathesis looks one step far for the values to try."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

from harness.contract.pointers import look_up

_LONGEST = 200
"""Steps of a chain: what the reader of contracts follows."""

_SAYS_NOTHING = frozenset(
    ("$comment", "default", "deprecated", "description", "example", "examples", "summary", "title")
)
"""What may stand beside a reference without saying which values are valid."""


def shorten(tree: Any, uri: str, documents: Mapping[str, Any]) -> None:
    """Put into a document's tree, for each parameter whose schema is a chain of references, where that ends.

    ``uri`` is the document's, ``documents`` are the trees that it may refer to.
    """
    for place, key in list(_parameters(tree)):
        shortened = _shortened(place[key], uri, documents)
        if shortened is not None:
            place[key] = shortened


def _parameters(node: Any) -> Iterator[tuple[Any, Any]]:
    """Where a parameter stands: what holds it, and its key or number there."""
    if isinstance(node, dict):
        listed = node.get("parameters")
        if isinstance(listed, list):
            yield from ((listed, number) for number in range(len(listed)))
        elif isinstance(listed, dict):
            yield from ((listed, name) for name in listed)
        for value in node.values():
            yield from _parameters(value)
    elif isinstance(node, list):
        for value in node:
            yield from _parameters(value)


def _shortened(written: Any, uri: str, documents: Mapping[str, Any]) -> dict[str, Any] | None:
    """A parameter whose schema refers to the end of its chain; None where there is nothing to shorten."""
    parameter, at = written, uri
    for _ in range(_LONGEST):
        if not isinstance(parameter, Mapping) or not isinstance(parameter.get("$ref"), str):
            break
        parameter, at = _target(parameter["$ref"], at, documents)
    schema = parameter.get("schema") if isinstance(parameter, Mapping) else None
    if not isinstance(schema, Mapping) or not isinstance(schema.get("$ref"), str):
        return None
    first = reference = urljoin(at, schema["$ref"])
    for _ in range(_LONGEST):
        end, where = _target(reference, at, documents)
        if not _only_refers(end):
            break
        reference = urljoin(where, end["$ref"])
    if reference == first:
        return None
    moved = parameter if at == uri else _moved(parameter, at)
    short = reference.removeprefix(uri) if urldefrag(reference)[0] == uri else reference
    return {**moved, "schema": {**moved["schema"], "$ref": short}}


def _only_refers(schema: Any) -> bool:
    return isinstance(schema, Mapping) and isinstance(schema.get("$ref"), str) and all(
        name == "$ref" or name in _SAYS_NOTHING or name.startswith("x-") for name in schema
    )  # fmt: skip


def _target(reference: str, at: str, documents: Mapping[str, Any]) -> tuple[Any, str]:
    """What a reference means, and the URI of the document that it stands in; None for what is not known."""
    uri, fragment = urldefrag(urljoin(at, reference))
    if fragment and not fragment.startswith("/"):
        return None, uri
    return look_up(documents.get(uri), unquote(fragment)), uri


def _moved(node: Any, at: str) -> Any:
    """What stood in another document, with references that still mean the same."""
    if isinstance(node, Mapping):
        return {
            name: urljoin(at, value) if name == "$ref" and isinstance(value, str) else _moved(value, at)
            for name, value in node.items()
        }
    return [_moved(each, at) for each in node] if isinstance(node, list) else node
