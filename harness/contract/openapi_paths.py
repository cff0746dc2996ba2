"""Where operations stand: paths, path items, servers, webhooks, callbacks.

Sources: OpenAPI 3.0 to 3.2, Paths Object, Path Item Object, Server Object. What real documents write into a
path's key beside the path is taken apart here: a query (``/notes?kind=old``), a fragment (``/notes#old``), an
RFC 6570 query template (``/notes{?page}``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from urllib.parse import parse_qsl, urlsplit

from harness.contract.node import Node

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")

_QUERY_TEMPLATE = re.compile(r"\{[?&#][^{}]*\}")
_MOST_BASES = 32
"""Base paths of one operation: the values that server variables may take multiply."""


@dataclass(frozen=True, slots=True)
class Found:
    """An operation where it is written: ``items`` are the path item and what it refers to, nearest first."""

    method: str
    items: tuple[Node, ...]
    node: Node
    uris: tuple[str, ...]
    """By which references may lead to it: through the path item's own place too."""


def operations_in(item: Node) -> Iterator[Found]:
    """The operations of a path item, through its ``$ref`` and theirs; what stands beside a ``$ref`` wins."""
    items = chain(item)
    taken: set[str] = set()
    for each in items:
        for method, node in _methods(each):
            if method not in taken:
                taken.add(method)
                key = "additionalOperations/" * (method.lower() not in METHODS) + node.key
                uris = (node.uri, f"{item.uri}/{key}")
                target = node.follow()
                yield Found(method, items, target, (*uris, target.uri))


def _methods(item: Node) -> Iterator[tuple[str, Node]]:
    item.mapping()
    for method in METHODS:
        if (node := item.raw(method)) is not None:
            yield method.upper(), node
    more = item.raw("additionalOperations")  # OpenAPI 3.2: methods as they are sent
    for method, node in more.items() if more else ():
        yield method, node


def chain(node: Node) -> tuple[Node, ...]:
    """A node and what its chain of ``$ref``s leads to. Raises ContractError for a circle."""
    end = node.follow()
    return (node,) if end.uri == node.uri else (node, end)


def inherited(items: tuple[Node, ...], key: str) -> Node | None:
    """What the nearest of several path items says under a key, or None."""
    return next((found for each in items if (found := each.raw(key)) is not None), None)


def bases(*owners: Node | None) -> list[str]:
    """The paths of the innermost server list's URLs, the first server's first; ``[""]`` without one."""
    for owner in reversed(owners):
        if owner is not None and owner.value:
            every = (base for server in owner.entries() for base in _bases_of(server.follow()))
            return list(dict.fromkeys(islice(every, _MOST_BASES)))
    return [""]


def _bases_of(server: Node) -> Iterator[str]:
    url, variables = server.text("url"), server.get("variables")
    choices: list[list[tuple[str, str]]] = []
    for name, variable in variables.items() if variables else ():
        listed = variable.raw("enum")
        values = dict.fromkeys((variable.text("default"), *(listed.texts() if listed else ())))
        if f"{{{name}}}" in url:
            choices.append([(name, value) for value in values])
    for chosen in product(*choices):
        whole = url
        for name, value in chosen:
            whole = whole.replace(f"{{{name}}}", value)
        try:
            path = urlsplit(whole).path.strip("/")
        except ValueError as error:
            raise server.error(f"the server's URL '{url}' is none ({error})", "a URL") from error
        yield f"/{path}" if path else ""


def taken_apart(key: str) -> tuple[str, list[tuple[str, str]]]:
    """A path's key as the path that is sent, and the query that is written into it."""
    whole = _QUERY_TEMPLATE.sub("", key).partition("#")[0]
    path, _, query = whole.partition("?")
    return path if path.startswith("/") else f"/{path}", parse_qsl(query, keep_blank_values=True)
