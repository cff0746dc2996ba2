"""``portal mock --proxy`` as a user runs it: findings as they come, the sum at the end, the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from tests.conftest import ROOT
from tests.e2e.portal import portal, running
from tests.unit.mocks.real_service import RealService
from tests.unit.serving.live import Service, served

CLINIC = ROOT / "tests" / "unit" / "mocks" / "contracts" / "clinic"
PATIENT = {"id": "pat-abc123", "name": "Edith Marsh"}


@pytest.mark.parametrize(("answer", "code", "told"), [(PATIENT, 0, "clean"), ({"id": 7}, 1, "findings")])
def test_what_was_found_decides_the_exit_code(answer: object, code: int, told: str, tmp_path: Path) -> None:
    real = RealService()
    real.will(200, answer)
    folders = ["--record", str(tmp_path / "kept"), "--report", str(tmp_path / "report")]
    with served([Service("real", real)]) as addresses:
        command = ["mock", str(CLINIC), "--proxy", addresses.services["real"], *folders]
        with running(command, tmp_path) as (process, ready):
            httpx.get(f"{ready['services']['clinic']}/patients/pat-abc123", trust_env=False)
            process.terminate()
            assert process.wait(20) == code
    out = (tmp_path / "log.txt").read_text()
    assert told in out
    assert ("/id must" in out) is bool(code)
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report
    assert len(list((tmp_path / "kept").rglob("*.json"))) == 1 - code
    assert "Marsh" not in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--record", "kept"], "--proxy URL with it"),
        (["--proxy", "nowhere"], "is not the URL of a service"),
        (["--proxy", "http://127.0.0.1:1", "--examples", "."], "a proxy answers nothing itself"),
        (["--examples", "missing"], "there is no such folder"),
    ],
)
def test_what_cannot_be_is_one_paragraph(arguments: list[str], said: str, tmp_path: Path) -> None:
    ran = portal("mock", str(CLINIC), "--kafka", "none", *arguments, cwd=tmp_path)
    assert ran.code == 2
    assert said in ran.err
    assert "Traceback" not in ran.text
