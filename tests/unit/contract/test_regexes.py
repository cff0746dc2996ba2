"""Patterns mean what ECMA-262 says, as an engine that keeps to it has them: JSON Schema's own choice."""

from __future__ import annotations

import pytest
import regress
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.regexes import found_in
from harness.contract.schema import compile_schema, schema_of

CHARACTERS = (
    "aB7_ .-\n\r\t\x0b\x0c\x1c\x85\xa0\u1680\u180e\u2000\u2028\u2029\u202f\u3000\ufeffé\u0130\u0660😍"
)
PATTERNS = (
    r".", r"^.$", r"^.*$", r"^\S(.*\S)?$", r"(.)\1", r"(?=.)", r"^(?!a).$",
    r"\.", r"[.]", r"[^.]", r"[\s.]", r"\\.", r"[\]].",
    r"\s", r"\S", r"\w", r"\W", r"\d", r"\D", r"[^\s]", r"^a$", r"\p{L}",
)  # fmt: skip


@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=st.text(CHARACTERS, max_size=4))
def test_a_pattern_finds_what_ecma_262_says(pattern: str, text: str) -> None:
    expected = regress.Regex(pattern, "u").find(text) is not None

    assert compile_schema(schema_of({"pattern": pattern})).is_valid(text) is expected
    assert found_in(pattern, text) is expected
    named = compile_schema(schema_of({"patternProperties": {pattern: False}}))
    assert named.is_valid({text: 1}) is not expected


def test_what_is_wrong_is_told_in_the_contract_s_own_words() -> None:
    [told] = compile_schema(schema_of({"pattern": r"^a.[.]\.$"})).violations("b")
    assert told.detail == r"must match ^a.[.]\.$"
