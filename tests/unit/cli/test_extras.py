"""A part of Portal that is not installed is named before anything starts, with what to install."""

from __future__ import annotations

from importlib import metadata

import pytest

from harness.cli import extras
from harness.errors import UsageError

REQUIRES = [
    "portal-harness[mock,reference,verify]",
    'confluent-kafka>=2.12; extra == "core"',
    'portal-harness[core]; extra == "mock"',
    'connexion[uvicorn]<4,>=3.3; extra == "mock"',
    'portal-harness[core]; extra == "verify"',
    'schemathesis<5,>=4.32; extra == "verify"',
    'portal-harness[mock]; extra == "reference"',
    'sqlalchemy>=2.0; extra == "reference"',
]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The distributions that are there; a test changes it."""
    there = {"confluent-kafka", "connexion", "schemathesis", "sqlalchemy"}

    def version(name: str) -> str:
        if name not in there:
            raise metadata.PackageNotFoundError(name)
        return "1.0"

    def requires(name: str) -> list[str]:
        assert name == extras.DISTRIBUTION
        return REQUIRES

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(metadata, "requires", requires)
    return there


def test_all_is_well_where_all_is_there(installed: set[str]) -> None:
    extras.need("verify", "verify", "reference")


@pytest.mark.parametrize(
    ("gone", "needed", "fine"),
    [
        ("sqlalchemy", ("reference",), ("mock", "verify")),
        ("schemathesis", ("verify",), ("mock", "reference")),
        ("connexion", ("reference",), ("verify",)),
        ("confluent-kafka", ("mock",), ()),
    ],
)
def test_what_is_missing_is_named(
    gone: str, needed: tuple[str, ...], fine: tuple[str, ...], installed: set[str]
) -> None:
    installed.remove(gone)
    for each in fine:
        extras.need("do", each)
    with pytest.raises(UsageError) as caught:
        extras.need("do", *needed)
    said = caught.value.paragraph()
    assert gone in said
    assert f"pip install '.[{','.join(needed)}]'" in said
    assert not (installed & set(said.replace(",", " ").replace(".", " ").split()))


def test_without_being_installed_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "DISTRIBUTION", "no-such-distribution")
    extras.need("verify", "verify")
    assert "not installed" in extras.version()


def test_a_module_of_ours_is_no_package_to_install() -> None:
    assert extras.missing_package(ModuleNotFoundError("x", name="harness.gone")) is None
    advice = extras.missing_package(ModuleNotFoundError("x", name="jwt.algorithms"))
    assert advice is not None
    assert "'jwt'" in advice
