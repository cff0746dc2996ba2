"""Documents that other people wrote mean the same when all that they refer to stands in one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.contract import load
from harness.contract.bundling import bundled
from harness.contract.documents import Documents, yaml_of
from harness.contract.node import Node
from harness.errors import ContractError
from tests.conftest import ROOT
from tests.unit.contract.sameness import differences

CORPUS = Path(os.environ.get("CONTRACT_CORPUS", ROOT.parent / "shared" / "corpus"))


def documents() -> list[Path]:
    """Those of several files; of one file a bundle has nothing to do."""
    if not CORPUS.is_dir():
        return []
    found = [path for end in ("yaml", "yml", "json") for path in CORPUS.glob(f"*api/*/**/*.{end}")]
    return sorted(path for path in found if path.stat().st_size < 1_000_000 and several(path))


def several(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    return ("openapi:" in text or "asyncapi:" in text) and any(
        "$ref" in line and "#/" not in line.split("$ref")[1][:6] for line in text.splitlines()
    )


@pytest.mark.skipif(not CORPUS.is_dir(), reason=f"no corpus at {CORPUS}")
@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_a_bundle_means_the_same(path: Path, tmp_path: Path) -> None:
    try:
        contract = load(path)
    except ContractError as error:
        pytest.skip(f"not read: {error.found}")  # which ones, and why, the tests of each format say
    opened = Documents()
    tree = bundled(Node.at(opened, opened.open(path, path.name)))
    assert not list(foreign(tree, ""))
    again = tmp_path / path.parent.name / f"{path.stem}.yaml"
    again.parent.mkdir()
    again.write_text(yaml_of(tree), encoding="utf-8")
    assert list(differences(contract, load(again))) == []


def foreign(tree: Any, key: str) -> list[str]:
    """References that leave the bundle; what is data stays as it is."""
    if isinstance(tree, Mapping) and key not in ("example", "value", "payload"):
        own = [tree["$ref"]] if isinstance(tree.get("$ref"), str) and not tree["$ref"].startswith("#") else []
        return own + [ref for name, each in tree.items() for ref in foreign(each, name)]
    return [ref for each in tree for ref in foreign(each, key)] if isinstance(tree, list) else []
