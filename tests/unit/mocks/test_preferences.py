"""Prefer (RFC 7240) and Accept (RFC 9110) as a mock reads them."""

from __future__ import annotations

import pytest

from mocks.preferences import Preferences, acceptable, preferences


@pytest.mark.parametrize(
    ("header", "code", "example"),
    [
        ("", None, None),
        ("code=404", "404", None),
        ("Code=404, EXAMPLE=gone", "404", "gone"),
        ('code="404";example="two words"', "404", "two words"),
        (r'example="say \"hi\"", code = 409', "409", 'say "hi"'),
        ("respond-async, wait=10, code=200", "200", None),
        ("code=404, code=500", "404", None),
        ("code=, example", None, None),
        ('foo="a, code=500", example=x', None, "x"),
        (",,;; =", None, None),
    ],
)
def test_prefer(header: str, code: str | None, example: str | None) -> None:
    assert preferences(header) == Preferences(code, example)


def test_what_was_applied_can_be_read_back() -> None:
    wanted = Preferences("404", 'say "hi"')
    assert wanted.applied == r'code=404, example="say \"hi\""'
    assert preferences(wanted.applied) == wanted
    assert Preferences().applied == ""


JSON_OR_TEXT = ("application/json", "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("accept", "liked"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/*", "text/plain; charset=utf-8"),
        ("text/plain", "text/plain; charset=utf-8"),
        ("TEXT/PLAIN;Charset=UTF-8", "text/plain; charset=utf-8"),
        ("application/json;q=0.2, text/plain;q=0.3", "text/plain; charset=utf-8"),
        ("application/json;q=0, */*", "text/plain; charset=utf-8"),
        ("*/*;q=0.1, application/json;q=0.01", "text/plain; charset=utf-8"),
        ("text/plain;charset=latin-1", None),
        ("application/xml", None),
        ("application/json;q=none", None),
        ("application/json;q=0", None),
        ("nonsense, ;;", None),
    ],
)
def test_accept(accept: str, liked: str | None) -> None:
    assert acceptable(accept, JSON_OR_TEXT) == liked


def test_nothing_is_acceptable_where_nothing_is_offered() -> None:
    assert acceptable("*/*", ()) is None
