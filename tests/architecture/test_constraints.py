"""The pinned versions are ones that the package takes: else pip refuses to install them together."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def _requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    texts = list(project.get("dependencies", ()))
    for extra in project["optional-dependencies"].values():
        texts += extra
    return [each for each in map(Requirement, texts) if each.name != "portal-harness"]


def _pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = (line.split("==") for line in lines if not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pins}


@pytest.mark.parametrize("requirement", _requirements(), ids=str)
def test_what_we_ask_for_is_pinned_at_a_version_that_we_take(requirement: Requirement) -> None:
    name = canonicalize_name(requirement.name)
    pins = _pinned()
    assert name in pins
    assert requirement.specifier.contains(pins[name], prereleases=True), pins[name]
