"""Compiled validators: the keywords of 2020-12 hold, older dialects mean the same, no value is repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.contract import load
from harness.contract.model import JSON
from harness.contract.schema import (
    compile_schema,
    component,
    expand,
    items_of,
    phi_properties,
    properties,
    schema_of,
)
from harness.errors import ContractError
from tests.unit.contract.conftest import Write

EVENT = {
    "type": "object",
    "allOf": [{"properties": {"id": {"type": "string"}}, "required": ["id"]}],
    "properties": {"at": {"type": "string", "format": "date-time"}},
    "unevaluatedProperties": False,
}


@pytest.mark.parametrize(
    ("schema", "good", "bad", "keyword"),
    [
        ({"type": ["string", "null"]}, None, 3, "type"),
        ({"const": {"a": 1}}, {"a": 1}, {"a": 2}, "const"),
        ({"enum": ["a", None]}, None, "b", "enum"),
        (EVENT, {"id": "x", "at": "2031-02-03T04:05:06Z"}, {"id": "x", "more": 1}, "unevaluatedProperties"),
        ({"prefixItems": [{"type": "string"}], "items": False}, ["a"], ["a", 1], "falseSchema"),
        ({"prefixItems": [{"type": "string"}, {"type": "integer"}]}, ["a", 1], ["a", "b"], "type"),
        ({"format": "uuid"}, "4b5b6c5e-2f6e-4d1e-9d0c-0d6b0e6f4a11", "4b5b6c5e", "format"),
        ({"format": "date"}, "2032-02-29", "2031-02-29", "format"),
        ({"format": "date-time"}, "2031-02-03T04:05:06Z", "2031-02-03 04:05", "format"),
        ({"format": "time"}, "04:05:06Z", "25:00:00Z", "format"),
        ({"format": "duration"}, "PT10M", "10 minutes", "format"),
        ({"format": "email"}, "a@example.com", "a at example.com", "format"),
        ({"format": "uri"}, "https://example.com/a", "/a", "format"),
        ({"format": "ipv6"}, "2001:db8::1", "2001:db8::x", "format"),
        ({"format": "hostname"}, "a.example.com", "-a-", "format"),
        ({"format": "int32", "type": "integer"}, 1, "1", "type"),
        ({"exclusiveMinimum": 1}, 1.5, 1, "exclusiveMinimum"),
        ({"multipleOf": 0.01}, 10.13, 10.135, "multipleOf"),
        ({"minLength": 3}, "abc", "ab", "minLength"),
        ({"pattern": "^[12]\\d{9}$"}, "1234567893", "3234567893", "pattern"),
        ({"uniqueItems": True}, [1, 2], [1, 1], "uniqueItems"),
        ({"contains": {"const": 1}}, [2, 1], [2], "contains"),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1, "b": 1}, {"a": 1}, "required"),
        ({"if": {"const": 1}, "then": {"type": "null"}}, 2, 1, "type"),
        ({"not": {"type": "null"}}, 1, None, "not"),
        ({"oneOf": [{"type": "string"}, {"maxLength": 2}]}, "abc", "ab", "oneOf"),
        ({"propertyNames": {"maxLength": 2}}, {"ab": 1}, {"abc": 1}, "propertyNames"),
        ({"additionalProperties": False}, {}, {"a": 1}, "additionalProperties"),
        (False, ..., 1, "falseSchema"),
    ],
)
def test_keywords_are_enforced(schema: Any, good: JSON, bad: JSON, keyword: str) -> None:
    validator = compile_schema(schema_of(schema))
    if good is not ...:
        assert validator.violations(good) == ()
        assert validator.is_valid(good)
    assert not validator.is_valid(bad)
    assert [each.keyword for each in validator.violations(bad)] == [keyword]


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "string", "nullable": True}, None, 1),
        ({"type": "string", "nullable": True, "enum": ["a"]}, None, "b"),
        ({"type": "number", "minimum": 1, "exclusiveMinimum": True}, 2, 1),
        ({"type": "number", "maximum": 1, "exclusiveMaximum": False}, 1, 2),
        ({"$ref": "#/definitions/a", "type": "string", "definitions": {"a": {"type": "integer"}}}, 1, "x"),
    ],
)
def test_openapi_3_0_keeps_its_meaning(schema: dict[str, Any], good: JSON, bad: JSON) -> None:
    validator = compile_schema(schema_of(schema, "openapi-3.0"))
    assert validator.is_valid(good)
    assert not validator.is_valid(bad)


def test_draft_7_tuples_and_dependencies_keep_their_meaning() -> None:
    schema = {
        "items": [{"type": "string"}],
        "additionalItems": False,
        "dependencies": {"a": ["b"], "c": {"required": ["d"]}},
    }
    validator = compile_schema(schema_of(schema, "draft-07"))
    assert validator.is_valid(["x"]) and not validator.is_valid(["x", 1]) and not validator.is_valid([1])
    assert validator.is_valid({"a": 1, "b": 1}) and not validator.is_valid({"a": 1})
    assert not validator.is_valid({"c": 1})


def test_names_that_look_like_keywords_are_names() -> None:
    schema = {
        "properties": {"required": {"type": "string"}, "$ref": {"type": "string"}},
        "required": ["$ref"],
    }
    validator = compile_schema(schema_of(schema))
    assert validator.is_valid({"$ref": "x", "required": "y"})
    assert not validator.is_valid({"required": "y"})


PERSON = {
    "type": "object",
    "required": ["id", "secret", "name"],
    "properties": {
        "id": {"$ref": "#/$defs/Id"},
        "secret": {"type": "string", "writeOnly": True},
        "name": {"type": "string"},
    },
    "unevaluatedProperties": False,
    "$defs": {"Id": {"type": "string", "readOnly": True}},
}


@pytest.mark.parametrize(
    ("direction", "value", "valid"),
    [
        ("request", {"name": "x", "secret": "y"}, True),
        ("request", {"name": "x", "secret": "y", "id": 7}, True),  # ignored, as it was received
        ("request", {"name": "x"}, False),
        ("response", {"name": "x", "id": "1"}, True),
        ("response", {"name": "x"}, False),
        (None, {"name": "x", "id": "1", "secret": "y"}, True),
        (None, {"name": "x", "id": "1"}, False),
    ],
)
def test_a_direction_leaves_out_what_does_not_travel(direction: Any, value: JSON, valid: bool) -> None:
    assert compile_schema(schema_of(PERSON), direction).is_valid(value) is valid


def test_what_does_not_travel_is_left_out_wherever_it_is_required() -> None:
    schema = {
        "allOf": [{"$ref": "#/$defs/Whole"}, {"required": ["id", "name"]}],
        "$defs": {"Whole": {"properties": {"id": {"readOnly": True}, "name": {}}}},
    }
    validator = compile_schema(schema_of(schema), "request")
    assert validator.is_valid({"name": 1})
    assert not validator.is_valid({"id": 1})


def test_recursion_is_validated_to_any_depth() -> None:
    schema = {"properties": {"next": {"$ref": "#"}, "size": {"type": "integer"}}}
    validator = compile_schema(schema_of(schema))
    (violation,) = validator.violations({"next": {"next": {"next": {"size": "x"}}}})
    assert violation.pointer == "/next/next/next/size"


SECRETS = [
    ({"type": "integer"}, "SECRET"),
    ({"enum": ["a"]}, "SECRET"),
    ({"const": "a"}, "SECRET"),
    ({"format": "date"}, "SECRET"),
    ({"pattern": "^a$"}, "SECRET"),
    ({"maxLength": 1}, "SECRET"),
    ({"not": {"type": "string"}}, "SECRET"),
    ({"oneOf": [{"type": "integer"}, {"maxLength": 1}]}, "SECRET"),
    ({"anyOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]}]}, {"a": "SECRET"}),
    ({"additionalProperties": False}, {"SECRET person": 1}),
    ({"properties": {"a": {}}, "additionalProperties": False}, {"123 SECRET": 1}),
    ({"unevaluatedProperties": False}, {"SECRET, Anna": 1}),
    ({"propertyNames": {"maxLength": 1}}, {"SECRET": 1}),
    ({"items": {"type": "integer"}, "uniqueItems": True}, ["SECRET", "SECRET"]),
    ({"contains": {"const": 1}}, ["SECRET"]),
    ({"unevaluatedItems": False}, ["SECRET"]),
    ({"required": ["a"]}, {"b": "SECRET"}),
    (False, "SECRET"),
]


@pytest.mark.parametrize(("schema", "value"), SECRETS)
def test_a_violation_never_repeats_the_value(schema: Any, value: JSON) -> None:
    violations = compile_schema(schema_of(schema)).violations(value)
    assert violations
    for violation in violations:
        assert "SECRET" not in repr(violation)
        assert violation.detail


def test_details_say_what_should_be_there() -> None:
    schema = {
        "required": ["name"],
        "properties": {"size": {"type": "integer", "minimum": 2}, "kind": {"enum": ["a", "b"]}},
        "additionalProperties": False,
    }
    violations = compile_schema(schema_of(schema)).violations({"size": 1, "kind": "c", "sizes": 1})
    assert {(each.pointer, each.detail) for each in violations} == {
        ("", "the property 'name' is missing"),
        ("/size", "must be at least 2"),
        ("/kind", 'must be one of "a", "b"'),
        ("", "has properties that are not documented: 'sizes'"),
    }


def test_a_schema_that_makes_no_sense_is_an_error_with_its_place(write: Write) -> None:
    path = write(
        "api.yaml",
        """\
        openapi: 3.1.0
        info: {title: t, version: '1'}
        paths: {}
        components:
          schemas:
            Fine: {type: string}
            Wrong:
              type: strnig
        """,
    )
    contract = load(path)
    assert compile_schema(contract.schemas["Fine"]).is_valid("x")
    with pytest.raises(ContractError, match="makes no sense") as caught:
        compile_schema(contract.schemas["Wrong"])
    assert caught.value.where == f"{path}:7"


def test_compiled_once_for_each_place_and_direction(folder: Path) -> None:
    ticket = load(folder / "tickets").schemas["Ticket"]
    assert compile_schema(ticket) is compile_schema(ticket)
    assert compile_schema(ticket) is not compile_schema(ticket, "request")
    again = load(folder / "tickets").schemas["Ticket"]
    assert compile_schema(ticket) is not compile_schema(again)  # the file may have changed


def test_a_file_referred_to_reads_in_its_own_dialect(write: Write) -> None:
    write(
        "old/openapi.yaml",
        """\
        openapi: 3.0.3
        info: {title: o, version: '1'}
        paths: {}
        components: {schemas: {Size: {type: integer, nullable: true}}}
        """,
    )
    path = write(
        "new/openapi.yaml",
        """\
        openapi: 3.1.0
        info: {title: n, version: '1'}
        paths: {}
        components:
          schemas:
            Box: {properties: {size: {$ref: '../old/openapi.yaml#/components/schemas/Size'}}}
        """,
    )
    validator = compile_schema(load(path).schemas["Box"])
    assert validator.is_valid({"size": None}) and not validator.is_valid({"size": "x"})


def test_walking_goes_through_references_and_all_of(folder: Path) -> None:
    contract = load(folder / "tickets")
    page = properties(component(contract, "Page"))["items"]
    each = items_of(page)
    assert each is not None and each.name == "Ticket"
    assert expand(each).raw == contract.schemas["Ticket"].raw
    assert list(properties(each)) == ["id", "state", "ownerId", "note"]
    with pytest.raises(ContractError, match="Did you mean 'Ticket'"):
        component(contract, "Tickets")


def test_phi_is_found_wherever_it_stands(folder: Path) -> None:
    contract = load(folder / "tickets")
    assert phi_properties(contract.schemas["Page"]) == {"/items/*/note"}
    deep = {
        "allOf": [{"$ref": "#/$defs/Name"}],
        "properties": {"next": {"$ref": "#"}, "by": {"additionalProperties": {"x-phi": True}}},
        "oneOf": [{"properties": {"phone": {"x-phi": True}}}],
        "$defs": {"Name": {"properties": {"family": {"x-phi": True}, "use": {"x-phi": False}}}},
    }
    assert phi_properties(schema_of(deep)) == {"/family", "/by/*", "/phone"}
