"""Generated values are valid, the same for the same seed, and examples come from the contract first."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.contract import load
from harness.contract.patterns import CannotWrite, matching_text
from harness.contract.schema import (
    compile_schema,
    complete,
    example_of,
    examples_of,
    generate,
    schema_of,
)
from harness.errors import ContractError
from tests.unit.contract.conftest import OPENAPI, Write

FORMATS = ["date", "date-time", "time", "uuid", "email", "uri", "hostname", "ipv4", "ipv6", "duration"]
PATTERNS = ["^[A-Z]{2}\\d{3,5}$", "^(red|green|blue)-[0-9a-f]{4}$", "[^@\\s]+@x", "^\\p{L}+$", "a(?=b)b|c"]


def seeded(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - the same text every time is what is tested


def _numbers(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    bounds = st.tuples(st.integers(-50, 50), st.integers(0, 50))
    step = st.none() | st.sampled_from([1, 5] if kind == "integer" else [0.5, 0.01])

    def schema(found: tuple[tuple[int, int], float | None]) -> dict[str, Any]:
        (low, width), multiple = found
        whole = {"type": kind, "minimum": low, "maximum": low + width + 5}
        return whole if multiple is None else {**whole, "multipleOf": multiple}

    return st.tuples(bounds, step).map(schema)


LEAVES = (
    _numbers("integer")
    | _numbers("number")
    | st.sampled_from(FORMATS).map(lambda name: {"type": "string", "format": name})
    | st.sampled_from(PATTERNS).map(lambda text: {"type": "string", "pattern": text})
    | st.integers(0, 30).map(lambda n: {"type": "string", "minLength": n, "maxLength": n + 3})
    | st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"type": ["integer", "null"]}, {"const": [1]}])
    | st.lists(st.integers(), min_size=1).map(lambda values: {"enum": values})
)


def _compound(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    members = st.dictionaries(st.sampled_from("abcde"), inner, max_size=4)
    objects = st.tuples(members, st.booleans()).map(
        lambda found: {
            "type": "object",
            "properties": found[0],
            "required": sorted(found[0])[:2],
            "additionalProperties": found[1],
        }
    )
    arrays = st.tuples(inner, st.integers(0, 2)).map(
        lambda found: {"type": "array", "items": found[0], "minItems": found[1], "maxItems": found[1] + 1}
    )
    unions = st.lists(inner, min_size=1, max_size=3).map(lambda found: {"anyOf": found})
    both = members.map(
        lambda found: {"allOf": [{"type": "object", "properties": found}, {"minProperties": 0}]}
    )
    return objects | arrays | unions | both


@settings(deadline=None, max_examples=150)
@given(st.recursive(LEAVES, _compound, max_leaves=8), st.integers(0, 5))
def test_generated_values_are_valid(raw: dict[str, Any], seed: int) -> None:
    schema = schema_of(raw)
    value = generate(schema, seed)
    assert compile_schema(schema).violations(value) == ()
    assert generate(schema, seed) == value


HARD = {
    "recursive": {"type": "object", "properties": {"child": {"$ref": "#"}, "n": {"type": "integer"}}},
    "recursive list": {"type": "array", "items": {"$ref": "#"}, "minItems": 0},
    "one of two kinds": {
        "oneOf": [
            {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "a"}}},
            {"type": "object", "required": ["kind", "x"], "properties": {"kind": {"const": "b"}, "x": {}}},
        ]
    },
    "narrowed": {"allOf": [{"type": "number", "minimum": 3}, {"type": "integer", "maximum": 4}]},
    "narrowed property": {
        "properties": {"a": {"enum": ["x", "y"]}},
        "required": ["a"],
        "type": "object",
        "allOf": [{"properties": {"a": {"enum": ["y", "z"]}}}],
    },
    "condition": {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"enum": ["open", "cancelled"]}, "why": {"type": "string"}},
        "if": {"properties": {"status": {"const": "cancelled"}}},
        "then": {"required": ["why"]},
        "else": {"properties": {"why": False}},
    },
    "map": {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2},
    "pattern map": {"patternProperties": {"^x-[a-z]{3}$": {"type": "string"}}, "additionalProperties": False},
    "named": {"type": "object", "propertyNames": {"pattern": "^[A-Z]{3}$"}, "minProperties": 2},
    "unique": {"type": "array", "items": {"enum": [1, 2, 3]}, "uniqueItems": True, "minItems": 3},
    "tuple": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
    "contains": {"type": "array", "items": {"type": "integer"}, "contains": {"const": 7}},
    "dependent": {"type": "object", "required": ["a"], "dependentRequired": {"a": ["b"]}},
    "unevaluated": {
        "allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]}],
        "properties": {"b": {"type": "string"}},
        "unevaluatedProperties": False,
    },
    "open interval": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001},
    "fraction of integers": {"type": "integer", "multipleOf": 2.5, "minimum": 1, "maximum": 6},
    "anything": True,
    "no type": {"minLength": 3},
}


@pytest.mark.parametrize("name", HARD)
def test_what_schemas_really_look_like(name: str) -> None:
    schema = schema_of(HARD[name])  # type: ignore[arg-type]
    values = [generate(schema, seed) for seed in range(12)]
    assert [compile_schema(schema).violations(value) for value in values] == [()] * 12


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"type": "integer", "minimum": 2, "maximum": 1},
        {"const": 1, "type": "string"},
        {"pattern": "("},
    ],
)
def test_what_nothing_satisfies_is_an_error_with_its_place(schema: Any) -> None:
    with pytest.raises(ContractError) as caught:
        generate(schema_of(schema), 1)
    assert caught.value.where == "(schema):1"


@pytest.mark.parametrize("pattern", [*PATTERNS, "^apt-[0-9a-z]{8,26}$", "(a)\\1", "^[^a-z]$", "\\w+\\.\\d?"])
def test_text_matches_its_pattern(pattern: str) -> None:
    for seed in range(20):
        text = matching_text(pattern, seeded(seed))
        assert re.search(pattern.replace("\\p{L}", "[A-Za-z]"), text)


def test_text_has_the_length_asked_for() -> None:
    for seed in range(20):
        assert 15 <= len(matching_text("^[a-z]+$", seeded(seed), 15, 18)) <= 18
    with pytest.raises(CannotWrite):
        matching_text("^abc$", seeded(1), 5)


@pytest.mark.parametrize(
    ("schema", "example"),
    [
        ({"type": "string", "examples": ["a", "b"]}, "a"),
        ({"type": "string", "example": "a"}, "a"),
        ({"type": "integer", "default": 5}, 5),
        ({"const": "x"}, "x"),
        ({"enum": ["p", "q"]}, "p"),
        ({"type": "integer", "examples": ["wrong"], "minimum": 3, "maximum": 3}, 3),
        ({"type": "object", "required": ["a"], "properties": {"a": {"examples": ["x"]}}}, {"a": "x"}),
    ],
)
def test_an_example_is_the_schemas_own_if_it_has_one(schema: dict[str, Any], example: Any) -> None:
    assert example_of(schema_of(schema)) == example


def test_the_seed_chooses_among_examples() -> None:
    schema = schema_of({"examples": ["a", "b"]})
    assert [example_of(schema, seed) for seed in range(3)] == ["a", "b", "a"]


@pytest.fixture
def tickets(write: Write) -> Path:
    shown = "content: {application/json: {schema: {$ref: '#/components/schemas/Page'}}}"
    page = shown.replace(
        "Page'}}}",
        "Page'}, example: {items: [{id: t-8, state: open, ownerId: a}, "
        "{id: t-9, state: closed, ownerId: b}]}}}",
    )
    assert shown in OPENAPI
    return write("tickets/openapi.yaml", OPENAPI.replace(shown, page))


def test_instances_are_found_inside_examples(tickets: Path) -> None:
    contract = load(tickets)
    assert [each["id"] for each in examples_of(contract, "Ticket")] == ["t-8", "t-9", "t-1"]
    assert len(examples_of(contract, "Page")) == 1
    assert examples_of(contract, "Nothing") == ()


def test_instances_may_be_changed_by_whoever_asked_for_them(tickets: Path) -> None:
    contract = load(tickets)
    examples_of(contract, "Ticket")[0]["id"] = "changed"
    assert examples_of(contract, "Ticket")[0]["id"] == "t-8"


def test_a_partial_instance_is_completed_from_the_example_nearest_to_it(tickets: Path) -> None:
    contract = load(tickets)
    assert complete(contract, "Ticket", {"state": "closed"}) == {
        "id": "t-9",
        "state": "closed",
        "ownerId": "b",
    }
    whole = complete(contract, "Ticket", {"state": "waiting", "id": "t-5"})
    assert (whole["state"], whole["id"]) == ("waiting", "t-5")
    assert compile_schema(contract.schemas["Ticket"]).is_valid(whole)


def test_an_instance_without_examples_is_generated(write: Write) -> None:
    path = write("tickets/openapi.yaml", OPENAPI.replace("{id: t-1, state: open, ownerId: p-1}", "{}"))
    contract = load(path)
    whole = complete(contract, "Ticket", {"state": "waiting"})
    assert whole["state"] == "waiting"
    assert compile_schema(contract.schemas["Ticket"]).is_valid(whole)


def test_an_instance_is_repaired_to_fit_what_is_asked(write: Write) -> None:
    path = write(
        "api.yaml",
        """\
        openapi: 3.1.0
        info: {title: t, version: '1'}
        paths: {}
        components:
          schemas:
            Order:
              type: object
              required: [state]
              properties:
                state: {enum: [open, cancelled]}
                due: {type: string}
                why: {type: string, minLength: 1}
              examples: [{state: open, due: monday}]
              if: {properties: {state: {const: cancelled}}}
              then: {required: [why], properties: {due: false}}
        """,
    )
    whole = complete(load(path), "Order", {"state": "cancelled"})
    assert set(whole) == {"state", "why"}


def test_what_cannot_be_completed_says_why(tickets: Path) -> None:
    contract = load(tickets)
    with pytest.raises(ContractError, match=r'/state must be one of "open"'):
        complete(contract, "Ticket", {"state": "lost"})
    with pytest.raises(ContractError, match="Did you mean 'Ticket'"):
        complete(contract, "Tickt", {})
