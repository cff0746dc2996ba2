"""A file that several contracts are read from is parsed and held once."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.contract import load
from harness.contract.model import Contract
from harness.contract.sources import Sources
from tests.conftest import ROOT


@pytest.fixture
def contracts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PORTAL_CACHE", str(tmp_path / "cache"))
    return Path(shutil.copytree(ROOT / "contracts", tmp_path / "contracts"))


def trees(contract: Contract) -> Mapping[str, Any]:
    return {uri.rpartition("/contracts/")[2]: tree for uri, tree in contract.documents.items()}


@pytest.mark.parametrize("again", [False, True], ids=["read", "kept"])
def test_two_contracts_share_what_both_refer_to(contracts: Path, again: bool) -> None:
    if again:
        load(contracts / "scheduling"), load(contracts / "notifications")
        gc.collect()
    one, other = trees(load(contracts / "scheduling")), trees(load(contracts / "notifications"))
    assert one["shared/http.yaml"] is other["shared/http.yaml"]
    assert one["scheduling/openapi.yaml"] is other["scheduling/openapi.yaml"]


def test_of_an_edited_contract_only_the_edited_file_is_new(contracts: Path) -> None:
    before = trees(load(contracts / "scheduling"))
    edited = contracts / "scheduling" / "openapi.yaml"
    edited.write_text(edited.read_text().replace("/slots:", "/times:", 1))
    after = trees(load(contracts / "scheduling", kept=False))
    assert {name for name in after if after[name] is not before.get(name)} == {"scheduling/openapi.yaml"}
    assert "/times" in after["scheduling/openapi.yaml"]["paths"]
    assert "/slots" in before["scheduling/openapi.yaml"]["paths"]


def test_what_was_not_to_be_kept_is_not(contracts: Path) -> None:
    load(contracts / "scheduling", kept=False)
    assert not (contracts.parent / "cache").exists()


def test_who_keeps_nothing_shares_nothing(contracts: Path) -> None:
    shared, own = load(contracts / "scheduling"), load(contracts / "scheduling", Sources(keeps=False))
    assert trees(shared)["shared/http.yaml"] is not trees(own)["shared/http.yaml"]


def test_what_is_the_same_in_a_kept_contract_is_one_object(contracts: Path) -> None:
    read = load(contracts / "scheduling")
    kept = load(contracts / "scheduling")
    one, other = (kept.operations[name].responses["401"] for name in ("searchSlots", "bookAppointment"))
    assert one.headers["X-Correlation-Id"] is other.headers["X-Correlation-Id"]
    assert kept.operations == dict(read.operations)
