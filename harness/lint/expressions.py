"""Runtime expressions and criteria are well formed, and name something that is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from harness.contract.criteria import expressions_in
from harness.contract.expressions import OF_WORKFLOWS, Expression, ExpressionError, parse
from harness.contract.model import (
    Contract,
    Emission,
    Message,
    MessageOperation,
    Operation,
    Place,
    Response,
    Schema,
    System,
    Transition,
)
from harness.contract.navigation import child, parts
from harness.contract.nearest import did_you_mean
from harness.contract.schema import items_of, properties
from harness.findings import Finding
from harness.lint.rule import Rule, finding
from harness.lint.uses import explicit, messages_of


@dataclass(frozen=True, slots=True)
class _Written:
    """An expression or criterion as it stands somewhere, and the cause that it looks at."""

    owner: str
    role: str
    text: str
    place: Place
    cause: Operation | MessageOperation | Message | Schema
    criterion: bool = False


_CORRELATION = "correlationId"
"""The one that is AsyncAPI's own: it may name what a schema leaves open, so it is only warned of."""


def expressions_make_sense(system: System) -> Iterator[Finding]:
    """Each is well formed and leads to something documented."""
    for contract in system.contracts.values():
        for written in _written(contract):
            try:
                found = expressions_in(written.text) if written.criterion else (parse(written.text),)
            except ExpressionError as error:
                title = f"{written.role} is malformed"
                yield _wrong(contract, written, title, f"{error.expected}. {error.remedy}".strip(". "))
                continue
            for expression in found:
                wanted = missing(expression, written.cause)
                if wanted:
                    title = f"{written.role} names what is not there"
                    yield _wrong(contract, written, title, wanted)


def _wrong(contract: Contract, written: _Written, title: str, documented: str) -> Finding:
    return finding(
        "expression",
        contract,
        written.place,
        title,
        received=written.text,
        documented=documented,
        operation=written.owner,
        severity="warning" if written.role == _CORRELATION else "error",
    )


def _written(contract: Contract) -> Iterator[_Written]:
    for operation in contract.operations.values():
        if operation.subject:
            yield _Written(operation.id, "x-subject", operation.subject, operation.place, operation)
        yield from _of_emissions(operation, explicit(operation.emits))
        for response in operation.responses.values():
            for link in response.links:
                for name, value in (*link.parameters.items(), ("requestBody", link.body)):
                    if isinstance(value, str) and value.startswith("$"):
                        role = f"link '{link.name}', {name}"
                        yield _Written(operation.id, role, value, link.place, operation)
    for receive in contract.receives.values():
        yield from _of_emissions(receive, explicit(receive.emits))
        yield from _of_relation(receive)
    for message in messages_of(contract):
        for role, text in (("x-subject", message.subject), (_CORRELATION, message.correlation)):
            if text:
                yield _Written(message.name, role, text, message.place, message)
    for lifecycle in contract.lifecycles.values():
        for edge in lifecycle.transitions:
            yield from _of_transition(contract, lifecycle.schema, edge)


def _of_emissions(cause: Operation | MessageOperation, emissions: Iterator[Emission]) -> Iterator[_Written]:
    for each in emissions:
        for role, text in (("key", each.key), ("correlation", each.correlation)):
            if text:
                yield _Written(cause.id, f"x-emits, {role}", text, each.place, cause)
        if each.when:
            yield _Written(cause.id, "x-emits, when", each.when, each.place, cause, criterion=True)


def _of_relation(cause: MessageOperation) -> Iterator[_Written]:
    told = cause.relation
    if told is not None:
        for role, text in (("actor", told.actor), ("subject", told.subject)):
            yield _Written(cause.id, f"x-relation, {role}", text, told.place, cause)
        for role, text in (("begins", told.begins), ("ends", told.ends)):
            yield _Written(cause.id, f"x-relation, {role}", text, told.place, cause, criterion=True)


def _of_transition(contract: Contract, schema: str, edge: Transition) -> Iterator[_Written]:
    """A timed transition looks at the aggregate's document; one that follows, at the other aggregate's."""
    cause: Operation | MessageOperation | Schema | None
    if edge.by is not None:
        cause = contract.operations.get(edge.by) or contract.receives.get(edge.by)
    else:
        cause = contract.schemas.get(edge.follows[0] if edge.follows else schema)
    if cause is None:
        return  # the rule "lifecycle" says so
    if edge.id:
        yield _Written(schema, "a transition's id", edge.id, edge.place, cause)
    if edge.each:
        yield _Written(schema, "a transition's each", edge.each[1], edge.place, cause)
    if edge.when:
        yield _Written(schema, "a transition's when", edge.when, edge.place, cause, criterion=True)


def missing(
    expression: Expression, cause: Operation | MessageOperation | Message | Schema, every: bool = False
) -> str:
    """What the expression should name instead; empty if it names something, or nobody can tell.

    It looks at the answers that mean success, with ``every`` at all that are documented.
    """
    part, _, what = expression.source.partition(".")
    if part in OF_WORKFLOWS:
        return "$request…, $response… or $message…: there is no workflow here"
    if isinstance(cause, Schema):
        ok = expression.source == "response.body"
        return _in_any([cause], expression) if ok else "$response.body, the aggregate's document"
    if isinstance(cause, Operation):
        if part == "message":
            return "$request… or $response…: the cause is an HTTP operation"
        if part == "request":
            return _in_request(expression, cause, what)
        return _in_response(expression, tuple(cause.responses.values()) if every else cause.successes)
    if part != "message":
        return "$message…: the cause is a message"
    messages = [cause] if isinstance(cause, Message) else list(cause.messages)
    if what == "payload":
        return _in_any([each.payload for each in messages], expression)
    if what == "header" and all(each.headers is not None for each in messages):
        names = {name.lower() for each in messages if each.headers for name in properties(each.headers)}
        if names and expression.name.lower() not in names:
            return f"a header of the message. {did_you_mean(expression.name, names)}"
    return ""


def _in_request(expression: Expression, operation: Operation, what: str) -> str:
    if what == "body":
        bodies = operation.body.content.values() if operation.body else ()
        return _in_any([media.schema for media in bodies], expression) if bodies else "no body is documented"
    if operation.parameter(what, expression.name) is None:
        known = [each.name for each in operation.parameters if each.location == what]
        return f"a {what} parameter of {operation.id}. {did_you_mean(expression.name, known)}"
    return ""


def _in_response(expression: Expression, answers: tuple[Response, ...]) -> str:
    if expression.source == "response.body":
        schemas = [media.schema for each in answers for media in each.content.values()]
        return _in_any(schemas, expression) if schemas else "no answer with a body is documented"
    if expression.source == "response.header":
        names = {name.lower() for each in answers for name in each.headers}
        if expression.name.lower() not in names:
            return f"a documented header. {did_you_mean(expression.name, names)}"
    return ""


def _in_any(schemas: list[Schema | None], expression: Expression) -> str:
    """Empty if one of the schemas has, or may have, something at the expression's pointer."""
    lacks = [_lacks(schema, expression.tokens) if schema is not None else "" for schema in schemas]
    return "" if not lacks or not all(lacks) else lacks[0]


def _lacks(schema: Schema, tokens: tuple[str, ...]) -> str:
    if not tokens:
        return ""
    first, rest = tokens[0], tokens[1:]
    known = properties(schema)
    if first in known:
        return _lacks(known[first], rest)
    items = items_of(schema)
    if items is not None and first.isdecimal():
        return _lacks(items, rest)
    branches = [
        child(part, word, index)
        for part in parts(schema)
        for word in ("oneOf", "anyOf")
        for index in range(_length(part, word))
    ]
    if branches:
        return "" if any(not _lacks(branch, tokens) for branch in branches) else f"'{first}' in some form"
    return f"a documented property. {did_you_mean(first, known)}" if known else ""


def _length(schema: Schema, word: str) -> int:
    listed = schema.raw.get(word) if isinstance(schema.raw, Mapping) else None
    return len(listed) if isinstance(listed, list) else 0


RULES = (
    Rule(
        "expression",
        "runtime expressions name what is there",
        expressions_make_sense,
        why="The expression has no value when it is needed.",
        mend="Correct the expression, or document what it reads.",
    ),
)
