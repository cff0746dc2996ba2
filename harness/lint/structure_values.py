"""What OpenAPI demands of that which describes a value: parameters, headers, media types, encodings, XML.

Sources: Parameter, Header, Media Type, Encoding and XML Object of 3.0.4, 3.1.1 and 3.2.0, and the schemas of
documents that come with them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from harness.contract.node import Node
from harness.errors import ContractError
from harness.lint.misfit import Misfit, only_one

Version = tuple[int, int]
Demand = Callable[[Node, Version], Iterator[Misfit]]

_STYLES: Mapping[str, tuple[str, ...]] = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form", "cookie"),
    "querystring": (),
}
_OF_SCHEMA = ("style", "explode", "allowReserved")
"""How a value is written that a ``schema`` describes; beside ``content`` they mean nothing."""

_TOKEN = re.compile(r"[0-9A-Za-z!#$%&'*+.^_`|~-]+\Z")
"""RFC 9110, section 5.6.2."""


def _value(node: Node, version: Version) -> Iterator[Misfit]:
    """A parameter or header: what describes its value."""
    yield from only_one(node, ("schema", "content"), needed=True)
    yield from only_one(node, ("example", "examples"))
    content = node.value.get("content")
    if isinstance(content, dict) and len(content) != 1:
        title, found = "'content' of a parameter has one media type", f"it has {len(content)}"
        yield Misfit(node.child("content"), title, found, "exactly one")
    if "content" in node.value and "schema" not in node.value:
        shown = ("example", "examples") if version < (3, 2) else ()
        for word in (*_OF_SCHEMA, *shown):
            if word in node.value:
                where = "in the media type" if word in shown else "of a parameter with 'schema'"
                title = f"'{word}' says nothing beside 'content'"
                yield Misfit(node.child(word), title, f"'{word}' and 'content'", f"'{word}' {where}, or none")


def _header(node: Node, version: Version) -> Iterator[Misfit]:
    yield from _value(node, version)
    for word in ("allowReserved", "allowEmptyValue"):
        if version >= (3, 1) and word in node.value:
            yield _meaningless(node, word, "a header", "a query parameter")


def _parameter(node: Node, version: Version) -> Iterator[Misfit]:
    yield from _value(node, version)
    where, value = node.value.get("in"), node.value
    if not isinstance(where, str) or where not in _STYLES:
        return
    if where == "path" and value.get("required") is not True:
        title, found = "a path parameter is always required", "no 'required: true'"
        yield Misfit(node, title, found, "required: true")
    style, styles = value.get("style"), _STYLES[where]
    if isinstance(style, str) and style not in styles:
        expected = f"one of {', '.join(styles)}" if styles else "no 'style'"
        title = f"a {where} parameter has no style '{style}'"
        yield Misfit(node.child("style"), title, f"style: {style}", expected)
    if where == "querystring" and "schema" in value:
        title = "a querystring parameter is described by 'content'"
        yield Misfit(node.child("schema"), title, "'schema'", "'content' with one media type")
    if version >= (3, 1):
        yield from _encoded(node, where, version)
    yield from _called(node, where, version)


def _encoded(node: Node, where: str, version: Version) -> Iterator[Misfit]:
    if "allowEmptyValue" in node.value and where != "query":
        yield _meaningless(node, "allowEmptyValue", f"a {where} parameter", "a query parameter")
    if "allowReserved" not in node.value or where == "query":
        return
    by_form = where == "cookie" and node.value.get("style", "form") == "form"
    if version < (3, 2) or not (where == "path" or by_form):
        kinds = "query" if version < (3, 2) else "query, path or form-style cookie"
        yield _meaningless(node, "allowReserved", f"a {where} parameter", f"a {kinds} parameter")


def _called(node: Node, where: str, version: Version) -> Iterator[Misfit]:
    name = node.value.get("name")
    if not isinstance(name, str):
        return
    if where == "path" and ("{" in name or "}" in name):
        yield Misfit(node.child("name"), "a path parameter's name has no braces", name, name.strip("{}"))
    if where == "header" and version >= (3, 2) and not _TOKEN.match(name):
        yield _no_token(node.child("name"), name)


def _meaningless(node: Node, word: str, on: str, belongs: str) -> Misfit:
    return Misfit(node.child(word), f"'{word}' means nothing on {on}", f"'{word}'", f"'{word}' on {belongs}")


def _no_token(where: Node, name: str) -> Misfit:
    return Misfit(where, "this is no name of a header", f"'{name}'", "letters, digits and !#$%&'*+.^_`|~-")


def _headers(node: Node, version: Version) -> Iterator[Misfit]:
    """The names of the headers of a response or encoding."""
    listed = node.value.get("headers")
    for name in listed if isinstance(listed, dict) and version >= (3, 2) else ():
        if not _TOKEN.match(name):
            yield _no_token(node.child("headers").child(name), name)


def _parameters(node: Node, version: Version) -> Iterator[Misfit]:
    """A path item's or operation's own: the whole query is described at most once, and by nothing else."""
    listed = node.value.get("parameters")
    places: dict[str, Node] = {}
    for index in range(len(listed) if isinstance(listed, list) and version >= (3, 2) else 0):
        each = node.child("parameters").child(index)
        try:
            said = each.follow().value
        except ContractError:
            continue  # the rule "reference" says so
        where = said.get("in") if isinstance(said, dict) else None
        if where == "querystring" and where in places:
            yield Misfit(each, "two parameters describe the whole query", "in: querystring, twice", "one")
        if where in ("query", "querystring"):
            places.setdefault(where, each)
    if len(places) == 2:
        title = "a querystring parameter describes the whole query, and others describe parts of it"
        yield Misfit(places["querystring"], title, "in: querystring and in: query", "only one of the two")


def _media_type(node: Node, version: Version) -> Iterator[Misfit]:
    yield from only_one(node, ("example", "examples"))
    yield from _encoding(node, version)


def _encoding(node: Node, version: Version) -> Iterator[Misfit]:
    """By the names of properties, or by their order (3.2)."""
    for word in ("prefixEncoding", "itemEncoding"):
        yield from only_one(node, ("encoding", word))


def _xml(node: Node, version: Version) -> Iterator[Misfit]:
    """Words that ``nodeType`` (3.2) took the place of."""
    for word in ("attribute", "wrapped"):
        yield from only_one(node, ("nodeType", word))


DEMANDS: tuple[tuple[str, Demand], ...] = (
    ("Parameter", _parameter),
    ("Header", _header),
    ("MediaType", _media_type),
    ("Encoding", _encoding),
    ("Encoding", _headers),
    ("Response", _headers),
    ("PathItem", _parameters),
    ("Operation", _parameters),
    ("XML", _xml),
)
