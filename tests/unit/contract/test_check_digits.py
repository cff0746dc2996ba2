"""Check digits by the rules that were published with examples."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from harness.contract.check_digits import is_npi, luhn, some_npi
from harness.contract.schema import compile_schema, generate, schema_of


@pytest.mark.parametrize("digits", ["7992739871", "808401234567893"[:-1]])
def test_published_examples_have_their_digit(digits: str) -> None:
    assert luhn(digits) == "3"  # ISO/IEC 7812-1's own form of example; CMS' example of an NPI


@pytest.mark.parametrize(
    "text",
    [
        "1234567898",
        "0234567893",
        "3234567893",
        "123456789",
        "12345678933",
        "1234567893\n",
        "12345678\N{FULLWIDTH DIGIT NINE}3",
        "",
    ],
)
def test_what_is_no_npi(text: str) -> None:
    assert not is_npi(text)


@given(some.integers(0, 2**32), some.integers(0, 9), some.integers(1, 9))
def test_every_single_wrong_digit_is_noticed(seed: int, place: int, by: int) -> None:
    right = some_npi(Random(seed))  # noqa: S311
    wrong = right[:place] + str((int(right[place]) + by) % 10) + right[place + 1 :]
    assert is_npi(right)
    assert not is_npi(wrong)


@given(some.integers(0, 2**32), some.integers(0, 8))
def test_neighbours_that_changed_places_are_noticed_but_for_09(seed: int, place: int) -> None:
    right = some_npi(Random(seed))  # noqa: S311
    one, other = right[place], right[place + 1]
    wrong = right[:place] + other + one + right[place + 2 :]
    assert is_npi(wrong) == (one == other or ({one, other} == {"0", "9"} and wrong[0] in "12"))


@given(some.integers(0, 2**31))
def test_the_format_is_generated_and_held(seed: int) -> None:
    schema = schema_of({"type": "string", "format": "npi"})
    made = generate(schema, seed)
    assert compile_schema(schema).is_valid(made)
    assert is_npi(str(made))
    assert not compile_schema(schema).is_valid("1234567898")
