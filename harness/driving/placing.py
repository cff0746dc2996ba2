"""Put a value where a runtime expression points: the opposite of evaluating it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.contract.model import JSON
from harness.driving.calls import Call
from harness.errors import ContractError


def place(call: Call, expression: str, value: JSON) -> Call:
    """The call with ``value`` where a ``$request…`` expression points.

    Raises ContractError where the expression names no part of a request that can be set.
    """
    source, pointer = split(expression)
    if source == "$request.body":
        return replace(call, body=put(call.body, pointer, value))
    part, _, name = source.removeprefix("$request.").partition(".")
    if source.startswith("$request.") and name:
        if part == "path":
            return replace(call, path={**call.path, name: value})
        if part == "query":
            return replace(call, query={**call.query, name: value})
        if part == "header":
            return call.with_headers(**{name: value})
    raise ContractError(str(call.operation.place), f"{expression} names nothing in a request that can be set")


def split(expression: str) -> tuple[str, str]:
    """A runtime expression's source and its JSON pointer (``""`` without one); braces are dropped."""
    source, _, pointer = expression.strip().removeprefix("{").removesuffix("}").partition("#")
    return source, pointer


def put(document: JSON, pointer: str, value: JSON) -> JSON:
    """A copy of the document with the value at a JSON pointer (RFC 6901); parents are made as objects."""
    if not pointer:
        return value
    root: Any = copy.deepcopy(document) if isinstance(document, dict | list) else {}
    node = root
    *parents, last = tokens(pointer)
    for token in parents:
        inner = get(node, "/" + _escape(token))
        if not isinstance(inner, dict | list):
            inner = {}
            _set(node, token, inner)
        node = inner
    _set(node, last, value)
    return root


def get(document: JSON, pointer: str) -> JSON:
    """What stands at a JSON pointer, or None."""
    node = document
    for token in tokens(pointer):
        if isinstance(node, Mapping):
            node = node.get(token)
        elif isinstance(node, list) and token.isdigit() and int(token) < len(node):
            node = node[int(token)]
        else:
            return None
    return node


def tokens(pointer: str) -> list[str]:
    """The unescaped reference tokens of a JSON pointer."""
    return [t.replace("~1", "/").replace("~0", "~") for t in pointer.split("/")[1:]]


def _set(node: Any, token: str, value: JSON) -> None:
    if isinstance(node, list):
        index = int(token) if token.isdigit() else len(node)
        node[index : index + 1] = [value]
    else:
        node[token] = value


def _escape(token: str) -> str:
    return token.replace("~", "~0").replace("/", "~1")
