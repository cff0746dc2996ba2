"""Regular expressions: what ECMA-262 takes, and what takes for ever."""

# ruff: noqa: E501 - tables of patterns

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.lint.regex_cost import explodes
from harness.lint.regex_syntax import NoRegex, parse

REFUSED = [
    "(", "a)", "[a", "*a", "a**", "a++", "a{2,1}", "a{1}{2}", "[z-a]", "\\", "(?P<n>a)", "(?i)a", "(?>a)", "(?#a)",
    "^*", "(?<n>a)(?<n>b)", "(?", "\\u{110000}",
]  # fmt: skip
TAKEN = [
    "", "a|", "(?<n>a)\\k<n>", "(?:a|b)", "(?=a)b", "(?<!a)b", "(?i:a)", "a{", "a{,3}", "]", "[]a]", "[^]", "\\-",
    "[\\w-]+", "[a-\\d]", "\\p{L}\\P{Lu}", "\\u{1F600}", "\\x41\\u0041\\cA\\0", "a*?b+?c??d{2,}?", "\\d\\D\\s\\S\\b",
]  # fmt: skip
EXPLODING = [
    "^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "(x+x+)+y", "^(\\w+\\s?)*$", "^(\\d+)*x$", "^(([a-z])+.)+[A-Z]([a-z])+$",
    "^(\\s*[a-f]{4}\\s*)+$", "^([a-z0-9]+[.]?)*@x$", "^(?:a?){30,}$|^(b*)*c",
]  # fmt: skip
HARMLESS = [
    "^([a-z]+\\.)*[a-z]+$", "^(a+)+", "(ab)*", "^[A-Z]{2}\\d+$", "^[^\\s]+(\\s[^\\s]+)*$", "^(a|b)*c$", "^(.*a){11}$",
    "^urn:oid:[0-2](\\.(0|[1-9][0-9]*))+$", "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2}(\\.\\d+)?)?(Z|[+-]\\d{2})$",
]  # fmt: skip


@pytest.mark.parametrize("pattern", REFUSED)
def test_what_is_no_regular_expression(pattern: str) -> None:
    with pytest.raises(NoRegex):
        parse(pattern)


@pytest.mark.parametrize("pattern", TAKEN)
def test_what_is_one(pattern: str) -> None:
    parse(pattern)


@pytest.mark.parametrize("pattern", EXPLODING)
def test_what_explodes(pattern: str) -> None:
    assert explodes(pattern)


@pytest.mark.parametrize("pattern", HARMLESS)
def test_what_does_not(pattern: str) -> None:
    assert not explodes(pattern)


@settings(deadline=None, max_examples=150)
@given(st.text(alphabet="ab(|)[]*+?{},2^$\\.-", max_size=40))
def test_any_text_is_judged_in_bounded_time(pattern: str) -> None:
    """And what Python compiles without words of its own, we take too."""
    begin = time.process_time()
    explodes(pattern)
    assert time.process_time() - begin < 5
    try:
        re.compile(pattern)
        parse(pattern)
    except re.error:
        pass
    except NoRegex as error:
        own = ("++", "*+", "?+", "}+", "[]", "[^]", "^*", "^?", "^{", "$", "\\")
        assert any(each in pattern for each in own), error
    except (OverflowError, FutureWarning):
        pass
