"""Every keyword of JSON Schema 2020-12 and every format is enforced by a running mock: in bodies, and in
parameters as far as text can say the value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from harness.contract import styles
from harness.contract.model import JSON, Parameter
from harness.contract.schema import schema_of
from mocks.mock import build_mock
from tests.unit.serving.live import client_of, contract_from

INTEGER: Mapping[str, Any] = {"type": "integer"}
NUMBERS: Mapping[str, Any] = {"type": "array", "items": {"type": "integer"}}
OBJECT: Mapping[str, Any] = {"type": "object"}

# keyword: schema, a value that keeps it, a value that breaks it
KEYWORDS: dict[str, tuple[Mapping[str, Any] | bool, JSON, JSON]] = {
    "type": ({"type": "integer"}, 7, "x"),
    "type (list)": ({"type": ["integer", "boolean"]}, True, "x"),
    "enum": ({"enum": [1, "a", True]}, "a", "b"),
    "const": ({"const": 3}, 3, 4),
    "multipleOf": ({"type": "number", "multipleOf": 0.5}, 1.5, 1.3),
    "maximum": ({"type": "number", "maximum": 3}, 3, 3.1),
    "exclusiveMaximum": ({"type": "number", "exclusiveMaximum": 3}, 2.9, 3),
    "minimum": ({"type": "number", "minimum": 3}, 3, 2.9),
    "exclusiveMinimum": ({"type": "number", "exclusiveMinimum": 3}, 3.1, 3),
    "maxLength": ({"type": "string", "maxLength": 2}, "äb", "abc"),
    "minLength": ({"type": "string", "minLength": 2}, "ab", "a"),
    "pattern": ({"type": "string", "pattern": "^a+$"}, "aa", "ab"),
    "maxItems": ({**NUMBERS, "maxItems": 2}, [1, 2], [1, 2, 3]),
    "minItems": ({**NUMBERS, "minItems": 2}, [1, 2], [1]),
    "uniqueItems": ({**NUMBERS, "uniqueItems": True}, [1, 2], [1, 1]),
    "items": (NUMBERS, [1, 2], [1, "x"]),
    "prefixItems": (
        {"type": "array", "prefixItems": [{"type": "integer"}, {"enum": ["a"]}]},
        [1, "a"],
        [1, "b"],
    ),
    "items beside prefixItems": (
        {"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "integer"}},
        ["a", 1],
        ["a", "b"],
    ),
    "contains": ({"type": "array", "contains": {"type": "integer"}}, ["a", 1], ["a", "b"]),
    "minContains": (
        {"type": "array", "contains": {"const": "a"}, "minContains": 2},
        ["a", "b", "a"],
        ["a", "b"],
    ),
    "maxContains": (
        {"type": "array", "contains": {"const": "a"}, "maxContains": 1},
        ["a", "b"],
        ["a", "b", "a"],
    ),
    "unevaluatedItems": (
        {"type": "array", "prefixItems": [{"type": "string"}], "unevaluatedItems": False},
        ["a"],
        ["a", "b"],
    ),
    "maxProperties": ({**OBJECT, "maxProperties": 1}, {"a": "x"}, {"a": "x", "b": "y"}),
    "minProperties": ({**OBJECT, "minProperties": 2}, {"a": "x", "b": "y"}, {"a": "x"}),
    "required": ({**OBJECT, "required": ["a"]}, {"a": "x"}, {"b": "x"}),
    "properties": ({**OBJECT, "properties": {"a": INTEGER}}, {"a": 1}, {"a": "x"}),
    "patternProperties": ({**OBJECT, "patternProperties": {"^n": INTEGER}}, {"na": 1}, {"na": "x"}),
    "additionalProperties": (
        {**OBJECT, "properties": {"a": {}}, "additionalProperties": INTEGER},
        {"a": "x", "b": 1},
        {"a": "x", "b": "x"},
    ),
    "additionalProperties: false": (
        {**OBJECT, "properties": {"a": {}}, "additionalProperties": False},
        {"a": "x"},
        {"a": "x", "b": "x"},
    ),
    "propertyNames": ({**OBJECT, "propertyNames": {"maxLength": 1}}, {"a": "x"}, {"ab": "x"}),
    "unevaluatedProperties": (
        {"allOf": [{**OBJECT, "properties": {"a": {}}}], "unevaluatedProperties": False},
        {"a": "x"},
        {"a": "x", "b": "x"},
    ),
    "dependentRequired": (
        {**OBJECT, "dependentRequired": {"a": ["b"]}},
        {"a": "x", "b": "y"},
        {"a": "x"},
    ),
    "dependentSchemas": (
        {**OBJECT, "dependentSchemas": {"a": {"properties": {"b": INTEGER}}}},
        {"a": "x", "b": 1},
        {"a": "x", "b": "y"},
    ),
    "allOf": ({"allOf": [INTEGER, {"minimum": 3}]}, 3, 2),
    "anyOf": ({"anyOf": [INTEGER, {"type": "boolean"}]}, True, "x"),
    "oneOf": ({"oneOf": [{**INTEGER, "maximum": 5}, {**INTEGER, "minimum": 3}]}, 2, 4),
    "not": ({**INTEGER, "not": {"const": 3}}, 2, 3),
    "if then": ({**INTEGER, "if": {"minimum": 10}, "then": {"multipleOf": 10}}, 20, 21),
    "if else": ({**INTEGER, "if": {"minimum": 10}, "else": {"const": 1}}, 1, 2),
    "$ref": ({"$ref": "#/components/schemas/Small"}, 3, 4),
    "$ref with a sibling": ({"$ref": "#/components/schemas/Small", "minimum": 2}, 2, 1),
    "$dynamicRef": ({"$dynamicRef": "#/components/schemas/Small"}, 3, 4),
    "$defs": ({"$ref": "#/components/schemas/Outer/$defs/inner"}, 3, 4),
    "contentEncoding": ({"type": "string", "contentEncoding": "base64"}, "YWI=", "Y!"),
    "false": ({**OBJECT, "properties": {"a": False}}, {"b": "x"}, {"a": "x"}),
}
FORMATS: dict[str, tuple[str, JSON, JSON]] = {
    "int8": ("integer", 127, 128),
    "int16": ("integer", -32768, -32769),
    "int32": ("integer", 2**31 - 1, 2**31),
    "int64": ("integer", -(2**63), -(2**63) - 1),
    "uint8": ("integer", 0, -1),
    "uint32": ("integer", 2**32 - 1, 2**32),
    "uint64": ("integer", 2**64 - 1, 2**64),
    "double-int": ("integer", 2**53 - 1, 2**53),
    "int32 of numbers": ("number", 2, 2.5),
    "float": ("number", 3.4e38, 3.5e38),
    "double": ("number", 1e308, None),
    "byte": ("string", "YWI=", "YWI"),
    "base64url": ("string", "YW-_", "YW+/"),
    "char": ("string", "a", "ab"),
    "uuid": ("string", "7d0f4c1e-9b1a-4f61-8f0e-2f8d1a6b9c01", "7d0f4c1e"),
    "date": ("string", "2028-02-29", "2027-02-29"),
    "date-time": ("string", "2031-01-02T03:04:05.6Z", "2031-01-02T03:04:05"),
    "time": ("string", "03:04:05Z", "03:04:05"),
    "date-time-local": ("string", "2031-01-02T03:04:05", "2031-13-02T03:04:05"),
    "time-local": ("string", "03:04:05", "25:04:05"),
    "http-date": ("string", "Thu, 02 Jan 2031 03:04:05 GMT", "2031-01-02"),
    "media-range": ("string", "text/*;q=1", "text"),
    "duration": ("string", "P1DT2H", "1 day"),
    "email": ("string", "a@example.com", "a"),
    "idn-email": ("string", "ä@example.com", "ä"),
    "hostname": ("string", "a.example.com", "-a"),
    "idn-hostname": ("string", "ä.example.com", "-ä"),
    "ipv4": ("string", "192.0.2.1", "192.0.2.256"),
    "ipv6": ("string", "2001:db8::1", "2001:db8::g"),
    "uri": ("string", "https://example.com/a", "/a"),
    "uri-reference": ("string", "/a", "\\a"),
    "iri": ("string", "https://example.com/ä", "ä"),
    "iri-reference": ("string", "/ä", "\\ä"),
    "uri-template": ("string", "/a/{b}", "/a/{b"),
    "json-pointer": ("string", "/a/0", "a/0"),
    "relative-json-pointer": ("string", "1/a", "/a"),
    "regex": ("string", "^a+$", "a("),
    "binary": ("string", "anything", None),
    "password": ("string", "anything", None),
    "unheard-of": ("string", "anything", None),
}


def _table() -> dict[str, tuple[Mapping[str, Any] | bool, JSON, JSON]]:
    formats = {
        f"format: {name}": ({"type": kind, "format": name.partition(" ")[0]}, right, wrong)
        for name, (kind, right, wrong) in FORMATS.items()
    }
    return KEYWORDS | formats


TABLE = _table()
NUMBER = {name: at for at, name in enumerate(TABLE)}


def _contract() -> dict[str, Any]:
    paths: dict[str, Any] = {}
    answers = {"200": {"description": "It is kept"}}
    for name, (schema, _, _) in TABLE.items():
        body = {"required": True, "content": {"application/json": {"schema": schema}}}
        parameter = {"name": "v", "in": "query", "required": True, "schema": schema, **_style(schema)}
        paths[f"/body/{NUMBER[name]}"] = {"post": {"requestBody": body, "responses": answers}}
        paths[f"/query/{NUMBER[name]}"] = {"get": {"parameters": [parameter], "responses": answers}}
    schemas = {
        "Small": {"type": "integer", "maximum": 3},
        "Outer": {"$defs": {"inner": {"$ref": "#/components/schemas/Small"}}},
    }
    info = {"title": "Keywords", "version": "1"}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"schemas": schemas}}


def _style(schema: Mapping[str, Any] | bool) -> dict[str, Any]:
    return {"style": "deepObject", "explode": True} if "object" in json.dumps(schema) else {}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    contract = contract_from(tmp_path_factory.mktemp("keywords"), json.dumps(_contract()))
    with client_of(build_mock(contract).app) as client:
        yield client


def _sent_as_body(client: httpx.Client, name: str, value: JSON) -> int:
    content = json.dumps(value)
    headers = {"Content-Type": "application/json"}
    return client.post(f"/body/{NUMBER[name]}", content=content, headers=headers).status_code


def _sent_as_parameter(client: httpx.Client, name: str, value: JSON) -> int:
    schema = TABLE[name][0]
    style = _style(schema).get("style", "form")
    parameter = Parameter("v", "query", True, schema_of(True), style, True)
    return client.get(f"/query/{NUMBER[name]}?" + "&".join(styles.query_pairs(parameter, value))).status_code


@pytest.mark.parametrize("name", TABLE)
def test_it_is_enforced_in_bodies(client: httpx.Client, name: str) -> None:
    _, right, wrong = TABLE[name]
    assert _sent_as_body(client, name, right) == 200
    if wrong is not None:  # nothing breaks a hint
        assert _sent_as_body(client, name, wrong) == 400


@pytest.mark.parametrize("name", TABLE)
def test_it_is_enforced_in_parameters(client: httpx.Client, name: str) -> None:
    _, right, wrong = TABLE[name]
    assert _sent_as_parameter(client, name, right) == 200
    if wrong is not None:
        assert _sent_as_parameter(client, name, wrong) == 400
