"""Paths whose segments mix text and parameters."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.contract.model import Operation
from harness.serving.routing import Match, Routes, between

ROUTES = Routes(
    [
        Operation("tile", "GET", "/tiles/{x}-{y}.png"),
        Operation("place", "GET", "/places/{lat},{lon}"),
        Operation("here", "GET", "/places/{name}"),
        Operation("pair", "GET", "/pairs/{one}{other}"),
    ]
)


@pytest.mark.parametrize(
    ("path", "operation", "values"),
    [
        ("/tiles/1-2.png", "tile", {"x": "1", "y": "2"}),
        ("/tiles/1-2-3.png.png", "tile", {"x": "1", "y": "2-3.png"}),
        ("/tiles/%2F-a.png", "tile", {"x": "%2F", "y": "a"}),
        ("/places/1,2", "place", {"lat": "1", "lon": "2"}),
        ("/places/Paris", "here", {"name": "Paris"}),
        ("/places/1,", "here", {"name": "1,"}),
        ("/pairs/abc", "pair", {"one": "a", "other": "bc"}),
    ],
)
def test_a_segment_of_text_and_parameters(path: str, operation: str, values: dict[str, str]) -> None:
    assert ROUTES.find("GET", path) == Match(operation, values)


@pytest.mark.parametrize(
    "path", ["/tiles/-2.png", "/tiles/1-.png", "/tiles/12.png", "/tiles/1-2", "/pairs/a"]
)
def test_nothing_is_empty_and_nothing_left_over(path: str) -> None:
    assert ROUTES.find("GET", path) == frozenset()


TEXT = st.text("ab-.", max_size=12)


@given(st.lists(st.text("a-.", max_size=2), min_size=2, max_size=4), TEXT)
def test_it_is_what_a_regular_expression_finds(literals: list[str], segment: str) -> None:
    found = re.fullmatch("(.+?)".join(map(re.escape, literals)), segment)
    assert between(tuple(literals), segment) == (None if found is None else found.groups())


def test_a_hostile_segment_costs_next_to_nothing() -> None:
    routes = Routes([Operation("o", "GET", "/{a}-{b}-{c}-{d}.json")])
    began = time.monotonic()
    assert routes.find("GET", "/" + "-" * 30_000) == frozenset()
    assert time.monotonic() - began < 0.5
