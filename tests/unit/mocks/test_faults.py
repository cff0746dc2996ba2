"""Faults before they happen: how they are written, when a rule strikes, what breaks a value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.contract.model import JSON
from harness.contract.schema import compile_schema, schema_of
from harness.errors import UsageError
from mocks.breaking import broken, malformed
from mocks.fault_rules import FaultRules, Met, rule_of
from mocks.fault_words import LONGEST, NOTHING, effects_of
from mocks.matching import Match, Seen, match_of

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(), inside, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("latency=300", "latency=300"),
        (" status = 503 ;; retry-after=2; ", "status=503; retry-after=2"),
        ("truncate = 50%;reset", "truncate=50%; reset"),
        ("event=late; latency=8s", "event=late; latency=8s"),
    ],
)
def test_a_fault_is_read_and_written_alike(text: str, canonical: str) -> None:
    read = effects_of(text, "here")
    assert read.text == canonical
    assert effects_of(read.text, "here") == read


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "no fault is named"),
        ("latency", "is no latency"),
        ("latency=-1", "is no latency"),
        ("latency=60001", "is no latency"),
        ("latency=uniform(300,100)", "is no latency"),
        ("latency=lognormal(61000,1)", "is no latency"),
        ("latency=1; latency=2", "said twice"),
        ("status=99", "is no status"),
        ("status=20x", "is no status"),
        ("retry-after=2", "goes with a status"),
        ("status=503; retry-after=soon", "is no time"),
        ("reset=now", "takes no value"),
        ("reset; drop", "end twice"),
        ("empty; trickle=1s", "no body comes"),
        ("truncate=100%", "is no part of a body"),
        ("truncate=half", "is no part of a body"),
        ("trickle=61s", "is no time"),
        ("malformed=yes", "takes no value"),
        ("invalid=id", "is no JSON pointer"),
        ("content-type=html", "is no content type"),
        ("event=vanished", "there is no fault 'event=vanished'"),
        ("event=lost; status=500", "stands beside"),
        ("none; reset", "'none' stands beside"),
        ("x" * 301, "longer than"),
    ],
)
def test_a_fault_that_cannot_be_is_told(text: str, found: str) -> None:
    with pytest.raises(UsageError) as told:
        effects_of(text, "portal.toml:3")
    assert found in told.value.found
    assert told.value.where == "portal.toml:3"


@given(st.text(max_size=400))
def test_whatever_is_written_is_read_or_told(text: str) -> None:
    try:
        effects_of(text, "here")
    except UsageError as error:
        assert len(error.paragraph()) < 2000


@given(st.sampled_from(["uniform(0,60000)", "lognormal(60000,10)", "lognormal(1,5000)"]), st.integers())
def test_no_latency_is_longer_than_its_bound(spread: str, seed: int) -> None:
    rules = FaultRules(seed)
    for _ in range(20):
        assert 0 <= rules.asked(effects_of(f"latency={spread}", "here")).delay <= LONGEST


def test_a_lognormal_latency_has_its_median() -> None:
    rules, effects = FaultRules(1), effects_of("latency=lognormal(100,0.5)", "here")
    drawn = sorted(rules.asked(effects).delay for _ in range(2001))
    assert drawn[1000] == pytest.approx(0.1, rel=0.1)
    assert drawn[-1] > 0.3


def test_none_is_nothing() -> None:
    assert effects_of("none", "here") is NOTHING


def struck(document: dict[str, Any], times: int, seed: int = 1) -> list[bool]:
    rules = FaultRules(seed, (rule_of(document, "here", "a"),))
    return [rules.of_exchange("op", Seen()) is not None for _ in range(times)]


def test_a_rule_counts_what_it_matches() -> None:
    fault = {"fault": "reset"}
    assert struck({**fault, "first": 2}, 4) == [True, True, False, False]
    assert struck({**fault, "every": 3}, 7) == [False, False, True, False, False, True, False]
    assert struck({**fault, "first": 4, "every": 2}, 6) == [False, True, False, True, False, False]
    assert struck({**fault, "probability": 0}, 3) == [False] * 3


@given(st.integers(), st.floats(0, 1), st.integers(1, 5), st.integers(1, 5))
@settings(max_examples=30)
def test_chance_is_decided_by_the_seed(seed: int, probability: float, first: int, every: int) -> None:
    rule = {"fault": "reset", "probability": probability, "first": first * 4, "every": every}
    assert struck(rule, 20, seed) == struck(rule, 20, seed)


def test_another_rule_changes_nothing_about_this_ones_chance() -> None:
    alone = FaultRules(1, (rule_of({"fault": "status=500", "probability": 0.5}, "here", "a"),))
    both = FaultRules(
        1,
        (
            rule_of({"fault": "latency=1", "probability": 0.5}, "here", "b"),
            rule_of({"fault": "status=500", "probability": 0.5}, "here", "a"),
        ),
    )

    def statuses(rules: FaultRules) -> list[bool]:
        met = [rules.of_exchange("op", Seen()) for _ in range(40)]
        return [each is not None and each.effects.status == 500 for each in met]

    assert statuses(alone) == statuses(both)


def test_rules_add_up_and_the_earlier_one_holds() -> None:
    documents = ({"fault": "latency=100"}, {"fault": "status=503"}, {"fault": "latency=200; status=500"})
    rules = FaultRules(1, tuple(rule_of(each, "here", str(n)) for n, each in enumerate(documents)))
    met = rules.of_exchange("op", Seen())
    assert isinstance(met, Met)
    assert (met.delay, met.effects.status, met.rules) == (0.1, 503, ("0", "1", "2"))


def test_rules_of_events_and_of_answers_are_apart() -> None:
    rules = FaultRules(1, (rule_of({"fault": "event=lost"}, "here", "e"),))
    assert rules.of_exchange("op", Seen()) is None
    assert rules.of_event("op", Seen()) is not None


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({}, "'fault' is missing"),
        ({"fault": "reset", "probabilty": 1}, "has no 'probabilty'"),
        ({"fault": "reset", "probability": 1.5}, "'probability' is 1.5"),
        ({"fault": "reset", "probability": True}, "'probability' is True"),
        ({"fault": "reset", "first": 0}, "'first' is 0"),
        ({"fault": "reset", "operation": 5}, "'operation' is neither"),
        ({"fault": "reset", "match": {"paths": {}}}, "has no part 'paths'"),
        ({"fault": "reset", "match": {"body": {"id": 1}}}, "is no JSON pointer"),
        ({"fault": "reset", "match": {"query": "a=1"}}, "is no table"),
    ],
)
def test_a_rule_that_cannot_be_is_told(document: JSON, found: str) -> None:
    with pytest.raises(UsageError) as told:
        rule_of(document, "portal.toml:7", "a")
    assert found in told.value.found


@pytest.mark.parametrize(
    ("match", "seen", "fits"),
    [
        ({"path": {"id": 7}}, Seen(path={"id": "7"}), True),
        ({"path": {"id": "7"}}, Seen(path={"id": 7}), True),
        ({"query": {"tag": "b"}}, Seen(query={"tag": ["a", "b"]}), True),
        ({"query": {"tag": ["a", "b"]}}, Seen(query={"tag": ["a", "b"]}), True),
        ({"query": {"tag": ["b", "a"]}}, Seen(query={"tag": ["a", "b"]}), False),
        ({"query": {"on": True}}, Seen(query={"on": "true"}), True),
        ({"header": {"X-A": "1"}}, Seen(headers={"x-a": "1"}), True),
        ({"body": {"/a/0": 1}}, Seen(body={"a": [1.0]}), True),
        ({"body": {"/a/0": 1}}, Seen(body={"a": [True]}), False),
        ({"body": {"/a": "1"}}, Seen(body={"a": 1}), False),
        ({"body": {"/a": None}}, Seen(body={}), False),
        ({"body": {"/a": None}}, Seen(body={"a": None}), True),
        ({"body": {"/a~1b": 1}}, Seen(body={"a/b": 1}), True),
        ({"body": {"": {"a": 1}}}, Seen(body={"a": 1, "b": 2}), False),
        ({"key": "k"}, Seen(key="k"), True),
        ({"key": "k"}, Seen(), False),
        ({}, Seen(), True),
    ],
)
def test_what_matches(match: JSON, seen: Seen, fits: bool) -> None:
    read = match_of(match, "here")
    assert read.fits(seen) is fits
    assert read.conditions == len(list(read.differences(Seen())))
    assert match_of(read.document(), "here") == read


@given(ANY_JSON)
def test_a_whole_body_matches_itself_and_nothing_else(value: JSON) -> None:
    wanted = Match(body={"": value})
    assert wanted.fits(Seen(body=json.loads(json.dumps(value))))
    assert not wanted.fits(Seen(body={"another": value}))


THING = {
    "type": "object",
    "required": ["id", "items"],
    "properties": {
        "id": {"type": "string"},
        "items": {
            "type": "array",
            "items": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}},
        },
        "note": {"type": ["string", "null"]},
    },
}


@given(
    st.fixed_dictionaries(
        {"id": st.text(), "items": st.lists(st.fixed_dictionaries({"n": st.integers()}), max_size=3)},
        optional={"note": st.none() | st.text()},
    )
)
@settings(max_examples=50)
def test_a_broken_value_breaks_its_schema_always_alike(value: JSON) -> None:
    schema = schema_of(THING)
    found = broken(value, schema)
    assert found is not None and found == broken(value, schema)
    assert not compile_schema(schema).is_valid(found[0])
    for pointer in ("/id", "/note", "/items"):
        there = broken(value, schema, pointer)
        assert there is not None and pointer in there[1]
        assert not compile_schema(schema).is_valid(there[0])


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (True, {"a": 1}),
        ({}, [1, 2]),
        ({"type": ["object", "array", "string", "number", "boolean", "null"]}, "x"),
    ],
)
def test_what_nothing_breaks_is_said(raw: JSON, value: JSON) -> None:
    assert broken(value, schema_of(raw)) is None


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ({"type": "string"}, "x"),
        ({"enum": [1, 2]}, 1),
        ({"type": "array", "items": {"type": "integer"}}, []),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {}),
        (
            {
                "type": "object",
                "properties": {"a": {"$ref": "#/$defs/A"}},
                "$defs": {"A": {"type": "string"}},
            },
            {"a": "x"},
        ),
    ],
)
def test_optional_and_empty_things_break_too(raw: JSON, value: JSON) -> None:
    found = broken(value, schema_of(raw))
    assert found is not None
    assert not compile_schema(schema_of(raw)).is_valid(found[0])


@given(ANY_JSON)
def test_malformed_is_malformed(value: JSON) -> None:
    with pytest.raises(ValueError):
        json.loads(malformed(json.dumps(value).encode()))


def test_malformed_nothing_is_something() -> None:
    with pytest.raises(ValueError):
        json.loads(malformed(b""))
