"""OpenAPI's parameter styles, as its table of style examples has them, and texts that mean nothing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Literal

import pytest

from harness.contract.model import JSON, Operation, Parameter
from harness.contract.schema import schema_of
from harness.serving.parameters import Decoded, Parameters

LIST: Mapping[str, Any] = {"type": "array", "items": {"type": "string"}}
NUMBERS: Mapping[str, Any] = {"type": "array", "items": {"type": "integer"}}
RGB: Mapping[str, Any] = {"type": "object", "additionalProperties": {"type": "integer"}}
COLOURS = ["blue", "black", "brown"]
MIX = {"R": 100, "G": 200, "B": 150}

Location = Literal["path", "query", "header", "cookie"]


def parameters(
    location: Location, style: str, explode: bool, schema: Mapping[str, Any], required: bool = False
) -> Parameters:
    parameter = Parameter("color", location, required, schema_of(schema), style, explode)
    return Parameters(Operation("o", "GET", "/", parameters=(parameter,)))


def decode(made: Parameters, location: Location, text: str) -> Decoded:
    if location == "path":
        return made.decode({"color": text}, b"", {})
    return made.decode({}, text.encode() if location == "query" else b"", {})


# OpenAPI 3.1.1, "Style Examples": style, explode, location, then string, array and object.
STYLES: tuple[tuple[str, bool, Location, str, str, str], ...] = (
    ("matrix", False, "path", ";color=blue", ";color=blue,black,brown", ";color=R,100,G,200,B,150"),
    ("matrix", True, "path", ";color=blue", ";color=blue;color=black;color=brown", ";R=100;G=200;B=150"),
    ("label", False, "path", ".blue", ".blue,black,brown", ".R,100,G,200,B,150"),
    ("label", True, "path", ".blue", ".blue.black.brown", ".R=100.G=200.B=150"),
    ("simple", False, "path", "blue", "blue,black,brown", "R,100,G,200,B,150"),
    ("simple", True, "path", "blue", "blue,black,brown", "R=100,G=200,B=150"),
    ("form", False, "query", "color=blue", "color=blue,black,brown", "color=R,100,G,200,B,150"),
    ("form", True, "query", "color=blue", "color=blue&color=black&color=brown", "R=100&G=200&B=150"),
    ("spaceDelimited", False, "query", "", "color=blue%20black%20brown", "color=R%20100%20G%20200%20B%20150"),
    ("pipeDelimited", False, "query", "", "color=blue%7Cblack%7Cbrown", "color=R%7C100%7CG%7C200%7CB%7C150"),
    ("deepObject", True, "query", "", "", "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"),
)


@pytest.mark.parametrize(("style", "explode", "location", "single", "many", "mapping"), STYLES)
def test_the_table_of_style_examples(
    style: str, explode: bool, location: Location, single: str, many: str, mapping: str
) -> None:
    cases: tuple[tuple[Mapping[str, Any], str, JSON], ...] = (
        ({"type": "string"}, single, "blue"),
        (LIST, many, COLOURS),
        (RGB, mapping, MIX),
    )
    for schema, text, value in cases:
        if text:
            decoded = decode(parameters(location, style, explode, schema), location, text)
            assert not decoded.reasons
            assert getattr(decoded, location) == {"color": value}


VALUES: tuple[tuple[Mapping[str, Any], str, JSON], ...] = (
    ({"type": "integer"}, "7", 7),
    ({"type": "integer"}, "-0", 0),
    ({"type": "integer"}, "7.0", 7),
    ({"type": "integer"}, "1e3", 1000),
    ({"type": "integer"}, "1" * 40, int("1" * 40)),
    ({"type": "number"}, "7.5", 7.5),
    ({"type": "boolean"}, "true", True),
    ({"type": ["boolean", "integer"]}, "7", 7),
    ({"type": ["integer", "string"]}, "7", 7),
    ({"type": ["integer", "string"]}, "x7", "x7"),
    ({"type": "string"}, "7", "7"),
    ({"type": "string"}, "null", "null"),
    ({"type": ["string", "null"]}, "", ""),
    ({"type": ["integer", "null"]}, "null", None),
    ({}, "7", "7"),
    ({"minimum": 3}, "7", 7),
    ({"minimum": 3}, "seven", "seven"),
    ({"minLength": 1}, "7", "7"),
    ({"type": ["integer", "string"], "maximum": 5}, "7", "7"),
    ({"oneOf": [{"type": "integer", "maximum": 5}, {"type": "string", "minLength": 1}]}, "7", "7"),
    ({"enum": ["1", 2]}, "1", "1"),
    ({"not": {"type": "string"}}, "7", 7),
    ({"enum": [1, 2, 3]}, "2", 2),
    ({"const": True}, "true", True),
    ({"anyOf": [{"type": "integer"}, {"type": "boolean"}]}, "true", True),
    ({"oneOf": [{"type": "integer"}, {"type": "string", "format": "date"}]}, "2031-03-03", "2031-03-03"),
    ({"allOf": [{"type": "number"}, {"type": "integer", "minimum": 3}]}, "7", 7),
    ({"$ref": "#/$defs/count", "$defs": {"count": {"type": "integer"}}}, "7", 7),
    ({"anyOf": [{"type": "integer"}, NUMBERS]}, "7", 7),
    ({"anyOf": [{"type": "integer"}, NUMBERS]}, "7,8", [7, 8]),
)


def test_nullable_of_openapi_3_0() -> None:
    schema = schema_of({"type": "integer", "nullable": True}, "openapi-3.0")
    parameter = Parameter("color", "query", False, schema, "form", True)
    made = Parameters(Operation("o", "GET", "/", parameters=(parameter,)))
    assert made.decode({}, b"color=null", {}).query == {"color": None}


@pytest.mark.parametrize(("schema", "text", "value"), VALUES)
def test_a_text_means_what_its_schema_allows(schema: Mapping[str, Any], text: str, value: JSON) -> None:
    decoded = parameters("query", "form", False, schema).decode({}, f"color={text}".encode(), {})
    assert not decoded.reasons
    assert decoded.query["color"] == value
    assert type(decoded.query["color"]) is type(value)


NONSENSE: tuple[tuple[Mapping[str, Any], str], ...] = (
    ({"type": "integer"}, ""),
    ({"type": "integer"}, "7.5"),
    ({"type": "integer"}, "+7"),
    ({"type": "integer"}, "0x7"),
    ({"type": "integer"}, "\u0667"),
    ({"type": "integer"}, "7_000"),
    ({"type": "integer"}, "1" * 5000),
    ({"type": "number"}, "NaN"),
    ({"type": "number"}, "Infinity"),
    ({"type": "number"}, "1e999"),
    ({"type": "boolean"}, "True"),
    ({"type": "boolean"}, "1"),
    ({"type": "null"}, "nil"),
    ({"enum": [1, 2, 3]}, "4"),
    ({"minimum": 3}, "2"),
    ({"minLength": 2}, "2"),
    ({"pattern": "^a"}, "2"),
    ({"allOf": [{"type": "integer"}, {"minimum": 3}]}, "2"),
    (NUMBERS, "1,,2"),
    (RGB, "R"),
    (RGB, "R,x"),
)


@pytest.mark.parametrize(("schema", "text"), NONSENSE)
def test_a_text_that_means_nothing_is_refused_without_repeating_it(
    schema: Mapping[str, Any], text: str
) -> None:
    decoded = parameters("query", "form", False, schema).decode({}, f"color={text}".encode(), {})
    assert [reason.pointer for reason in decoded.reasons] == ["/query/color"]
    assert text in {"", "1", "4", "2", "R"} or text not in decoded.reasons[0].detail


def test_what_is_required_must_be_there() -> None:
    for location in ("query", "header", "cookie"):
        decoded = parameters(location, "form", False, {"type": "string"}, required=True).decode({}, b"", {})
        assert [(each.pointer, each.detail) for each in decoded.reasons] == [
            (f"/{location}/color", "is required")
        ]


@pytest.mark.parametrize("schema", [{"type": "integer"}, {"type": ["integer", "null"]}])
def test_headers_and_cookies_are_checked_but_stay_text(schema: Mapping[str, Any]) -> None:
    header = parameters("header", "simple", False, schema)
    assert not header.decode({}, b"", {"color": "7"}).reasons
    assert header.decode({}, b"", {"color": "x"}).reasons[0].pointer == "/header/color"
    cookie = parameters("cookie", "form", True, schema)
    assert not cookie.decode({}, b"", {"cookie": "a=b; color=7"}).reasons
    assert cookie.decode({}, b"", {"cookie": "color=x"}).reasons[0].pointer == "/cookie/color"


def test_an_exploded_object_takes_what_nobody_else_claims() -> None:
    free = Parameter("rest", "query", False, schema_of(RGB), "form", True)
    named = Parameter("limit", "query", False, schema_of({"type": "integer"}), "form", True)
    both = Parameters(Operation("o", "GET", "/", parameters=(free, named)))
    decoded = both.decode({}, b"limit=1&R=2&G=3", {})
    assert not decoded.reasons
    assert decoded.query == {"limit": 1, "rest": {"R": 2, "G": 3}}
    closed = {"type": "object", "properties": {"R": {"type": "integer"}}, "additionalProperties": False}
    narrow = Parameter("rest", "query", False, schema_of(closed), "form", True)
    only = Parameters(Operation("o", "GET", "/", parameters=(narrow,)))
    decoded = only.decode({}, b"R=2&G=3", {})
    assert [reason.pointer for reason in decoded.reasons] == ["/query/G"]


def test_names_and_bytes_that_are_no_utf8_are_refused() -> None:
    made = parameters("query", "form", True, {"type": "string"})
    for query in (b"color=\xff", b"color=%ff", b"color=%C3\xa9%ff"):
        assert [reason.pointer for reason in made.decode({}, query, {}).reasons] == ["/query/color"]
    assert made.decode({}, "color=é%C3%A9".encode(), {}).query == {"color": "éé"}


def test_a_recursive_schema_ends() -> None:
    tree: Mapping[str, Any] = {
        "$ref": "#/$defs/tree",
        "$defs": {
            "tree": {
                "anyOf": [{"type": "integer"}, {"$ref": "#/$defs/tree"}, {"type": "object"}],
                "properties": {name: {"$ref": "#/$defs/tree"} for name in "abcdefghij"},
            }
        },
    }
    started = time.monotonic()
    made = parameters("query", "deepObject", True, tree)
    assert time.monotonic() - started < 2
    assert made.decode({}, b"color[a]=1", {}).query == {"color": {"a": 1}}


def test_an_open_object_s_member_is_a_list_where_it_is_given_more_than_once() -> None:
    anything = parameters("query", "form", True, {"type": "object"})
    assert decode(anything, "query", "a=1&b=x&a=y").query == {"color": {"a": ["1", "y"], "b": "x"}}
    integers = parameters("query", "form", True, RGB)
    assert [each.detail for each in decode(integers, "query", "a=1&a=2").reasons] == [
        "is given more than once"
    ]
