"""Check digits by the rules that were published with examples."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from harness.contract.check_digits import is_loinc, is_npi, luhn, some_loinc, some_npi
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


@pytest.mark.parametrize("code", ["2823-3", "2345-7", "718-7", "1751-7", "24323-8", "80613-3"])
def test_codes_that_were_given_out_are_loinc(code: str) -> None:
    """Potassium, glucose, haemoglobin and albumin in blood, a metabolic panel, a report."""
    assert is_loinc(code)


@pytest.mark.parametrize(
    "code",
    ["2823-4", "2823", "28233", "-3", "02823-3", "12345678-2", "2823-3 ", "2823-\N{FULLWIDTH DIGIT THREE}"],
)
def test_what_is_no_loinc(code: str) -> None:
    assert not is_loinc(code)


@given(some.integers(1, 9_999_999), some.integers(0, 7), some.integers(1, 9))
def test_every_single_wrong_digit_of_a_code_is_noticed(number: int, place: int, by: int) -> None:
    digits = str(number)
    right, place = digits + luhn(digits), place % (len(digits) + 1)
    wrong = right[:place] + str((int(right[place]) + by) % 10) + right[place + 1 :]
    assert is_loinc(f"{right[:-1]}-{right[-1]}")
    assert not is_loinc(f"{wrong[:-1]}-{wrong[-1]}")


@given(some.integers(1, 9_999_999), some.integers(0, 6))
def test_neighbours_in_a_code_that_changed_places_are_noticed_but_for_09(number: int, place: int) -> None:
    digits = str(number)
    right, place = digits + luhn(digits), place % len(digits)
    one, other = right[place], right[place + 1]
    wrong = right[:place] + other + one + right[place + 2 :]
    blind = one == other or ({one, other} == {"0", "9"} and wrong[0] != "0")
    assert is_loinc(f"{wrong[:-1]}-{wrong[-1]}") == blind


def _as_the_guide_says(digits: str) -> str:
    """Step by step: odd places from the right as one number, doubled; even ones before it; sum of digits."""
    doubled = str(int(digits[::-2][::-1]) * 2)
    total = sum(map(int, digits[-2::-2][::-1] + doubled))
    return str(-total % 10)


@given(some.integers(1, 9_999_999))
def test_the_guide_s_own_steps_lead_to_the_same_digit(number: int) -> None:
    assert luhn(str(number)) == _as_the_guide_says(str(number))


@given(some.integers(0, 2**31))
def test_loinc_is_generated_and_held(seed: int) -> None:
    schema = schema_of({"type": "string", "format": "loinc"})
    made = generate(schema, seed)
    assert compile_schema(schema).is_valid(made)
    assert is_loinc(some_loinc(Random(seed)))  # noqa: S311
    assert not compile_schema(schema).is_valid("2823-4")
