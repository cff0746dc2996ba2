"""Runtime expressions (OpenAPI: Link Object; Arazzo: Runtime Expressions), taken apart and evaluated.

An expression names one value of an exchange, a message or a workflow: ``$response.body#/id``,
``$message.payload#/outcome``, ``$steps.book.outputs.id``. A criterion compares such values (``criteria``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from harness.contract.documents import escape, tokens_of
from harness.contract.model import EMPTY, JSON
from harness.contract.nearest import did_you_mean
from harness.errors import ContractError

NAMED = frozenset(("request.path", "request.query", "request.header", "response.header", "message.header"))
"""Sources that want a name: ``$request.header.If-Match``."""

POINTED = frozenset(("request.body", "response.body", "message.payload"))
"""Sources that may take a JSON pointer: ``$response.body#/items/0``."""

ALONE = frozenset(("url", "method", "statusCode", "message.key", "self"))

GIVEN = frozenset(("inputs", "outputs"))
"""Sources of a workflow that want a name and may take a pointer: ``$inputs.patient#/id``."""

OWNED = frozenset(("steps", "workflows", "sourceDescriptions", "components"))
"""Sources that want an owner too: ``$steps.<owner>.outputs.<name>``."""

OF_WORKFLOWS = GIVEN | OWNED | {"self"}
"""What means something inside an Arazzo document alone."""

SOURCES = (*sorted(ALONE), *sorted(POINTED), *sorted(NAMED), *sorted(GIVEN), *sorted(OWNED))
COMPONENTS = ("parameters", "successActions", "failureActions", "inputs")

_SHAPE = re.compile(r"\$([a-zA-Z]+(?:\.[a-zA-Z]+)?)(?:\.([^#]+))?(?:#(.*))?\Z", re.DOTALL)
_WORKFLOW = re.compile(
    r"\$(inputs|outputs|steps|workflows|sourceDescriptions|components)(?:\.(.*))?\Z", re.DOTALL
)
_SHAPES = {
    "inputs": (re.compile(r"()()([^#{}]+)(?:#(/.*)?)?\Z", re.DOTALL), "$inputs.<name>"),
    "outputs": (re.compile(r"()()([^#{}]+)(?:#(/.*)?)?\Z", re.DOTALL), "$outputs.<name>"),
    "steps": (
        re.compile(r"([^#{}]+?)\.(outputs)\.([^#{}]+)(?:#(/.*)?)?\Z", re.DOTALL),
        "a step's output: $steps.<stepId>.outputs.<name>",
    ),
    "workflows": (
        re.compile(r"([^#{}]+?)\.(inputs|outputs)\.([^#{}]+)(?:#(/.*)?)?\Z", re.DOTALL),
        "an input or output of a workflow: $workflows.<workflowId>.outputs.<name>",
    ),
    "sourceDescriptions": (
        re.compile(r"([^.#{}]+)()\.([^{}]+)()\Z", re.DOTALL),
        "$sourceDescriptions.<name>.<operationId, workflowId or field>",
    ),
    "components": (
        re.compile(rf"()({'|'.join(COMPONENTS)})\.([^#{{}}]+)()\Z", re.DOTALL),
        f"$components.<kind>.<name>, where the kind is one of {', '.join(COMPONENTS)}",
    ),
}
"""Source → owner, section, name and pointer; and how it should look."""

_EMBEDDED = re.compile(r"\{(\$[^{}]+)\}")
BEGINS = re.compile(r"\$[a-zA-Z]")
_MEMBERS = re.compile(r"([^.\[\]]+)((?:\[[0-9]{1,9}\])*)(?:\.|\Z)")


class ExpressionError(ContractError):
    """A runtime expression or criterion is malformed."""


@dataclass(slots=True)
class Context:
    """What expressions look at. Header look-ups ignore case; what is not there stays empty or None.

    Nobody changes one; it is not frozen because that makes it three times as slow to make.

    ``steps`` maps a stepId to its outputs, ``workflows`` a workflowId to its ``inputs`` and ``outputs``,
    ``sources`` a source's name to its fields, ``components`` a kind to its components.
    """

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
    inputs: Mapping[str, JSON] = EMPTY
    outputs: Mapping[str, JSON] = EMPTY
    steps: Mapping[str, Mapping[str, JSON]] = EMPTY
    workflows: Mapping[str, Mapping[str, Mapping[str, JSON]]] = EMPTY
    sources: Mapping[str, Mapping[str, JSON]] = EMPTY
    components: Mapping[str, Mapping[str, JSON]] = EMPTY
    self_uri: str | None = None


@dataclass(frozen=True, slots=True)
class Expression:
    """``source`` is one of ``SOURCES``; ``name`` is set for named ones; ``pointer`` is ``""`` for the whole.

    ``owner`` is the step, workflow or source; ``section`` ``inputs`` or ``outputs``, or a component's kind.
    ``$message.header#/x`` (AsyncAPI's spelling) reads as ``$message.header.x``, and
    ``$message.header#/x/y`` leads on into its value. ``dotted`` says that the text
    reaches into a value by ``.name`` and ``[0]``, as Arazzo's conditions may.
    """

    text: str
    source: str
    name: str = ""
    pointer: str = ""
    owner: str = ""
    section: str = ""
    dotted: bool = False

    @property
    def tokens(self) -> tuple[str, ...]:
        """The pointer's reference tokens, for whoever wants to write there."""
        return tuple(tokens_of(self.pointer))


@lru_cache(maxsize=4096)
def parse(expression: str, dotted: bool = False) -> Expression:
    """An expression taken apart. Raises ExpressionError.

    ``dotted`` takes ``$response.body.items[0].id`` for ``$response.body#/items/0/id``: the operators of
    Arazzo's simple conditions.
    """
    workflow = _WORKFLOW.match(expression)
    if workflow is not None:
        return _of_workflow(expression, workflow[1], workflow[2] or "")
    match = _SHAPE.match(expression)
    if match is None:
        raise _malformed(expression, "a runtime expression such as $response.body#/id")
    source, name, pointer = match.groups()
    if source == "message.header" and name is None and pointer and len(pointer) > 1 and pointer[0] == "/":
        first, *rest = tokens_of(pointer)
        return Expression(
            expression, source, name=first, pointer="".join(f"/{escape(each)}" for each in rest)
        )
    if source in NAMED and name and pointer is None:
        return Expression(expression, source, name=name)
    if source in POINTED and (not pointer or pointer.startswith("/")):
        if name is None:
            return Expression(expression, source, pointer=pointer or "")
        members = _members(name) if dotted else None
        if members is not None:
            return Expression(expression, source, pointer=members + (pointer or ""), dotted=True)
    if source in ALONE and name is None and pointer is None:
        return Expression(expression, source)
    if source in NAMED:
        raise _malformed(expression, f"a name: ${source}.<name>")
    if source in POINTED:
        raise _malformed(expression, f"a JSON pointer, if anything: ${source}#/<pointer>")
    raise _malformed(expression, "$ and a known source", did_you_mean(source, SOURCES))


def _of_workflow(expression: str, source: str, rest: str) -> Expression:
    shape, expected = _SHAPES[source]
    match = shape.match(rest)
    if match is None:
        raise _malformed(expression, expected)
    owner, section, name, pointer = match.groups(default="")
    return Expression(expression, source, name, pointer, owner, section, dotted="[" in name)


def _members(text: str) -> str | None:
    """``items[0].id`` as a JSON pointer; None if it is malformed."""
    pointer, at = "", 0
    while at < len(text) or text[-1:] == ".":
        match = _MEMBERS.match(text, at)
        if match is None:
            return None
        pointer += f"/{escape(match[1])}" + match[2].replace("[", "/").replace("]", "")
        at = match.end()
    return pointer


def _malformed(expression: str, expected: str, remedy: str = "") -> ExpressionError:
    return ExpressionError("", f"the expression '{expression}' is malformed", expected, remedy)


def evaluate(expression: str, context: Context) -> JSON:
    """The value that an expression names, or None if nothing is there. Raises ExpressionError."""
    return value_of(parse(expression), context)


def value_of(expression: Expression, context: Context) -> JSON:
    """The value that a parsed expression names, or None."""
    if expression.source in OF_WORKFLOWS:
        return _given(expression, context)
    if expression.source in POINTED:
        return _inside(getattr(context, expression.source.replace(".", "_")), expression.pointer)
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
        case _:
            return _inside(_header(context.message_headers, expression.name), expression.pointer)


def _given(expression: Expression, context: Context) -> JSON:
    if expression.source == "self":
        return context.self_uri
    return _inside(_member(_section(expression, context), expression.name), expression.pointer)


def _section(expression: Expression, context: Context) -> Mapping[str, JSON]:
    """The named values of which a workflow's expression names one."""
    match expression.source:
        case "inputs":
            return context.inputs
        case "outputs":
            return context.outputs
        case "steps":
            return context.steps.get(expression.owner, EMPTY)
        case "workflows":
            own: Mapping[str, Mapping[str, JSON]] = context.workflows.get(expression.owner, EMPTY)
            return own.get(expression.section, EMPTY)
        case "components":
            return context.components.get(expression.section, EMPTY)
        case _:
            return context.sources.get(expression.owner, EMPTY)


def _member(named: Mapping[str, JSON], name: str) -> JSON:
    """The value of a name, which may hold dots itself; else of its longest beginning, and reach into that."""
    if name in named:
        return named[name]
    ends = [index for index, character in enumerate(name) if character in ".["]
    for end in reversed(ends):
        if name[:end] in named:
            pointer = _members(f"_{name[end:]}")
            return None if pointer is None else _inside(named[name[:end]], pointer[2:])
    return None


def resolve(value: JSON, context: Context, dotted: bool = False) -> JSON:
    """A link's or parameter's value: expressions evaluated, ``{$…}`` in text filled in, all else as it is.

    Looks into lists and mappings. ``$5.00`` is text. Raises ExpressionError.
    """
    if isinstance(value, dict):
        return {key: resolve(each, context, dotted) for key, each in value.items()}
    if isinstance(value, list):
        return [resolve(each, context, dotted) for each in value]
    if not isinstance(value, str):
        return value
    if BEGINS.match(value):
        return value_of(parse(value, dotted), context)
    whole = _EMBEDDED.fullmatch(value)
    if whole:
        return value_of(parse(whole.group(1), dotted), context)
    return fill(value, context, dotted)


def fill(text: str, context: Context, dotted: bool = False) -> str:
    """Text with every ``{$…}`` in it replaced by its value: text as it is, anything else as JSON writes it.

    What is not there leaves no text in a link, and ``null`` in a workflow (``dotted``). Raises
    ExpressionError.
    """

    def filled(match: re.Match[str]) -> str:
        value = value_of(parse(match[1], dotted), context)
        return "" if value is None and not dotted else text_of(value)

    return _EMBEDDED.sub(filled, text)


def embedded(text: str) -> tuple[str, ...]:
    """The expressions that stand in braces in a text."""
    return tuple(match[1] for match in _EMBEDDED.finditer(text))


def text_of(value: JSON) -> str:
    """A value as it stands inside text (Arazzo 1.1: Runtime Expressions)."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


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
