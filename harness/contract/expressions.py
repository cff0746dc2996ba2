"""Runtime expressions (OpenAPI: Link Object; Arazzo 1.0: Runtime Expressions), evaluated and taken apart.

An expression names one value of an exchange or a message: ``$response.body#/id``, ``$request.path.id``,
``$message.payload#/outcome``. A criterion compares such values (``criteria``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from harness.contract.documents import tokens_of
from harness.contract.model import EMPTY, JSON
from harness.contract.nearest import did_you_mean
from harness.errors import ContractError

NAMED = frozenset(("request.path", "request.query", "request.header", "response.header", "message.header"))
"""Sources that want a name: ``$request.header.If-Match``."""

POINTED = frozenset(("request.body", "response.body", "message.payload"))
"""Sources that may take a JSON pointer: ``$response.body#/items/0``."""

ALONE = frozenset(("url", "method", "statusCode", "message.key"))
SOURCES = (*sorted(ALONE), *sorted(POINTED), *sorted(NAMED))

_SHAPE = re.compile(r"\$([a-zA-Z]+(?:\.[a-zA-Z]+)?)(?:\.([^#]+))?(?:#(.*))?\Z", re.DOTALL)
_EMBEDDED = re.compile(r"\{(\$[^{}]+)\}")


class ExpressionError(ContractError):
    """A runtime expression or criterion is malformed."""


@dataclass(frozen=True, slots=True)
class Context:
    """What expressions look at. Header look-ups ignore case; what is not there stays empty or None."""

    method: str = ""
    url: str = ""
    status: int | None = None
    request_path: Mapping[str, JSON] = EMPTY
    request_query: Mapping[str, JSON] = EMPTY
    request_headers: Mapping[str, JSON] = EMPTY
    request_body: JSON = None
    response_headers: Mapping[str, JSON] = EMPTY
    response_body: JSON = None
    message_key: str | None = None
    message_headers: Mapping[str, JSON] = EMPTY
    message_payload: JSON = None


@dataclass(frozen=True, slots=True)
class Expression:
    """``source`` is one of ``SOURCES``; ``name`` is set for named ones; ``pointer`` is ``""`` for the whole.

    ``$message.header#/x`` (AsyncAPI's spelling) reads as ``$message.header.x``.
    """

    text: str
    source: str
    name: str = ""
    pointer: str = ""

    @property
    def tokens(self) -> tuple[str, ...]:
        """The pointer's reference tokens, for whoever wants to write there."""
        return tuple(tokens_of(self.pointer))


@lru_cache(maxsize=4096)
def parse(expression: str) -> Expression:
    """An expression taken apart. Raises ExpressionError."""
    match = _SHAPE.match(expression)
    if match is None:
        raise _malformed(expression, "a runtime expression such as $response.body#/id")
    source, name, pointer = match.groups()
    if source == "message.header" and name is None and pointer and pointer.count("/") == 1:
        name, pointer = pointer[1:], None
    if source in NAMED and name and pointer is None:
        return Expression(expression, source, name=name)
    if source in POINTED and name is None and (not pointer or pointer.startswith("/")):
        return Expression(expression, source, pointer=pointer or "")
    if source in ALONE and name is None and pointer is None:
        return Expression(expression, source)
    if source in NAMED:
        raise _malformed(expression, f"a name: ${source}.<name>")
    if source in POINTED:
        raise _malformed(expression, f"a JSON pointer, if anything: ${source}#/<pointer>")
    raise _malformed(expression, "$ and a known source", did_you_mean(source, SOURCES))


def _malformed(expression: str, expected: str, remedy: str = "") -> ExpressionError:
    return ExpressionError("", f"the expression '{expression}' is malformed", expected, remedy)


def evaluate(expression: str, context: Context) -> JSON:
    """The value that an expression names, or None if nothing is there. Raises ExpressionError."""
    return value_of(parse(expression), context)


def value_of(expression: Expression, context: Context) -> JSON:
    """The value that a parsed expression names, or None."""
    match expression.source:
        case "url":
            return context.url
        case "method":
            return context.method
        case "statusCode":
            return context.status
        case "message.key":
            return context.message_key
        case "request.path":
            return context.request_path.get(expression.name)
        case "request.query":
            return context.request_query.get(expression.name)
        case "request.header":
            return _header(context.request_headers, expression.name)
        case "response.header":
            return _header(context.response_headers, expression.name)
        case "message.header":
            return _header(context.message_headers, expression.name)
        case "request.body":
            return _inside(context.request_body, expression.pointer)
        case "response.body":
            return _inside(context.response_body, expression.pointer)
        case _:
            return _inside(context.message_payload, expression.pointer)


def resolve(value: JSON, context: Context) -> JSON:
    """A link's value: expressions evaluated, ``{$…}`` inside text filled in, all else as it stands.

    Looks into lists and mappings. Raises ExpressionError.
    """
    if isinstance(value, dict):
        return {key: resolve(each, context) for key, each in value.items()}
    if isinstance(value, list):
        return [resolve(each, context) for each in value]
    if not isinstance(value, str):
        return value
    if value.startswith("$"):
        return evaluate(value, context)
    whole = _EMBEDDED.fullmatch(value)
    if whole:
        return evaluate(whole.group(1), context)
    return _EMBEDDED.sub(lambda match: _text(evaluate(match.group(1), context)), value)


def _text(value: JSON) -> str:
    return "" if value is None else str(value)


def _header(headers: Mapping[str, JSON], name: str) -> JSON:
    if name in headers:
        return headers[name]
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), None)


def _inside(value: Any, pointer: str) -> JSON:
    for token in tokens_of(pointer):
        if isinstance(value, Mapping):
            value = value.get(token)
        elif isinstance(value, list | tuple) and token.isdecimal() and int(token) < len(value):
            value = value[int(token)]
        else:
            return None
    return value


def holds(criterion: str, context: Context) -> bool:
    """Whether an Arazzo simple criterion is true. Raises ExpressionError if it is malformed."""
    from harness.contract.criteria import compile_criterion  # which stands on this module

    return compile_criterion(criterion)(context)
