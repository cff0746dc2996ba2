"""Workflow expressions, criteria of every type, selectors and replacements come to the right values."""

from __future__ import annotations

import time
from typing import Any

import pytest

from harness.contract.arazzo_values import meets, payload_of, worth
from harness.contract.expressions import Context, ExpressionError, parse, value_of
from harness.contract.model.workflows import (
    Criterion,
    Language,
    LanguageName,
    Replacement,
    Selector,
    StepBody,
)
from harness.errors import ContractError

CONTEXT = Context(
    status=201,
    response_headers={"X-Left": "7"},
    response_body={"items": [{"id": "a", "n": 1}, {"id": "b", "n": 2}], "state": "open"},
    message_payload={"orderId": 9},
    inputs={"who": "p-1", "a.b": 1, "box": {"deep": [{"x": 5}]}, "pattern": "op.n", "no": None, "yes": True},
    outputs={"done": "it"},
    steps={"find": {"pets": [{"id": 3}]}},
    workflows={"other": {"inputs": {"i": 1}, "outputs": {"o": {"k": 2}}}},
    sources={"shop": {"url": "https://example.org/shop.yaml"}},
    components={"parameters": {"page": 4}},
    self_uri="https://example.org/flow.yaml",
)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("$inputs.who", "p-1"),
        ("$inputs.a.b", 1),
        ("$inputs.box#/deep/0/x", 5),
        ("$inputs.box.deep[0].x", 5),
        ("$inputs.box.deep[7].x", None),
        ("$outputs.done", "it"),
        ("$steps.find.outputs.pets#/0/id", 3),
        ("$steps.find.outputs.pets[0].id", 3),
        ("$steps.other.outputs.pets", None),
        ("$workflows.other.inputs.i", 1),
        ("$workflows.other.outputs.o#/k", 2),
        ("$sourceDescriptions.shop.url", "https://example.org/shop.yaml"),
        ("$components.parameters.page", 4),
        ("$self", "https://example.org/flow.yaml"),
        ("$message.payload.orderId", 9),
        ("$response.body.items[1].id", "b"),
    ],
)
def test_an_expression_of_a_workflow_names_a_value(expression: str, value: Any) -> None:
    assert value_of(parse(expression, dotted=True), CONTEXT) == value


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ("$steps.find.pets", r"\$steps\.<stepId>\.outputs\.<name>"),
        ("$inputs", r"\$inputs\.<name>"),
        ("$inputs.", r"\$inputs\.<name>"),
        ("$workflows.other.o", r"\$workflows\.<workflowId>\.outputs"),
        ("$components.schemas.x", "parameters, successActions"),
        ("$sourceDescriptions.shop", r"\$sourceDescriptions\.<name>"),
        ("$response.body.items[x]", "a JSON pointer"),
        ("$response.body.", "is malformed"),
        ("$step.find.outputs.pets", "is malformed"),
    ],
)
def test_a_malformed_expression_of_a_workflow_says_how_it_should_look(wrong: str, expected: str) -> None:
    with pytest.raises(ExpressionError, match=expected):
        parse(wrong, dotted=True)


def criterion(
    name: LanguageName, condition: str, context: str = "$response.body", version: str = ""
) -> Criterion:
    return Criterion(condition, Language(name, version), context)


@pytest.mark.parametrize(
    ("given", "truth"),
    [
        (Criterion("$statusCode == 201 && $response.body.items[0].n < 2"), True),
        (Criterion("$response.header.X-Left > 6"), True),
        (Criterion("$steps.find.outputs.pets[0].id == '3'"), True),
        (criterion("regex", "^2\\d{2}$", "$statusCode"), True),
        (criterion("regex", "^4", "$statusCode"), False),
        (criterion("regex", "^({$inputs.pattern})$", "$response.body.state"), True),
        (criterion("regex", ".*", "$response.body#/missing"), False),
        (criterion("regex", "true", "$inputs.yes"), True),
        (criterion("jsonpath", "$.items[?@.n > 1]"), True),
        (criterion("jsonpath", "$.items[?@.n > 2]"), False),
        (criterion("jsonpath", "$.items[?@.id == '{$inputs.who}']"), False),
        (criterion("jsonpath", "$[?count(@[*]) == 2]"), True),
        (criterion("jsonpath", "$", "$response.body#/missing"), False),
        (criterion("jsonpath", "$.items[(@.length-1)]", version="draft-goessner-dispatch-jsonpath-00"), True),
        (criterion("jsonpath", "$[?(@.length > 1)]", version="draft-goessner-dispatch-jsonpath-00"), True),
    ],
)
def test_a_criterion_of_any_type_holds_or_not(given: Criterion, truth: bool) -> None:
    assert meets(given, CONTEXT) is truth


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (criterion("xpath", "/a/b"), "XPath is not supported"),
        (criterion("regex", "("), "no regular expression"),
        (criterion("jsonpath", "$["), "malformed from character 3 on"),
        (criterion("jsonpath", "$.items[(@.length-1)]"), "malformed"),  # RFC 9535 knows no scripts
        (criterion("jsonpath", "$.a", context=""), "has no context"),
        (Criterion("(" * 200), "64 levels at most"),
        (Criterion("!" * 200 + "true"), "64 levels at most"),
    ],
)
def test_a_criterion_that_cannot_be_judged_says_why(given: Criterion, problem: str) -> None:
    with pytest.raises(ContractError, match=problem):
        meets(given, CONTEXT)


def test_a_hostile_pattern_takes_no_time() -> None:
    hard = "a" * 20_000 + "b"
    started = time.process_time()
    assert not meets(criterion("regex", "^(a+)+$", "$inputs.text"), Context(inputs={"text": hard}))
    with pytest.raises(ContractError, match="takes too long"):
        meets(criterion("regex", r"(?=a)(a|aa)+\1$", "$inputs.text"), Context(inputs={"text": hard}))
    with pytest.raises(ContractError, match="very large"):
        meets(criterion("regex", "(((a{1000}){1000}){1000})", "$inputs.text"), Context(inputs={"text": hard}))
    assert time.process_time() - started < 2


def test_a_hostile_path_takes_little_time() -> None:
    wide: Any = "leaf"
    for _ in range(14):
        wide = [wide, wide]
    started = time.process_time()
    with pytest.raises(ContractError, match="too much work"):
        meets(criterion("jsonpath", "$" + "..*" * 12), Context(response_body=wide))
    assert time.process_time() - started < 5


def selector(name: LanguageName, path: str) -> Selector:
    return Selector("$response.body", path, Language(name))


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (selector("jsonpath", "$.items[0].id"), "a"),
        (selector("jsonpath", "$.items[*].id"), ["a", "b"]),
        (selector("jsonpath", "$.missing"), None),
        (selector("jsonpointer", "/items/1/n"), 2),
        (selector("jsonpointer", ""), CONTEXT.response_body),
        ({"deep": [selector("jsonpointer", "/state"), "$inputs.who"]}, {"deep": ["open", "p-1"]}),
        (
            "who: {$inputs.who}, {$inputs.box}, {$inputs.no}, {$inputs.yes}",
            'who: p-1, {"deep": [{"x": 5}]}, null, true',
        ),
        ("{$inputs.box#/deep/0}", {"x": 5}),
        ("$5.00", "$5.00"),
        (7, 7),
    ],
)
def test_a_value_comes_to(value: Any, found: Any) -> None:
    assert worth(value, CONTEXT) == found


def test_xpath_is_refused_in_a_selector() -> None:
    with pytest.raises(ExpressionError, match="XPath is not supported"):
        worth(selector("xpath", "/a"), CONTEXT)


def body(payload: Any, target: str, value: Any, name: LanguageName = "jsonpointer") -> StepBody:
    return StepBody(payload, "application/json", (Replacement(target, value, Language(name)),))


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (StepBody("$response.body#/items/0"), {"id": "a", "n": 1}),
        (body({"a": 1}, "/b", "$inputs.who"), {"a": 1, "b": "p-1"}),
        (body({"a": [1, 2]}, "/a/1", 3), {"a": [1, 3]}),
        (body({"a": [1]}, "/a/-", 3), {"a": [1, 3]}),
        (body({"a": 1}, "", "all"), "all"),
        (body('{"a": {"b": 1}}', "/a/b", 2), {"a": {"b": 2}}),
        (body({"a": [{"n": 1}, {"n": 2}]}, "$.a[*].n", 0, "jsonpath"), {"a": [{"n": 0}, {"n": 0}]}),
    ],
)
def test_a_payload_is_sent_with_its_replacements(given: StepBody, sent: Any) -> None:
    assert payload_of(given, CONTEXT) == sent


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (body({"a": 1}, "/x/y", 1), "'/x/y' is not in the payload"),
        (body({"a": [1]}, "/a/7", 1), "is not in the payload"),
        (body("<a/>", "/a", 1), "is not JSON"),
        (body({"a": 1}, "/a", 1, "xpath"), "XPath is not supported"),
    ],
)
def test_a_replacement_that_cannot_be_made_says_why(given: StepBody, problem: str) -> None:
    with pytest.raises(ExpressionError, match=problem):
        payload_of(given, CONTEXT)


def test_replacements_leave_what_they_were_made_from_alone() -> None:
    given = body("$response.body", "/state", "closed")
    assert payload_of(given, CONTEXT)["state"] == "closed"
    assert CONTEXT.response_body["state"] == "open"
