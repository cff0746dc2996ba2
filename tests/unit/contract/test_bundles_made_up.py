"""Bundles of contracts that nobody wrote: many files, each with a bit of everything, all referring to all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.contract import load
from harness.contract.documents import read_yaml, yaml_of
from tests.unit.contract.sameness import differences
from tests.unit.contract.test_bundling import bundle, read_again
from tests.unit.contract.test_documents import VALUES

FILES = ("openapi.yaml", "shared/deep/b.json", "c.yaml")
NAMES = st.sampled_from(["Item", "a~b /c"])


def _way(source: str, target: str) -> str:
    """A relative path between two of the files."""
    ups = "../" * source.count("/")
    return ups + target


def _ref(source: str, target: str, section: str, name: str) -> dict[str, str]:
    escaped = name.replace("~", "~0").replace("/", "~1").replace(" ", "%20")
    head = "" if source == target else _way(source, target)
    return {"$ref": f"{head}#/components/{section}/{escaped}"}


@st.composite
def schemas(draw: st.DrawFn, source: str, depth: int = 2) -> Any:
    refer = draw(st.booleans()) if depth else True
    if refer:
        found = _ref(source, draw(st.sampled_from(FILES)), "schemas", draw(NAMES))
        return found | draw(st.sampled_from([{}, {}, {"maxProperties": 3}]))
    below = schemas(source, depth - 1)
    return draw(
        st.one_of(
            st.fixed_dictionaries({"type": st.sampled_from(["string", "integer", ["object", "null"]])}),
            st.builds(
                lambda p: {"type": "object", "properties": p}, st.dictionaries(NAMES, below, max_size=3)
            ),
            st.builds(lambda i: {"type": "array", "items": i}, below),
            st.builds(lambda a: {"allOf": a}, st.lists(below, min_size=1, max_size=2)),
            st.builds(lambda c: {"const": {"$ref": c}, "default": {"$ref": 1}}, st.text(max_size=5)),
        )
    )


@st.composite
def components(draw: st.DrawFn, file: str) -> dict[str, Any]:
    """Everything under every name, so that no reference dangles; concrete things are in every file."""
    names = ("Item", "a~b /c")
    others = [each for each in FILES if each > file]  # so that no chain of responses is a circle

    def either(section: str, own: Any) -> Any:
        referred: bool = draw(st.booleans())
        if others and referred:
            return _ref(file, draw(st.sampled_from(others)), section, draw(NAMES))
        return own

    return {
        "schemas": {
            name: {"title": f"{file} {name}", "properties": {"a": draw(schemas(file))}} for name in names
        },
        "responses": {
            name: either(
                "responses",
                {
                    "description": f"{file} {name}",
                    "content": {"application/json": {"schema": draw(schemas(file))}},
                },
            )
            for name in names
        },
        "parameters": {
            name: either(
                "parameters", {"name": f"{file} {name}", "in": "query", "schema": draw(schemas(file))}
            )
            for name in names
        },
        "examples": {name: either("examples", {"value": draw(st.integers())}) for name in names},
    }


@st.composite
def contracts(draw: st.DrawFn) -> dict[str, Any]:
    """File → tree, ``openapi.yaml`` the document itself."""
    files: dict[str, Any] = {file: {"components": draw(components(file))} for file in FILES}
    pick = st.sampled_from(FILES)

    def operation(file: str, name: str) -> dict[str, Any]:
        media = {
            "schema": draw(schemas(file)),
            "examples": {"one": _ref(file, draw(pick), "examples", draw(NAMES))},
        }
        return {
            "operationId": name,
            "parameters": [_ref(file, draw(pick), "parameters", draw(NAMES))],
            "requestBody": {"content": {"application/json": media}},
            "responses": {"200": _ref(file, draw(pick), "responses", draw(NAMES))},
        }

    files["c.yaml"]["item"] = {"get": operation("c.yaml", "there")}
    files["openapi.yaml"] |= {
        "openapi": draw(st.sampled_from(["3.0.3", "3.1.0"])),
        "info": {"title": "made up", "version": "1"},
        "paths": {
            "/here": {"post": operation("openapi.yaml", "here")},
            "/there": {"$ref": "c.yaml#/item"},
        },
    }
    return files


@settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(files=contracts())
def test_contracts_of_several_files_mean_the_same_in_one(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, Any]
) -> None:
    folder = tmp_path_factory.mktemp("many") / "service"
    for name, tree in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(tree), encoding="utf-8")
    path = folder / "openapi.yaml"
    tree = bundle(path)
    assert str(folder) not in json.dumps(tree)
    assert list(differences(load(path), read_again(tree, path, folder.parent))) == []
    alone = folder.parent / "alone.yaml"
    alone.write_text(yaml_of(tree), encoding="utf-8")
    assert bundle(alone) == tree  # and a bundle is its own bundle


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_what_is_written_reads_as_the_same_tree(tmp_path_factory: pytest.TempPathFactory, tree: Any) -> None:
    tree |= {
        "words": [
            "on",
            "no",
            "0o17",
            "1e3",
            "0x1f",
            "12:30:00",
            "2031-02-03",
            "~",
            "",
            "=",
            "<<",
            " a\n b\n\n",
        ]
    }
    path = tmp_path_factory.mktemp("written") / "x.yaml"
    path.write_text(yaml_of(tree), encoding="utf-8", newline="")
    assert read_yaml(path) == tree
