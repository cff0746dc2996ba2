"""Parameters on the wire: OpenAPI's style values, and what must not be shown."""

from __future__ import annotations

from typing import Literal

import pytest

from harness.contract.model import JSON, Operation, Parameter
from harness.contract.schema import schema_of
from harness.driving.urls import header_text, url_of, without_phi

BLUE: list[JSON] = ["blue", "black"]
RGB = {"R": 100, "G": 200}


def parameter(
    style: str, explode: bool, location: Literal["path", "query", "header"], phi: bool = False
) -> Parameter:
    schema = schema_of({"x-phi": True} if phi else {})
    return Parameter("color", location, True, schema, style, explode)


# OpenAPI 3.1, section 4.8.12.4 (style examples), with reserved characters quoted.
@pytest.mark.parametrize(
    ("style", "explode", "value", "query"),
    [
        ("form", False, "blue", "color=blue"),
        ("form", False, BLUE, "color=blue,black"),
        ("form", True, BLUE, "color=blue&color=black"),
        ("form", False, RGB, "color=R,100,G,200"),
        ("form", True, RGB, "R=100&G=200"),
        ("spaceDelimited", False, BLUE, "color=blue%20black"),
        ("pipeDelimited", False, BLUE, "color=blue%7Cblack"),
        ("deepObject", True, RGB, "color%5BR%5D=100&color%5BG%5D=200"),
        ("form", False, "a&b=c/ü", "color=a%26b%3Dc%2F%C3%BC"),
        ("form", False, True, "color=true"),
        ("form", False, [], "color="),
    ],
)
def test_query_styles(style: str, explode: bool, value: JSON, query: str) -> None:
    operation = Operation("search", "get", "/x", parameters=(parameter(style, explode, "query"),))
    assert url_of("http://h", operation, {}, {"color": value}) == f"http://h/x?{query}"


@pytest.mark.parametrize(
    ("style", "explode", "value", "path"),
    [
        ("simple", False, "blue", "blue"),
        ("simple", False, BLUE, "blue,black"),
        ("simple", True, RGB, "R=100,G=200"),
        ("label", False, "blue", ".blue"),
        ("matrix", False, "blue", ";color=blue"),
        ("simple", False, "a/b c", "a%2Fb%20c"),
    ],
)
def test_path_styles(style: str, explode: bool, value: JSON, path: str) -> None:
    operation = Operation("read", "get", "/x/{color}", parameters=(parameter(style, explode, "path"),))
    assert url_of("http://h", operation, {"color": value}, {}) == f"http://h/x/{path}"


def test_headers_are_not_quoted() -> None:
    assert header_text(parameter("simple", False, "header"), '"7"') == '"7"'
    assert header_text(parameter("simple", False, "header"), BLUE) == "blue,black"
    assert header_text(None, 5) == "5"


def test_only_marked_query_values_are_withheld() -> None:
    marked = Operation("search", "get", "/x", parameters=(parameter("form", True, "query", phi=True),))
    plain = Operation("search", "get", "/x", parameters=(parameter("form", True, "query"),))
    assert without_phi(marked, {"color": "blue", "page": 2}) == {"color": "REDACTED", "page": 2}
    assert without_phi(plain, {"color": "blue"}) == {"color": "blue"}
