"""``portal mock`` while somebody edits its contract."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import httpx

from tests.conftest import ROOT
from tests.e2e.portal import running

CLINIC = ROOT / "tests" / "unit" / "mocks" / "contracts" / "clinic"
DEADLINE = 20.0


def test_an_edit_is_served_and_a_broken_one_is_told(tmp_path: Path) -> None:
    copied = tmp_path / "clinic"
    shutil.copytree(CLINIC, copied)
    contract = copied / "openapi.yaml"
    text = contract.read_text()
    with running(["mock", str(copied), "--kafka", "none"], tmp_path) as (process, ready):
        client = httpx.Client(base_url=ready["services"]["clinic"], trust_env=False)
        with client:
            contract.write_text(text.replace("/patients", "/people"))
            end = time.monotonic() + DEADLINE
            while client.get("/people").status_code != 200:
                assert time.monotonic() < end
                time.sleep(0.01)
            contract.write_text(text.replace("openapi: 3.1.0", "openapi: [3.1.0"))
            while "x-portal-contract-error" not in (answer := client.get("/people")).headers:
                assert time.monotonic() < end
                time.sleep(0.01)
            assert answer.status_code == 200
        process.terminate()
        assert process.wait(DEADLINE) == 0
    log = (tmp_path / "log.txt").read_text()
    assert "the contract was read anew" in log
    assert log.count("cannot be served; the one before it stays") == 1
    assert "Traceback" not in log


def test_without_reload_an_edit_changes_nothing(tmp_path: Path) -> None:
    copied = tmp_path / "clinic"
    shutil.copytree(CLINIC, copied)
    with running(["mock", str(copied), "--kafka", "none", "--no-reload"], tmp_path) as (_, ready):
        (copied / "openapi.yaml").write_text("nothing")
        answer = httpx.get(f"{ready['services']['clinic']}/patients", trust_env=False)
    assert answer.status_code == 200
    assert "x-portal-contract-error" not in answer.headers
