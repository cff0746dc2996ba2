"""Examples: those that a contract holds, and whole instances made to fit what somebody asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from harness.contract.dialects import Direction
from harness.contract.documents import Documents
from harness.contract.generation import generate
from harness.contract.model import JSON, Contract, Schema
from harness.contract.navigation import component, expand, items_of, parts, properties
from harness.contract.validation import Validator, compile_schema, named
from harness.errors import ContractError

_ROUNDS = 6


def example_of(schema: Schema, seed: int = 0, direction: Direction | None = None) -> JSON:
    """The schema's own example, default, const or first enum; else a valid value made like its examples.

    With several, ``seed`` says which. Raises ContractError where no value can be made.
    """
    validator = compile_schema(schema, direction)
    offered = [value for value in _offered(expand(schema)) if validator.is_valid(value)]
    if offered:
        return deepcopy(offered[seed % len(offered)])
    return generate(schema, seed, direction, like_examples=True)


def _offered(schema: Schema) -> Iterator[JSON]:
    raw = schema.raw
    if not isinstance(raw, Mapping):
        return
    if isinstance(raw.get("examples"), list):
        yield from raw["examples"]
    for word in ("example", "default", "const"):
        if word in raw:
            yield raw[word]
            return
    yield from raw.get("enum", ())


def examples_of(contract: Contract, name: str) -> tuple[JSON, ...]:
    """Every different instance of a component schema that the contract's examples show, in their order.

    The schema's own examples come first, then those inside the examples of successful responses, of
    request bodies and of messages, however deep.
    """
    cache = contract.documents.compiled if isinstance(contract.documents, Documents) else {}
    if "instances" not in cache:
        found: dict[str, list[JSON]] = {}
        for schema, value in _shown(contract):
            _collect(schema, value, found)
        cache["instances"] = {each: tuple(values) for each, values in found.items()}
    instances: dict[str, tuple[JSON, ...]] = cache["instances"]
    return deepcopy(instances.get(name, ()))


def _shown(contract: Contract) -> Iterator[tuple[Schema, JSON]]:
    for schema in contract.schemas.values():
        raw = schema.raw if isinstance(schema.raw, Mapping) else {}
        own = raw.get("examples")
        for value in (*(own if isinstance(own, list) else ()), *(raw[w] for w in ("example",) if w in raw)):
            yield schema, value
    for operation in contract.operations.values():
        bodies = [each.content for each in operation.successes]
        bodies += [operation.body.content] if operation.body else []
        for media in (media for content in bodies for media in content.values()):
            for example in media.examples if media.schema else ():
                yield media.schema, example.value  # type: ignore[misc]  # the condition above
    for message in (each for channel in contract.channels.values() for each in channel.messages.values()):
        for shown in (each for each in message.examples if message.payload and each.has_payload):
            yield message.payload, shown.payload  # type: ignore[misc]  # the condition above


def _collect(schema: Schema, value: JSON, found: dict[str, list[JSON]]) -> None:
    for part in parts(schema):
        name = part.name
        if (
            name is not None
            and value not in found.setdefault(name, [])
            and compile_schema(part).is_valid(value)
        ):
            found[name].append(value)
    if isinstance(value, dict):
        for name, below in properties(schema).items():
            if name in value:
                _collect(below, value[name], found)
    elif isinstance(value, list):
        items = items_of(schema)
        for each in value if items else ():
            _collect(items, each, found)  # type: ignore[arg-type]  # the condition above


def complete(
    contract: Contract, schema_name: str, partial: Mapping[str, JSON], seed: int = 0
) -> dict[str, Any]:
    """A whole valid instance of a component schema that contains ``partial``.

    Starts from the example that agrees with most of it; ``seed`` chooses among equals. Raises ContractError
    if no instance can hold what is asked.
    """
    schema = component(contract, schema_name)
    validator = compile_schema(schema, "response")
    shown = [value for value in examples_of(contract, schema_name) if isinstance(value, dict)]
    shown = shown[seed % len(shown) :] + shown[: seed % len(shown)] if shown else []
    shown.sort(key=lambda value: -_agreement(value, partial))
    for candidate in (*shown, *_generated(schema, seed)):
        whole = _repair(_overlay(candidate, partial), partial, schema, validator)
        if whole is not None:
            return whole
    wrong = "; ".join(f"{each.pointer} {each.detail}" for each in _faults(shown, partial, schema, validator))
    asked = ", ".join(map(named, partial)) or "nothing"
    raise ContractError(
        str(schema.place),
        f"no valid {schema_name} has what is asked of {asked}" + (f" ({wrong})" if wrong else ""),
        f"values that the schema {schema_name} allows together",
    )


def _generated(schema: Schema, seed: int) -> Iterator[dict[str, JSON]]:
    """Made once: whoever completes one lays over it what differs."""
    cache: dict[Any, Any] = schema.resources.compiled if isinstance(schema.resources, Documents) else {}
    for offset in range(3):
        key = ("generated", schema.uri, schema.dialect, schema.scope, seed, offset)
        try:
            if key not in cache:
                cache[key] = generate(schema, seed + offset, "response", like_examples=offset == 0)
        except ContractError:
            return
        if isinstance(cache[key], dict):
            yield cache[key]


def _agreement(value: JSON, partial: JSON) -> int:
    """How many leaves of ``partial`` stand in ``value``."""
    if isinstance(partial, Mapping):
        inside = value if isinstance(value, dict) else {}
        return sum(_agreement(inside[key], each) for key, each in partial.items() if key in inside)
    return 1 if value == partial else 0


def _overlay(value: JSON, partial: JSON) -> Any:
    if not isinstance(partial, Mapping) or not isinstance(value, dict):
        return deepcopy(dict(partial) if isinstance(partial, Mapping) else partial)
    whole = deepcopy(value)
    for key, each in partial.items():
        whole[key] = _overlay(whole[key], each) if key in whole else deepcopy(each)
    return whole


def _repair(
    whole: dict[str, JSON], partial: Mapping[str, JSON], schema: Schema, validator: Validator
) -> dict[str, JSON] | None:
    """Adds what the values asked for make necessary and drops what they make wrong; None if that fails."""
    known = properties(schema)
    for _ in range(_ROUNDS):
        if validator.is_valid(whole):
            return whole
        for pointer, name in validator.missing(whole):
            if pointer == "" and name in known:
                whole[name] = example_of(known[name])
        for violation in validator.violations(whole):
            name = violation.pointer.split("/")[1] if violation.pointer else ""
            if name in whole and name not in partial:
                del whole[name]
    return whole if validator.is_valid(whole) else None


def _faults(
    shown: list[dict[str, JSON]], partial: Mapping[str, JSON], schema: Schema, validator: Validator
) -> list[Any]:
    candidates = shown or list(_generated(schema, 0))
    return list(validator.violations(_overlay(candidates[0], partial)))[:3] if candidates else []
