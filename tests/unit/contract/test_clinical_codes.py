"""Codes of classifications by the form that was published for them."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as some

from harness.contract.clinical_codes import is_icd_10_cm, is_ndc, some_ndc
from harness.contract.schema import compile_schema, generate, schema_of


@pytest.mark.parametrize(
    "code",
    [
        *(
            "A09",
            "J18.9",
            "C4A.0",
            "M1A.9XX0",
            "L03.115",
            "S72.001A",
            "T36.0X1D",
            "O9A.111",
            "U07.1",
            "Z3A.40",
        ),
        *("H60.8X1", "X58.XXXA", "V00.01XS"),
        *("QA0", "QA0.0101", "QA0.8"),  # since October 2025 a second character may be a letter
    ],
)
def test_what_the_classification_lists(code: str) -> None:
    assert is_icd_10_cm(code)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "J1",
        "J18.",
        "J189",
        "j18.9",
        "1J8.9",
        "JJ8.9",
        "J18.90000",
        "S72.001X",  # X holds the place of what stands before the seventh character, never that
        "J18.9\n",
        " J18.9",
        "J18,9",
        "J1\N{ARABIC-INDIC DIGIT EIGHT}",
    ],
)
def test_what_has_another_form(text: str) -> None:
    assert not is_icd_10_cm(text)


@given(some.from_regex(r"[A-Z][0-9A][0-9A-Z]", fullmatch=True), some.text("0123456789ABCXZ", max_size=6))
def test_a_point_stands_before_one_to_four_more(category: str, further: str) -> None:
    held = 0 < len(further) <= 4 and further[3:] != "X"
    assert is_icd_10_cm(category)
    assert is_icd_10_cm(f"{category}.{further}") == held
    assert not is_icd_10_cm(f"{category}{further or '.'}")


@given(some.integers(0, 2**31))
def test_the_format_is_generated_and_held(seed: int) -> None:
    schema = schema_of({"type": "string", "format": "icd-10-cm"})
    made = generate(schema, seed)
    assert compile_schema(schema).is_valid(made)
    assert is_icd_10_cm(str(made))
    assert not compile_schema(schema).is_valid("J189")


@pytest.mark.parametrize(
    "code", ["0002-8215-01", "99999-101-01", "99999-1001-1", "99999-1001-01", "99999100101"]
)
def test_the_forms_of_a_drug_code(code: str) -> None:
    assert is_ndc(code)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "9999910010",  # 4-4-2, 5-3-2 or 5-4-1: nobody can tell
        "999991001011",
        "9999-101-01",
        "9999-1001-1",
        "999999-101-01",
        "99999-1001-001",
        "99999-1001",
        "99999 1001 01",
        "99999-1001-01\n",
        "99999-1001-0A",
        "99999-1001-\N{ARABIC-INDIC DIGIT ONE}",
    ],
)
def test_what_is_no_drug_code(text: str) -> None:
    assert not is_ndc(text)


@given(some.integers(1, 7), some.integers(1, 7), some.integers(1, 4), some.integers(0, 2**31))
def test_only_the_published_lengths_are_drug_codes(one: int, two: int, three: int, seed: int) -> None:
    random = Random(seed)  # noqa: S311
    parts = ["".join(random.choices("0123456789", k=length)) for length in (one, two, three)]
    published = (one, two, three) in {(4, 4, 2), (5, 3, 2), (5, 4, 1), (5, 4, 2)}
    assert is_ndc("-".join(parts)) == published
    assert is_ndc("".join(parts)) == (one + two + three == 11)


@given(some.integers(0, 2**31))
def test_drug_codes_are_generated_and_held(seed: int) -> None:
    schema = schema_of({"type": "string", "format": "ndc"})
    made = generate(schema, seed)
    assert compile_schema(schema).is_valid(made)
    assert is_ndc(str(made))
    assert not compile_schema(schema).is_valid("9999910010")


@given(some.integers(0, 2**31))
def test_every_form_that_is_generated_is_a_drug_code(seed: int) -> None:
    assert is_ndc(some_ndc(Random(seed)))  # noqa: S311
