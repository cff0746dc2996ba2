"""The structure of OpenAPI documents as the official schemas see it, which openapi-spec-validator brings.

Where ours is stricter, and rightly, the case is named in ``STRICTER`` with the sentence that says so.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator.schemas import schema_v30, schema_v31

from harness.contract.documents import Documents, read_yaml
from harness.contract.node import Node
from harness.lint.source import Source, format_of
from harness.lint.structure import misfits_of
from tests.unit.lint.api import V30, V31

DIALECT = "https://json-schema.org/draft/2020-12/schema"
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

LOOSER = ("read", "parameters")
"""A link's parameters: the text allows any value, the official schema of 3.1 only text."""


@cache
def _official(version: str) -> Any:
    if version == "3.0":
        return jsonschema_rs.Draft4Validator(dict(schema_v30))
    return jsonschema_rs.Draft202012Validator({"$ref": DIALECT} if version == "2020-12" else dict(schema_v31))


def theirs(version: str, tree: Any) -> list[str]:
    """What the official schema says; that of 3.1 leaves Schema Objects to their dialect's meta-schema."""
    said = [each.message for each in _official(version).iter_errors(tree)]
    for schema in _schemas(tree) if version != "3.0" else ():
        said += [each.message for each in _official("2020-12").iter_errors(schema)]
    return said


def _schemas(tree: Any) -> Iterator[Any]:
    if isinstance(tree, dict):
        for key, each in tree.items():
            if key == "schema":
                yield each
            elif key == "schemas" and isinstance(each, dict):
                yield from each.values()
            else:
                yield from _schemas(each)
    elif isinstance(tree, list):
        for each in tree:
            yield from _schemas(each)


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


def _ours(folder: Path, tree: Any) -> list[str] | None:
    """Titles of what we find, None for what the reader does not take for OpenAPI at all."""
    path = folder / "mutated.json"
    path.write_text(json.dumps(tree), encoding="utf-8")
    documents = Documents()
    root = Node.at(documents, documents.open(path))
    found = format_of(root)
    if found is None:
        return None
    return [each.title for each in misfits_of(Source("mutated", root, *found))]


def _cases(text: str, folder: Path, seed: int, many: int) -> Iterator[tuple[Where, Any, Any]]:
    path = folder / "tree.yaml"
    path.write_text(text, encoding="utf-8")
    tree: Any = read_yaml(path)
    chance = random.Random(seed)  # noqa: S311 - cases, not secrets
    places = list(_places(tree))
    for _ in range(many):
        where, other = chance.choice(places), chance.choice((..., "+", *OTHER))
        whole = _mutated(tree, where, other)
        if whole is not None:
            yield where, other, whole


@pytest.mark.parametrize(("version", "text"), [("3.0", V30), ("3.1", V31)])
def test_the_judge_and_we_agree_on_mutations(tmp_path: Path, version: str, text: str) -> None:
    apart = []
    for where, other, whole in _cases(text, tmp_path, 4, 250):
        ours = _ours(tmp_path, whole)
        if ours is None or where[-3:-1] == LOOSER or where[-1:] == LOOSER[1:]:
            continue
        official = theirs(version, whole)
        more = [each for each in ours if not any(part in each for part in STRICTER)]
        if (official and not ours) or (more and not official):
            apart.append((where, other, official[:1], ours[:2]))
    assert not apart, "\n".join(map(str, apart))
