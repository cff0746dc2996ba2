"""JSONPath as RFC 9535 defines it: what paths name, and which are none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.contract.jsonpath import nodes_of, values_of
from harness.contract.jsonpath_syntax import PathError

SHOP: Any = {
    "books": [
        {"title": "One", "price": 8, "tags": ["old"]},
        {"title": "Two", "price": 12.5, "isbn": None, "tags": []},
        {"title": "Drei", "price": 12.5, "tags": ["new", "old"]},
    ],
    "bike": {"price": 400, "☺": True, "a.b": 1},
}


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("$", [SHOP]),
        ("$.bike.price", [400]),
        ("$['bike'][\"a.b\"]", [1]),
        ("$.bike.☺", [True]),
        ('$.bike["\\u263a"]', [True]),
        ("$.books[*].title", ["One", "Two", "Drei"]),
        ("$..price", [8, 12.5, 12.5, 400]),
        ("$.books[-1].title", ["Drei"]),
        ("$.books[0,2].title", ["One", "Drei"]),
        ("$.books[::2].title", ["One", "Drei"]),
        ("$.books[::-1].title", ["Drei", "Two", "One"]),
        ("$.books[1:].title", ["Two", "Drei"]),
        ("$.books[::0]", []),
        ("$.books[9]", []),
        ("$ .books [ 0 ] .title", ["One"]),
        ("$.books[?@.price > 10].title", ["Two", "Drei"]),
        ("$.books[?@.isbn].title", ["Two"]),  # there, though null
        ("$.books[?@.isbn == null].title", ["Two"]),
        ("$.books[?!@.isbn].title", ["One", "Drei"]),
        ("$.books[?(@.price < 10 || @.title == 'Drei') && @.tags].title", ["One", "Drei"]),
        ("$.books[?@.price == $.books[1].price].title", ["Two", "Drei"]),
        ("$.books[?length(@.title) == 4].title", ["Drei"]),
        ("$.books[?count(@.tags[*]) == 2].title", ["Drei"]),
        ("$.books[?match(@.title, 'T.o')].title", ["Two"]),
        ("$.books[?search(@.title, 'e')].title", ["One", "Drei"]),
        ("$.books[?match(@.title, 'e')].title", []),
        ("$.books[?match(@.title, '(')].title", []),
        ("$.books[?value(@..tags[0]) == 'old'].title", ["One"]),
        ("$.books[?@.tags == ['old']]", None),
        ("$.books[?@.missing == @.gone].title", ["One", "Two", "Drei"]),
        ("$.books[?@.title <= 'One'].title", ["One", "Drei"]),
        ("$[?@.price == 4e2].price", [400]),
    ],
)
def test_a_path_names_its_nodes_in_order(path: str, values: list[Any] | None) -> None:
    if values is None:
        with pytest.raises(PathError):
            values_of(path, SHOP)
        return
    assert values_of(path, SHOP) == values


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "books",
        "$.",
        "$..",
        "$[",
        "$[]",
        "$['a",
        "$['\\x']",
        "$['\\ud800']",
        '$["\\\'"]',
        "$[01]",
        "$[-0]",
        "$[9007199254740992]",
        "$[?]",
        "$[?1]",
        "$[?'a']",
        "$[?@.a[*] == 1]",
        "$[?length(@.a)]",
        "$[?match(@.a, 'x') == true]",
        "$[?count(1) == 1]",
        "$[?length(@.a[*]) == 1]",
        "$[?unknown(@)]",
        "$[?length (@) == 1]",
        "$[?@.a == 1 &&]",
        "$[?(@.a]",
        "$.a b",
        "$. a",
        "$.books[(@.length-1)]",
        "$" + "[?" * 40 + "@" + "]" * 40,
        "$[?" + "(" * 40 + "@" + ")" * 40 + "]",
        "$" + ".a" * 3000,
    ],
)
def test_what_is_no_path_is_refused(wrong: str) -> None:
    with pytest.raises(PathError):
        values_of(wrong, SHOP)


def test_nodes_say_where_they_stand() -> None:
    assert nodes_of("$.books[?@.price < 10]['title','price']", SHOP) == [
        (("books", 0, "title"), "One"),
        (("books", 0, "price"), 8),
    ]


@pytest.mark.parametrize("path", ["$.books[(@.length-1)].title", "$.books[( @.length - 1 )].title"])
def test_the_draft_counts_from_the_end(path: str) -> None:
    assert values_of(path, SHOP, lenient=True) == ["Drei"]


def test_the_draft_knows_lengths_in_filters() -> None:
    assert values_of("$.books[?(@.tags.length > 1)].title", SHOP, lenient=True) == ["Drei"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@settings(deadline=None, max_examples=150)
@given(VALUES)
def test_everything_below_is_what_a_walk_finds(value: Any) -> None:
    def walked(node: Any) -> list[Any]:
        held = list(node.values()) if isinstance(node, dict) else node if isinstance(node, list) else []
        return held + [below for each in held for below in walked(each)]

    assert sorted(map(repr, values_of("$..*", value))) == sorted(map(repr, walked(value)))


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="$@.*[]()?!=<>&|,:'\"\\ab01- ", max_size=24))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    try:
        values_of("$" + text, SHOP)
    except PathError as error:
        assert "Expected" in str(error)
