"""Integers as JSON may write them."""

from __future__ import annotations

import json

import pytest

from harness.contract.integers import whole_in


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("35.0", 35),
        ("-0.0", 0),
        ("3.5e1", 35),
        ("1E3", 1000),
        ("35.5", 35.5),
        ("1e300", 1e300),
        ("9007199254740992.0", 2.0**53),
        (
            '{"a": [1.0, {"b": 2.0}], "c": "1.0", "d": [true, null, 0.5]}',
            {"a": [1, {"b": 2}], "c": "1.0", "d": [True, None, 0.5]},
        ),
    ],
)
def test_what_is_whole_is_an_integer_however_it_is_written(text: str, read: object) -> None:
    found = whole_in(json.loads(text), text.encode())
    assert (found, repr(found)) == (read, repr(read))
