"""Runtime expressions and simple criteria."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.contract.documents import escape
from harness.contract.expressions import Context, ExpressionError, evaluate, holds, parse, resolve

CONTEXT = Context(
    method="POST",
    url="https://example.org/v1/slots",
    status=201,
    request_path={"id": "s-1"},
    request_query={"page": 2},
    request_headers={"If-Match": '"3"'},
    request_body={"slotId": "s-1", "names": ["a", {"b/c": 1}]},
    response_headers={"etag": '"4"'},
    response_body={"id": "x", "size": 3, "free": False, "text": "It's"},
    message_key="k",
    message_headers={"ce_id": "e-1"},
    message_payload={"outcome": "eligible", "nothing": None},
)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$method", "POST"),
        ("$url", "https://example.org/v1/slots"),
        ("$statusCode", 201),
        ("$request.path.id", "s-1"),
        ("$request.query.page", 2),
        ("$request.header.if-match", '"3"'),
        ("$request.body#/slotId", "s-1"),
        ("$request.body#/names/1/b~1c", 1),
        ("$request.body#/names/7", None),
        ("$request.body#/names/b", None),
        ("$response.header.ETag", '"4"'),
        ("$response.body#/id", "x"),
        ("$response.body", CONTEXT.response_body),
        ("$response.body#/id/deeper", None),
        ("$message.key", "k"),
        ("$message.header.CE_ID", "e-1"),
        ("$message.header#/ce_id", "e-1"),
        ("$message.payload#/outcome", "eligible"),
        ("$request.path.other", None),
    ],
)
def test_an_expression_names_a_value(expression: str, value: Any) -> None:
    assert evaluate(expression, CONTEXT) == value


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "$",
        "response.body#/id",
        "$respons.body#/id",
        "$response.body.id",
        "$response.body#id",
        "$request.header",
        "$request.path#/id",
        "$statusCode#/x",
        "$message.payload.outcome",
        "$unknown",
        "$method.x",
    ],
)
def test_a_malformed_expression_is_refused(wrong: str) -> None:
    with pytest.raises(ExpressionError, match="is malformed"):
        evaluate(wrong, CONTEXT)


def test_a_malformed_source_names_the_nearest() -> None:
    with pytest.raises(ExpressionError, match=r"Did you mean 'response\.body'"):
        parse("$respnse.body#/id")


def test_an_expression_can_be_taken_apart_to_write_through_it() -> None:
    assert (parse("$request.body#/a/b~1c").source, parse("$request.body#/a/b~1c").tokens) == (
        "request.body",
        ("a", "b/c"),
    )
    assert (parse("$request.path.id").source, parse("$request.path.id").name) == ("request.path", "id")
    assert parse("$response.body").pointer == ""


def test_links_may_hold_expressions_constants_and_templates() -> None:
    value = {
        "id": "$response.body#/id",
        "n": 3,
        "path": "/slots/{$request.path.id}/x",
        "all": ["{$statusCode}"],
    }
    assert resolve(value, CONTEXT) == {"id": "x", "n": 3, "path": "/slots/s-1/x", "all": [201]}


KEYS = st.text(min_size=1, max_size=5)


@settings(deadline=None, max_examples=100)
@given(st.lists(KEYS, min_size=1, max_size=4), st.integers())
def test_every_place_of_a_body_can_be_named(path: list[str], value: int) -> None:
    body: Any = value
    for key in reversed(path):
        body = {key: body}
    expression = "$response.body#" + "".join(f"/{escape(key)}" for key in path)
    assert evaluate(expression, Context(response_body=body)) == value
    assert parse(expression).tokens == tuple(path)


@pytest.mark.parametrize(
    ("criterion", "truth"),
    [
        ("$message.payload#/outcome == 'eligible'", True),
        ("$message.payload#/outcome == 'ELIGIBLE'", True),  # Arazzo: text is compared without case
        ("$message.payload#/outcome != 'eligible'", False),
        ("$response.body#/text == 'it''s'", True),
        ("$statusCode >= 200 && $statusCode < 300", True),
        ("$statusCode == 200 || $statusCode == 201", True),
        ("$statusCode == 201 && $statusCode == 200 || true", True),
        ("$statusCode == 201 && ($statusCode == 200 || true)", True),
        ("!($statusCode == 201)", False),
        ("!$response.body#/free", True),
        ("$response.body#/free == false", True),
        ("$response.body#/size == true", False),
        ("$response.body#/size > 2.5", True),
        ("$response.body#/size < '9'", True),  # Arazzo 1.1: text that is a number compares as one
        ("'3' == $response.body#/size", True),
        ("$response.body#/size == '3x'", False),
        ("$response.body#/size > 'x'", False),
        ("$response.body#/missing == null", True),
        ("$message.payload#/nothing == null", True),
        ("$response.body#/missing < 1", False),
        ("-1 < $response.body#/size", True),
        ("$request.header.If-Match == '\"3\"'", True),
        ("$response.body#/id", True),
        ("$message.payload#/nothing", False),
    ],
)
def test_a_criterion_holds_or_not(criterion: str, truth: bool) -> None:
    assert holds(criterion, CONTEXT) is truth


@pytest.mark.parametrize(
    "wrong",
    ["", "$statusCode ==", "== 1", "(true", "true)", "1 1", "out == 1", "'a", "1x", "a && b", "&&"],
)
def test_a_malformed_criterion_is_refused(wrong: str) -> None:
    with pytest.raises(ExpressionError):
        holds(wrong, CONTEXT)


def test_a_malformed_expression_inside_a_criterion_is_refused() -> None:
    with pytest.raises(ExpressionError, match=r"\$respons\.body"):
        holds("$respons.body#/id == 1", CONTEXT)


CLAUSES = st.recursive(
    st.tuples(st.integers(0, 5), st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), st.integers(0, 5)).map(
        lambda found: " ".join(map(str, found))
    ),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(" ".join)
        | inner.map(lambda clause: f"({clause})")
        | inner.map(lambda clause: f"!({clause})")
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=200)
@given(CLAUSES)
def test_operators_bind_as_they_do_elsewhere(criterion: str) -> None:
    python = criterion.replace("!=", "≠").replace("!", " not ").replace("≠", "!=")
    python = python.replace("&&", "and").replace("||", "or")
    assert holds(criterion, Context()) is eval(python)  # noqa: S307 - numbers and operators of our own
