"""Merge Patch by the table of RFC 7396, appendix A; JSON Patch by RFC 6902, appendix A."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.serving.problems import Problem
from mocks.patches import JSON_PATCH, merged_with, patched

TABLE: list[tuple[Any, Any, Any]] = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]


@pytest.mark.parametrize(("target", "patch", "result"), TABLE)
def test_merge_patch(target: Any, patch: Any, result: Any) -> None:
    assert merged_with(target, patch) == result


def operate(document: Any, *operations: dict[str, Any]) -> Any:
    return patched(document, list(operations), JSON_PATCH, 422)


@pytest.mark.parametrize(
    ("document", "operation", "result"),
    [
        ({"foo": "bar"}, {"op": "add", "path": "/baz", "value": "qux"}, {"baz": "qux", "foo": "bar"}),
        ({"foo": ["a", "b"]}, {"op": "add", "path": "/foo/1", "value": "x"}, {"foo": ["a", "x", "b"]}),
        ({"foo": ["a"]}, {"op": "add", "path": "/foo/-", "value": ["b"]}, {"foo": ["a", ["b"]]}),
        ({"baz": "qux", "foo": "bar"}, {"op": "remove", "path": "/baz"}, {"foo": "bar"}),
        ({"foo": ["a", "b", "c"]}, {"op": "remove", "path": "/foo/1"}, {"foo": ["a", "c"]}),
        ({"baz": "qux"}, {"op": "replace", "path": "/baz", "value": "boo"}, {"baz": "boo"}),
        (
            {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {}},
            {"op": "move", "from": "/foo/waldo", "path": "/qux/thud"},
            {"foo": {"bar": "baz"}, "qux": {"thud": "fred"}},
        ),
        ({"a": ["x", "y", "z"]}, {"op": "move", "from": "/a/0", "path": "/a/2"}, {"a": ["y", "z", "x"]}),
        ({"a": {"b": 1}}, {"op": "copy", "from": "/a", "path": "/c"}, {"a": {"b": 1}, "c": {"b": 1}}),
        ({"a~/": 1}, {"op": "replace", "path": "/a~0~1", "value": 2}, {"a~/": 2}),
        ({"a": 1}, {"op": "test", "path": "/a", "value": 1}, {"a": 1}),
        ({"a": 1}, {"op": "replace", "path": "", "value": {"b": 2}}, {"b": 2}),
    ],
)
def test_json_patch(document: Any, operation: dict[str, Any], result: Any) -> None:
    assert operate(document, operation) == result


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a", "value": 2},
        {"op": "remove", "path": "/missing"},
        {"op": "replace", "path": "/missing", "value": 1},
        {"op": "add", "path": "/missing/deep", "value": 1},
        {"op": "add", "path": "/list/9", "value": 1},
        {"op": "add", "path": "/list/01", "value": 1},
        {"op": "add", "path": "/list/x", "value": 1},
        {"op": "add", "path": "/a/b", "value": 1},
        {"op": "remove", "path": ""},
        {"op": "fly", "path": "/a"},
        {"op": "add", "path": "/b"},
        {"path": "/a"},
        "add",
    ],
)
def test_what_cannot_be_done_is_refused_with_its_place(operation: Any) -> None:
    before = {"a": 1, "list": [1]}
    with pytest.raises(Problem) as refused:
        operate(before, {"op": "add", "path": "/new", "value": 1}, operation)
    assert refused.value.status == 422
    assert refused.value.errors[0].pointer.startswith("/1") or refused.value.errors[0].pointer == ""
    assert before == {"a": 1, "list": [1]}, "nothing is done"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=2), JSON, max_size=4), JSON)
def test_merging_twice_is_merging_once(document: dict[str, Any], patch: Any) -> None:
    once = merged_with(document, patch)
    assert merged_with(once, patch) == once


@given(st.dictionaries(st.text(max_size=2), JSON, max_size=4), JSON)
def test_no_patch_is_met_with_anything_but_a_document_or_a_refusal(
    document: dict[str, Any], patch: Any
) -> None:
    for kind in (JSON_PATCH, "application/merge-patch+json"):
        try:
            assert isinstance(patched(document, patch, kind, 400), dict)
        except Problem as refused:
            assert refused.status == 400
