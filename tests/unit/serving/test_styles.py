"""What an encoder writes in a style is what the decoder reads, wherever the style can be read one way."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.contract import styles
from harness.contract.model import JSON, Operation, Parameter
from harness.contract.schema import schema_of
from harness.serving.parameters import Parameters

Location = Literal["path", "query", "header", "cookie"]

SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1),
    "integer": st.integers(-(10**20), 10**20),
    "number": st.floats(allow_nan=False, allow_infinity=False, width=32),
    "boolean": st.booleans(),
}
NAMES = st.text("abcXYZ019_é &=+%", min_size=1, max_size=6).filter(lambda name: name != "color")


@cache
def made(schema: str, location: Location, style: str, explode: bool) -> tuple[Parameter, Parameters]:
    """The parameter of a schema, as JSON text, compiled once for all its examples."""
    parameter = Parameter("color", location, True, schema_of(json.loads(schema)), style, explode)
    path = "/x/{color}" if location == "path" else "/x"
    return parameter, Parameters(Operation("o", "GET", path, parameters=(parameter,)))


def comes_back(
    value: JSON, schema: dict[str, Any], location: Location, style: str, explode: bool
) -> tuple[Any, Any]:
    """What is wrong with the value, written and read again, and the value itself."""
    parameter, parameters = made(json.dumps(schema), location, style, explode)
    if location == "path":
        found = parameters.decode({"color": styles.path_text(parameter, value)}, b"", {})
    else:
        found = parameters.decode({}, "&".join(styles.query_pairs(parameter, value)).encode(), {})
    return found.reasons, (found.path or found.query).get("color")


def kinds() -> st.SearchStrategy[str]:
    return st.sampled_from(sorted(SCALARS))


LISTS = [
    ("path", "simple", False),
    ("path", "simple", True),
    ("path", "matrix", False),
    ("path", "matrix", True),
    ("path", "label", False),
    ("query", "form", False),
    ("query", "form", True),
    ("query", "deepObject", True),
]
"""Styles whose separator the encoder writes otherwise inside of values. The separators of spaceDelimited and
pipeDelimited are encoded themselves, that of an exploded label is a character that is never encoded."""


@pytest.mark.parametrize(("location", "style", "explode"), [*LISTS, ("path", "label", True)])
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_a_single_value_comes_back(
    location: Location, style: str, explode: bool, data: st.DataObject
) -> None:
    kind = data.draw(kinds())
    value = data.draw(SCALARS[kind])
    assert comes_back(value, {"type": kind}, location, style, explode) == ([], value)


@pytest.mark.parametrize(("location", "style", "explode"), LISTS)
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_a_list_comes_back(location: Location, style: str, explode: bool, data: st.DataObject) -> None:
    kind = data.draw(kinds())
    value = data.draw(st.lists(SCALARS[kind], min_size=1, max_size=4))
    schema = {"type": "array", "items": {"type": kind}}
    assert comes_back(value, schema, location, style, explode) == ([], value)


@pytest.mark.parametrize(("location", "style", "explode"), LISTS)
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_an_object_comes_back(location: Location, style: str, explode: bool, data: st.DataObject) -> None:
    kind = data.draw(kinds())
    value = data.draw(st.dictionaries(NAMES, SCALARS[kind], min_size=1, max_size=4))
    schema = {"type": "object", "additionalProperties": {"type": kind}}
    assert comes_back(value, schema, location, style, explode) == ([], value)


@given(value=st.lists(st.text("abc,;=&#%é+", min_size=1), min_size=2, max_size=4))
@pytest.mark.parametrize("style", ["spaceDelimited", "pipeDelimited"])
def test_delimited_lists_come_back_where_no_value_holds_the_delimiter(style: str, value: list[str]) -> None:
    schema = {"type": "array", "items": {"type": "string"}}
    assert comes_back(value, schema, "query", style, False) == ([], value)


def test_what_is_nested_in_a_deep_object_comes_back() -> None:
    schema = {
        "type": "object",
        "properties": {
            "range": {"type": "object", "properties": {"low": {"type": "integer"}}},
            "tags": {"type": "array", "items": {"type": "string"}},
            "flags": {"type": "array", "items": {"type": "boolean"}},
        },
    }
    value = {"range": {"low": 3}, "tags": ["a]b", "c"], "flags": [True]}
    assert comes_back(value, schema, "query", "deepObject", True) == ([], value)


DEEP = (
    ("color[]=a&color[]=b", ["a", "b"]),
    ("color[1]=b&color[0]=a", ["a", "b"]),
    ("color=a&color=b", ["a", "b"]),
)


@pytest.mark.parametrize(("query", "value"), DEEP)
def test_a_deep_list_is_read_as_clients_write_it(query: str, value: JSON) -> None:
    schema = json.dumps({"type": "array", "items": {"type": "string"}})
    found = made(schema, "query", "deepObject", True)[1].decode({}, query.encode(), {})
    assert (found.reasons, found.query) == ([], {"color": value})


@pytest.mark.parametrize(
    ("style", "text"),
    [("label", "blue"), ("matrix", "blue"), ("matrix", ";colour=blue"), ("matrix", "color=blue")],
)
def test_a_path_value_without_its_styles_mark_is_refused(style: str, text: str) -> None:
    found = made('{"type": "string"}', "path", style, False)[1].decode({"color": text}, b"", {})
    assert [reason.pointer for reason in found.reasons] == ["/path/color"]


SEPARATED: tuple[tuple[dict[str, Any], bytes, JSON], ...] = (
    ({"type": "string"}, b"color=a%2Cb", ["a,b"]),
    ({"type": "integer"}, b"color=1%2C2", [1, 2]),
    ({"enum": ["a", "b"]}, b"color=a%2Cb", ["a", "b"]),
)


@pytest.mark.parametrize(("items", "query", "value"), SEPARATED)
def test_an_encoded_comma_separates_only_where_it_cannot_be_a_value(
    items: dict[str, Any], query: bytes, value: JSON
) -> None:
    schema = json.dumps({"type": "array", "items": items})
    found = made(schema, "query", "form", False)[1].decode({}, query, {})
    assert (found.reasons, found.query) == ([], {"color": value})


def test_a_parameter_with_a_content_type_comes_back() -> None:
    value = {"a b": "&=#", "é": [1, None]}
    parameter = Parameter("color", "query", True, schema_of({}), content_type="application/json")
    (pair,) = styles.query_pairs(parameter, value)
    parameters = Parameters(Operation("o", "GET", "/", parameters=(parameter,)))
    assert parameters.decode({}, pair.encode(), {}).query == {"color": value}


def test_an_empty_value_is_taken_where_the_contract_says_so() -> None:
    schema = schema_of({"type": "integer"})
    taken = Parameter("color", "query", False, schema, "form", True, allow_empty=True)
    for query in (b"color", b"color="):
        found = Parameters(Operation("o", "GET", "/", parameters=(taken,))).decode({}, query, {})
        assert (found.reasons, found.query) == ([], {"color": ""})


def test_reserved_characters_stay_as_they_are_where_the_contract_says_so() -> None:
    parameter = Parameter("color", "query", True, schema_of({}), "form", True, allow_reserved=True)
    assert styles.query_pairs(parameter, "a/b?c&d#e") == ["color=a/b?c%26d%23e"]


def test_the_whole_query_may_be_one_value() -> None:
    schema = schema_of({"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}})
    form = Parameter("q", "querystring", True, schema, content_type="application/x-www-form-urlencoded")
    whole = Parameters(Operation("o", "GET", "/", parameters=(form,)))
    assert whole.decode({}, b"a=1&b=x", {}).query == {"q": {"a": 1, "b": "x"}}
    assert [reason.pointer for reason in whole.decode({}, b"a=x", {}).reasons] == ["/querystring/q"]
    assert [reason.detail for reason in whole.decode({}, b"", {}).reasons] == ["is required"]


def test_cookies_come_back() -> None:
    schema = json.dumps({"type": "array", "items": {"type": "string", "minLength": 1}})
    parameter, parameters = made(schema, "cookie", "form", True)
    text = styles.cookie_text(parameter, ["a;b", "c"])
    assert text == "color=a%3Bb; color=c"
    assert not parameters.decode({}, b"", {"cookie": text}).reasons
    assert parameters.decode({}, b"", {"cookie": "color=; color=x"}).reasons
