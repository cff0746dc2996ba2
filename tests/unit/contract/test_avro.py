"""Avro schemas as the JSON Schema of their JSON encoding (Avro 1.12, "JSON Encoding")."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from harness.contract import load
from harness.contract.avro import defaults_of_avro, schema_of_avro
from harness.contract.documents import Document, Documents
from harness.contract.model import JSON
from harness.contract.node import Node
from harness.contract.schema import Validator, compile_schema
from harness.errors import ContractError
from tests.unit.contract.conftest import Write


def node_of(schema: JSON) -> Node:
    documents = Documents()
    document = documents.add(Document("file:///a.avsc", Path("/a.avsc"), "a.avsc", schema, {}))
    return Node.at(documents, document)


def validator_of(schema: JSON) -> Validator:
    return compile_schema(schema_of_avro(node_of(schema)))


LIST = {
    "type": "record",
    "name": "List",
    "namespace": "a.b",
    "fields": [
        {"name": "value", "type": "long"},
        {"name": "next", "type": ["null", "List"]},
        {
            "name": "colour",
            "type": {"type": "enum", "name": "c.Colour", "symbols": ["RED"]},
            "default": "RED",
        },
        {
            "name": "more",
            "type": {"type": "map", "values": {"type": "array", "items": "c.Colour"}},
            "default": {},
        },
    ],
}


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        ("null", [None], [0, ""]),
        ("boolean", [True], [1, "true"]),
        ("int", [0, 2**31 - 1], [2**31, 1.5, "1"]),
        ("long", [2**31, -(2**63)], [2**63, True]),
        ("float", [1, 1.5], ["1"]),
        ("string", ["", "ü"], [1, None]),
        ("bytes", ["\u00ff\u0000"], ["\u0100", 1]),
        ({"type": "fixed", "name": "F", "size": 2}, ["\u00ff\u0000"], ["a", "abc", "\u0100b"]),
        ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, ["A"], ["C", 0]),
        ({"type": "array", "items": "int"}, [[], [1]], [["a"], {}]),
        ({"type": "map", "values": "int"}, [{}, {"a": 1}], [{"a": "b"}, []]),
        ({"type": "string", "logicalType": "uuid"}, ["8b2f1c3e-8a54-4c8e-9d2e-0a1b2c3d4e5f"], ["x"]),
        ({"type": "int", "logicalType": "time-millis"}, [86_399_999], [86_400_000, -1]),
        ({"type": "long", "logicalType": "timestamp-millis"}, [-1], ["2031-01-01"]),
        ({"type": "bytes", "logicalType": "decimal", "precision": 4}, ["\u0001"], [1]),
        ({"type": "string", "logicalType": "nobody knows it"}, ["x"], [1]),
        (["null", "string"], [None, {"string": "a"}], ["a", {"string": 1}, {"int": 1}, {}]),
        (["null", {"type": "array", "items": "int"}], [{"array": [1]}], [[1]]),
        (
            LIST,
            [{"value": 1, "next": None}, {"value": 1, "next": {"a.b.List": {"value": 2, "next": None}}}],
            [
                {"value": 1},
                {"value": 1, "next": {"List": {"value": 2, "next": None}}},
                {"value": 1, "next": None, "colour": "BLUE"},
                {"value": 1, "next": None, "more": {"a": ["BLUE"]}},
                {"value": 1, "next": None, "unknown": 1},
            ],
        ),
    ],
    ids=str,
)
def test_values_in_the_json_encoding(schema: JSON, right: list[JSON], wrong: list[JSON]) -> None:
    validator = validator_of(schema)
    assert [value for value in right if not validator.is_valid(value)] == []
    assert [value for value in wrong if validator.is_valid(value)] == []


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        ("strin", "no Avro type 'strin'"),
        ({"type": "record", "fields": []}, "has no name"),
        ({"type": "record", "name": "1a", "fields": []}, "called '1a'"),
        ({"type": "record", "name": "A"}, "no 'fields'"),
        ({"type": "record", "name": "A", "fields": [{"name": "a"}]}, "has no type"),
        ({"type": "record", "name": "A", "fields": [{"name": "a", "type": "int"}] * 2}, "two fields 'a'"),
        ({"type": "enum", "name": "E", "symbols": ["A", "A"]}, "symbol 'A'"),
        ({"type": "enum", "name": "E", "symbols": []}, "no symbols"),
        ({"type": "enum", "name": "E", "symbols": ["A"], "default": "B"}, "default of 'E'"),
        ({"type": "fixed", "name": "F", "size": "2"}, "size '2'"),
        ({"type": "array"}, "no 'items'"),
        ({"items": "int"}, "no 'type'"),
        (["int", ["null"]], "directly in a union"),
        (["int", "int"], "'int' twice"),
        ([], "empty"),
        (5, "a number"),
        (
            [{"type": "fixed", "name": "F", "size": 1}, {"type": "enum", "name": "F", "symbols": ["A"]}],
            "second",
        ),
        ({"type": "record", "name": "A", "fields": [{"name": "a", "type": "b.A"}]}, "no Avro type 'b.A'"),
    ],
    ids=str,
)
def test_what_is_no_avro(schema: JSON, found: str) -> None:
    with pytest.raises(ContractError, match=found):
        schema_of_avro(node_of(schema))


@pytest.mark.parametrize(
    ("type_", "default", "fits"),
    [
        ("int", 1, True),
        ("int", 1.5, False),
        ("string", None, False),
        (["null", "string"], "x", True),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, "B", False),
        ({"type": "array", "items": "int"}, [], True),
        ({"type": "map", "values": "int"}, [], False),
    ],
)
def test_defaults_are_of_their_fields_type(type_: JSON, default: JSON, fits: bool) -> None:
    field = {"name": "a", "type": type_, "default": default}
    record = {"type": "record", "name": "R", "fields": [field]}
    assert (not list(defaults_of_avro(node_of(record)))) is fits


@some.composite
def encoded(draw: some.DrawFn, depth: int = 3) -> tuple[Any, JSON]:
    """An Avro schema and a value of it, encoded as the specification says and not as we do."""
    plain = {
        "null": some.none(),
        "boolean": some.booleans(),
        "string": some.text(),
        "long": some.integers(-9, 9),
    }
    kind = draw(some.sampled_from([*plain, *(["array", "map", "record", "union"] if depth else [])]))
    if kind in plain:
        return kind, draw(plain[kind])
    inner, value = draw(encoded(depth=depth - 1))
    name = f"R{depth}{draw(some.integers(0, 10**9))}"
    match kind:
        case "array":
            return {"type": "array", "items": inner}, [value] * draw(some.integers(0, 2))
        case "map":
            return {"type": "map", "values": inner}, dict.fromkeys(
                draw(some.lists(some.text(), max_size=2)), value
            )
        case "record":
            return {"type": "record", "name": name, "fields": [{"name": "a", "type": inner}]}, {"a": value}
    if isinstance(inner, list) or inner == "null":
        return inner, value
    branch = inner if isinstance(inner, str) else inner.get("name", inner["type"])
    return ["null", inner], draw(some.sampled_from([None, {branch: value}]))


@given(encoded())
def test_every_value_that_avro_encodes_is_valid(pair: tuple[JSON, JSON]) -> None:
    schema, value = pair
    assert validator_of(schema).is_valid(value), json.dumps(schema)


FILE = """
{"type": "record", "name": "User", "namespace": "people", "fields": [
  {"name": "id", "type": "long"},
  {"name": "home", "type": {
    "type": "record", "name": "Address", "fields": [{"name": "street", "type": "string"}]
  }}
]}
"""
REFERS = """
asyncapi: 2.6.0
info: {title: t, version: '1'}
channels:
  said:
    subscribe:
      operationId: tell
      message:
        contentType: application/json
        schemaFormat: application/vnd.apache.avro;version=1.9.0
        payload: {$ref: 'user.avsc#/NAME'}
"""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("User", {"id": 1, "home": {"street": "s"}}),
        ("people.User", {"id": 1, "home": {"street": "s"}}),
        ("Address", {"street": "s"}),
        ("people.Address", {"street": "s"}),
        ("fields/1/type", {"street": "s"}),
    ],
)
def test_a_type_of_a_file_is_referred_to_by_its_name(write: Write, name: str, value: JSON) -> None:
    write("user.avsc", FILE)
    contract = load(write("said.yaml", REFERS.replace("NAME", name)))
    (message,) = contract.message_operations["tell"].messages
    assert message.payload is not None
    validator = compile_schema(message.payload)
    assert validator.is_valid(value)
    assert not validator.is_valid({})


def test_a_name_that_no_type_has_leads_nowhere(write: Write) -> None:
    write("user.avsc", FILE)
    with pytest.raises(ContractError, match=r"'user.avsc#/Usr' leads nowhere"):
        load(write("said.yaml", REFERS.replace("NAME", "Usr")))
