"""The structure of OpenAPI documents as an independent judge sees it (openapi-spec-validator, the official schemas).

Where ours is stricter, and rightly, the case is named in ``STRICTER`` with the sentence that says so.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator, Draft202012Validator
from openapi_spec_validator.schemas import schema_v30, schema_v31

from harness.contract.documents import read_yaml
from harness.findings import Finding
from tests.unit.lint.api import V30, V31, findings

Where = tuple[str | int, ...]
OTHER: tuple[Any, ...] = (None, True, 7, "zzz", ["zzz"], {"zzz": 1}, [], {}, "$x", 1.5, -1)

STRICTER = (
    "is no version of OpenAPI",
    "is always required",  # 3.0 official schema: only where 'style' is one of path's
    "there is neither",  # a parameter without schema and content; a link without operation
    "exclude each other",
    "says nothing about a security scheme",
    "what its items are",
    "'required' is empty",
    "has an entry twice",
    "has characters that it may not have",
    "cannot be less than 0",
    "has no style",
    "is empty",
    "more than 0",
    "of a parameter has one media type",
    "belongs to the scheme 'bearer'",
    "the OAuth flow",
)
"""Titles of ours that the judge need not share: each is a MUST of the specification's text."""


def _judge(version: str) -> Any:
    return Draft4Validator(dict(schema_v30)) if version == "3.0" else Draft202012Validator(dict(schema_v31))


def _places(tree: Any, above: Where = ()) -> Iterator[Where]:
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        if key in ("example", "examples", "value", "default", "enum", "x-note"):
            continue  # data: any value may stand there, and other rules judge it
        yield (*above, key)
        yield from _places(tree[key], (*above, key))


def _mutated(tree: Any, where: Where, other: Any) -> Any:
    whole = copy.deepcopy(tree)
    node = whole
    for key in where[:-1]:
        node = node[key]
    if other is ...:
        del node[where[-1]]
    elif other == "+":
        if not isinstance(node[where[-1]], dict):
            return None
        node[where[-1]]["zzz"] = 1
    else:
        node[where[-1]] = other
    return whole


def _ours(folder: Path, tree: Any) -> list[Finding]:
    found = findings(folder, json.dumps(tree))
    return [each for each in found if each.check == "lint/structure"]


def _cases(text: str, folder: Path, seed: int, many: int) -> Iterator[tuple[Where, Any, Any]]:
    path = folder / "tree.yaml"
    path.write_text(text, encoding="utf-8")
    tree: Any = read_yaml(path)
    chance = random.Random(seed)
    places = list(_places(tree))
    for _ in range(many):
        where, other = chance.choice(places), chance.choice((..., "+", *OTHER))
        whole = _mutated(tree, where, other)
        if whole is not None:
            yield where, other, whole


@pytest.mark.parametrize(("version", "text"), [("3.0", V30), ("3.1", V31)])
def test_the_judge_and_we_agree_on_mutations(tmp_path: Path, version: str, text: str) -> None:
    judge, apart = _judge(version), []
    for where, other, whole in _cases(text, tmp_path, 4, 150):
        theirs = [each.message for each in judge.iter_errors(whole)]
        ours = _ours(tmp_path, whole)
        more = [each for each in ours if not any(part in each.title for part in STRICTER)]
        if (theirs and not ours) or (more and not theirs):
            apart.append((where, other, theirs[:1], [each.title for each in ours][:2]))
    assert not apart, "\n".join(map(str, apart))
