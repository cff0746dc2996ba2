"""What ``pip install .`` copies: everything that is read at run time, and the marks of typed packages."""

from __future__ import annotations

import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGES = ("harness", "mocks", "reference_services", "contracts")


def tracked() -> list[Path]:
    """Files of the packages, as the repository has them."""
    done = subprocess.run(
        ["git", "ls-files", *PACKAGES],  # noqa: S607 - whichever git made the checkout
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip("this is no checkout")
    return [Path(line) for line in done.stdout.splitlines()]


def test_every_file_that_is_no_code_is_copied() -> None:
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = setup["package-data"]["*"]
    data = [path for path in tracked() if path.suffix != ".py"]
    assert {path.suffix for path in data} >= {".yaml", ".json", ".md", ".j2"}
    assert not [path for path in data if not any(fnmatch(path.name, pattern) for pattern in patterns)]
    found = setup["packages"]["find"]["include"]
    assert {pattern.rstrip("*") for pattern in found} == set(PACKAGES)


def test_packages_of_code_say_that_they_are_typed() -> None:
    for package in PACKAGES[:3]:
        assert (ROOT / package / "py.typed").exists(), package
