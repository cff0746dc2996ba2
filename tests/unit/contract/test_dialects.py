"""Schemas of every dialect that a document may name, and dynamic references by their scope."""

from __future__ import annotations

from typing import Any

import pytest

from harness.contract import load
from harness.contract.model import JSON
from harness.contract.schema import compile_schema, schema_of
from harness.errors import ContractError
from tests.unit.contract.conftest import Write

TREE: dict[str, Any] = {
    "$id": "https://example.com/tree",
    "$dynamicAnchor": "node",
    "type": "object",
    "properties": {"data": True, "children": {"type": "array", "items": {"$dynamicRef": "#node"}}},
}
STRICT: dict[str, Any] = {
    "$id": "https://example.com/strict-tree",
    "$dynamicAnchor": "node",
    "$ref": "tree",
    "unevaluatedProperties": False,
    "$defs": {"tree": TREE},
}
LIST: dict[str, Any] = {
    "$id": "list",
    "type": "array",
    "items": {"$dynamicRef": "#entry"},
    "$defs": {"any": {"$dynamicAnchor": "entry"}},
}


def typed(name: str, kind: str) -> dict[str, Any]:
    """A list whose entries are of one type."""
    return {"$id": name, "$ref": "list", "$defs": {"entry": {"$dynamicAnchor": "entry", "type": kind}}}


DYNAMIC: list[tuple[str, dict[str, Any], JSON, bool]] = [
    ("a misspelt property below a strict tree", STRICT, {"children": [{"daat": 1}]}, False),
    ("a right one", STRICT, {"children": [{"data": 1}]}, True),
    ("the tree alone is not strict", TREE, {"children": [{"daat": 1}]}, True),
    (
        "each user of a general list gives it its own entries",
        {
            "properties": {"numbers": {"$ref": "numbers"}, "words": {"$ref": "words"}},
            "$defs": {"l": LIST, "n": typed("numbers", "number"), "w": typed("words", "string")},
        },
        {"numbers": [1], "words": ["x"]},
        True,
    ),
    (
        "and not another's",
        {
            "properties": {"numbers": {"$ref": "numbers"}, "words": {"$ref": "words"}},
            "$defs": {"l": LIST, "n": typed("numbers", "number"), "w": typed("words", "string")},
        },
        {"numbers": [1], "words": [1]},
        False,
    ),
    (
        "without a dynamic anchor where it leads it is a plain reference",
        {
            "$id": "https://example.com/outer",
            "$dynamicAnchor": "entry",
            "properties": {"a": {"$ref": "inner"}},
            "$defs": {
                "i": {
                    "$id": "inner",
                    "$dynamicRef": "#entry",
                    "$defs": {"x": {"$anchor": "entry", "type": "null"}},
                }
            },
        },
        {"a": 1},
        False,
    ),
    (
        "the outermost of three holds",
        {
            "$id": "https://example.com/1",
            "$ref": "2",
            "$defs": {
                "entry": {"$dynamicAnchor": "entry", "type": "string"},
                "2": {
                    "$id": "2",
                    "$ref": "list",
                    "$defs": {"entry": {"$dynamicAnchor": "entry", "type": "number"}, "l": LIST},
                },
            },
        },
        ["x"],
        True,
    ),
]


@pytest.mark.parametrize(
    ("schema", "value", "valid"), [case[1:] for case in DYNAMIC], ids=[c[0] for c in DYNAMIC]
)
def test_dynamic_references_lead_where_the_outermost_anchor_is(
    schema: dict[str, Any], value: JSON, valid: bool
) -> None:
    assert compile_schema(schema_of(schema)).is_valid(value) is valid


@pytest.mark.parametrize(("strict", "valid"), [(True, False), (False, True)])
def test_recursive_references_of_2019_09(strict: bool, valid: bool) -> None:
    tree = {
        "$id": "https://example.com/tree",
        "$recursiveAnchor": True,
        "properties": {"data": True, "child": {"$recursiveRef": "#"}},
    }
    schema = {
        "$schema": "https://json-schema.org/draft/2019-09/schema",
        "$id": "https://example.com/strict",
        "$recursiveAnchor": strict,
        "$ref": "tree",
        "unevaluatedProperties": False,
        "$defs": {"tree": tree},
    }
    assert compile_schema(schema_of(schema)).is_valid({"child": {"daat": 1}}) is valid


D4, D6, D7 = (f"http://json-schema.org/draft-0{n}/schema#" for n in (4, 6, 7))
D2019 = "https://json-schema.org/draft/2019-09/schema"


@pytest.mark.parametrize(
    ("dialect", "schema", "value", "valid"),
    [
        (D4, {"minimum": 1, "exclusiveMinimum": True}, 1, False),
        (D4, {"const": 1}, 2, True),
        (
            D4,
            {"id": "http://example.com/a", "definitions": {"b": {"id": "b", "type": "null"}}, "$ref": "b"},
            1,
            False,
        ),
        (D6, {"const": 1}, 2, False),
        (D6, {"if": True, "then": False}, 1, True),
        (D7, {"if": True, "then": False}, 1, False),
        (D7, {"items": [{"type": "string"}], "additionalItems": False}, ["x", 1], False),
        (
            D7,
            {"$ref": "#/definitions/a", "type": "null", "definitions": {"a": {"type": "string"}}},
            "x",
            True,
        ),
        (D7, {"definitions": {"a": {"$id": "#a", "type": "null"}}, "allOf": [{"$ref": "#a"}]}, "x", False),
        (D7, {"dependentRequired": {"a": ["b"]}}, {"a": 1}, True),
        (D7, {"dependencies": {"a": ["b"]}}, {"a": 1}, False),
        (D2019, {"dependentRequired": {"a": ["b"]}}, {"a": 1}, False),
        (D2019, {"prefixItems": [{"type": "string"}]}, [1], True),
        (D2019, {"items": [{"type": "string"}]}, [1], False),
        (D2019, {"$ref": "#/$defs/a", "maxLength": 1, "$defs": {"a": {"type": "string"}}}, "xy", False),
    ],
)
def test_a_schema_is_read_by_the_dialect_that_it_names(
    dialect: str, schema: dict[str, Any], value: JSON, valid: bool
) -> None:
    for each in (dialect, dialect.rstrip("#")):
        assert compile_schema(schema_of({"$schema": each, **schema})).is_valid(value) is valid


def test_the_dialect_of_a_document_holds_where_no_schema_names_one(write: Write) -> None:
    write("other.yaml", "prefixItems: [{type: string}]\n")
    path = write(
        "openapi.yaml",
        f"""\
        openapi: 3.1.0
        jsonSchemaDialect: {D7}
        info: {{title: t, version: '1'}}
        paths: {{}}
        components:
          schemas:
            Old: {{prefixItems: [{{type: string}}]}}
            New: {{$schema: 'https://json-schema.org/draft/2020-12/schema', prefixItems: [{{type: string}}]}}
            Beside: {{$ref: other.yaml}}
        """,
    )
    schemas = load(path).schemas
    taken = {name: compile_schema(schema).is_valid([1]) for name, schema in schemas.items()}
    assert taken == {"Old": True, "New": False, "Beside": True}


@pytest.mark.parametrize("word", ["$schema", "jsonSchemaDialect"])
def test_a_dialect_that_is_not_known_is_refused_with_those_that_are(write: Write, word: str) -> None:
    named = f"{word}: https://example.com/my-own"
    top, inside = (named, "title: a") if word == "jsonSchemaDialect" else ("tags: []", named)
    path = write(
        "openapi.yaml",
        f"""\
        openapi: 3.1.0
        {top}
        info: {{title: t, version: '1'}}
        paths: {{}}
        components:
          schemas:
            A:
              {inside}
        """,
    )
    with pytest.raises(ContractError, match=r"https://example\.com/my-own") as caught:
        load(path)
    assert "json-schema.org/draft-07" in caught.value.expected
    assert caught.value.where == f"{path}:{2 if word == 'jsonSchemaDialect' else 8}"
