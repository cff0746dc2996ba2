"""One more service is a folder of contracts and a package with a handler an operation: no other edit."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.e2e.portal import portal

HERE = Path(__file__).parent / "thirteenth"


@pytest.fixture
def portal_with_one_more(tmp_path: Path) -> Path:
    """A copy of what a new service meets, and the new service."""
    for name in ("shared", "personas.yaml"):
        source, target = ROOT / "contracts" / name, tmp_path / "contracts" / name
        target.parent.mkdir(exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    services = tmp_path / "reference_services"
    services.mkdir()
    shutil.copy(ROOT / "reference_services/__init__.py", services)
    shutil.copytree(ROOT / "reference_services/platform", services / "platform")
    (tmp_path / "contracts/feedback").mkdir()
    for name in ("openapi.yaml", "asyncapi.yaml"):
        shutil.copy(HERE / name, tmp_path / "contracts/feedback")
    (services / "feedback").mkdir()
    (services / "feedback/__init__.py").touch()
    shutil.copy(HERE / "handlers.py", services / "feedback")
    return tmp_path


@pytest.mark.parametrize("target", ["reference", "mock"])
def test_one_more_service_is_a_folder_and_a_package(portal_with_one_more: Path, target: str) -> None:
    ran = portal(
        "verify", "feedback", "--target", target, "--contracts", "contracts",
        "--cases", "5", "--boundaries", "0.2",
        cwd=portal_with_one_more, PYTHONPATH=str(portal_with_one_more),
    )  # fmt: skip
    assert ran.code == 0, ran.text
    assert "clean: 0 findings, 0 could not tell" in ran.text
    passed = {line.split()[2] for line in ran.out.splitlines() if line.split()[:1] == ["passed"]}
    assert passed >= {"http_properties", "events", "cause_and_effect", "lifecycle", "access", "concurrency"}


def test_its_contract_is_in_order(portal_with_one_more: Path) -> None:
    ran = portal("lint", "contracts", cwd=portal_with_one_more)
    assert ran.code == 0, ran.text
    assert "0 errors, 0 warnings" in ran.out
