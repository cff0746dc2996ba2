"""Schemas make sense, and examples and defaults keep them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.contract.model import JSON, Contract, Example, MediaType, Place, Schema, System
from harness.contract.schema import Direction, Validator, compile_schema
from harness.errors import ContractError
from harness.findings import Finding
from harness.lint.rule import Rule, finding
from harness.lint.uses import messages_of, schemas_below, uses_of


def makes_sense(system: System) -> Iterator[Finding]:
    """Every schema compiles."""
    for contract in system.contracts.values():
        for use in uses_of(contract):
            try:
                compile_schema(use.schema, use.direction)
            except ContractError as error:
                yield finding(
                    "schema",
                    contract,
                    use.schema.place,
                    f"{use.role} has a schema that makes no sense",
                    received=error.found,
                    documented=error.expected,
                    operation=use.operation,
                )


def examples_keep_their_schema(system: System) -> Iterator[Finding]:
    """Examples of parameters, bodies, answers, headers and messages."""
    for contract in system.contracts.values():
        for operation, schema, direction, example in _shown(contract):
            wrong = faults(schema, example.value, direction)
            if wrong:
                yield _broken(contract, operation, example.name, example.place, wrong)


def _broken(contract: Contract, operation: str, name: str, place: Place, wrong: str) -> Finding:
    return finding(
        "example",
        contract,
        place,
        f"the example '{name}' breaks its schema" if name else "the example breaks its schema",
        received=wrong,
        documented="an example that its schema allows",
        operation=operation,
    )


_Shown = tuple[str, Schema, Direction | None, Example]


def _shown(contract: Contract) -> Iterator[_Shown]:
    for operation in contract.operations.values():
        for parameter in operation.parameters:
            yield from _each(operation.id, parameter.schema, "request", parameter.examples)
        for media in operation.body.content.values() if operation.body else ():
            yield from _each(operation.id, _json_schema(media), "request", media.examples)
        for response in operation.responses.values():
            for media in response.content.values():
                yield from _each(operation.id, _json_schema(media), "response", media.examples)
            for header in response.headers.values():
                yield from _each(operation.id, header.schema, "response", header.examples)
    for message in messages_of(contract):
        for each in message.examples:
            payload = (Example(each.name, each.payload, place=each.place),)
            yield from _each(message.name, message.payload, None, payload if each.has_payload else ())
            headers = (Example(each.name, dict(each.headers), place=each.place),) if each.headers else ()
            yield from _each(message.name, message.headers, None, headers)


def _json_schema(media: MediaType) -> Schema | None:
    """The schema, unless the example is text in another format, which a schema says nothing about."""
    return media.schema if "json" in media.content_type or media.content_type == "*/*" else None


def _each(
    operation: str, schema: Schema | None, direction: Direction | None, examples: tuple[Example, ...]
) -> Iterator[_Shown]:
    for example in examples if schema is not None else ():
        yield operation, schema, direction, example  # type: ignore[misc]  # the condition above


def schemas_keep_themselves(system: System) -> Iterator[Finding]:
    """``example``, ``examples`` and ``default`` inside schemas."""
    for contract in system.contracts.values():
        for schema in schemas_below(contract):
            raw = schema.raw if isinstance(schema.raw, Mapping) else {}
            listed = raw.get("examples")
            values = [("example", value) for value in (listed if isinstance(listed, list) else ())]
            values += [(word, raw[word]) for word in ("example", "default") if word in raw]
            for word, value in values:
                wrong = faults(schema, value)
                if wrong:
                    yield finding(
                        "example",
                        contract,
                        schema.place,
                        f"the schema's own {word} breaks it",
                        received=wrong,
                        documented=f"{'a' if word == 'default' else 'an'} {word} that the schema allows",
                        operation=schema.name or "",
                    )


def _validator_of(schema: Schema, direction: Direction | None = None) -> Validator | None:
    """The schema's validator; None if it makes no sense, which the rule ``schema`` reports."""
    try:
        return compile_schema(schema, direction)
    except ContractError:
        return None


def faults(schema: Schema, value: JSON, direction: Direction | None = None) -> str:
    """What is wrong with a value, in words; empty if nothing is."""
    validator = _validator_of(schema, direction)
    if validator is None:
        return ""
    found = [f"{each.pointer or 'it'} {each.detail}" for each in validator.violations(value)]
    return "; ".join(found[:4]) + ("; …" if len(found) > 4 else "")


RULES = (
    Rule("schema", "every schema makes sense", makes_sense),
    Rule("example", "every example keeps its schema", examples_keep_their_schema),
    Rule("example", "every example and default inside a schema keeps it", schemas_keep_themselves),
)
